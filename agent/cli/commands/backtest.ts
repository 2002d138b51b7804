/** `backtest`: a series, without a configuration. */
import { readFile } from "node:fs/promises";
import { stdin } from "node:process";
import { AgentError, asAgentError } from "../../core/errors.ts";
import { parseDuration } from "../../kit/duration.ts";
import { BACKTEST_SIGNALS, backtestCommand, scheduleOf } from "../backtest.ts";
import type { Shell } from "../program.ts";

export interface BacktestFlags {
  readonly schedule: string;
  readonly signal: string;
  readonly budget: number;
  readonly changepoints: boolean;
  readonly output: "text" | "json" | "ndjson";
}

export async function backtestFile(path: string, flags: BacktestFlags, shell: Shell): Promise<number> {
  const { output } = flags;
  try {
    const signal = BACKTEST_SIGNALS.find((one) => one === flags.signal);
    if (signal === undefined)
      throw new AgentError("usage", "bad-signal", `--signal "${flags.signal}" is no signal.`, {
        mend: `use one of ${BACKTEST_SIGNALS.join(", ")}`,
      });
    const everyMs = scheduleOf(flags.schedule, parseDuration);
    return await backtestCommand(
      path,
      { signal, everyMs, budget: flags.budget, changepoints: flags.changepoints, output },
      { out: shell.out, read: (file) => (file === "-" ? readInput() : readText(file)) },
    );
  } catch (thrown) {
    return shell.out.failure(asAgentError(thrown), output === "text" ? "text" : "json");
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    const error = asAgentError(thrown);
    if (error.code === "not-found") throw new AgentError("usage", "no-such-path", `There is nothing at ${path}.`);
    throw new AgentError("usage", "not-readable", `${path} cannot be read: ${error.message}`, { cause: thrown });
  }
}

async function readInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}
