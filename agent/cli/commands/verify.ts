/** `verify`: one backup, without a configuration. */
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { drillRunner, VERSION } from "../../app-world.ts";
import { formats } from "../../formats/api.ts";
import { AgentError, asAgentError } from "../../core/errors.ts";
import { createWorkDir } from "../../engine/drill-child/workdirs.ts";
import { createTelemetry } from "../../telemetry/instrument.ts";
import type { Shell, VerifyFlags } from "../program.ts";
import { verifyCommand } from "../verify.ts";
import { quiet } from "./quiet.ts";

export async function verifyPath(path: string, flags: VerifyFlags, shell: Shell): Promise<number> {
  const world = quiet(shell);
  const { telemetry } = createTelemetry({
    service: { name: "restorewatch", version: VERSION, instanceId: shell.hostname, environment: null },
    clock: world.clock,
    random: world.random,
    log: world.log,
    processMetrics: false,
  });
  const { runChild } = await drillRunner(world);
  return verifyCommand(
    path,
    {
      format: flags.format,
      baseline: flags.baseline ?? null,
      sample: flags.sample,
      critical: flags.critical,
      key: flags.key ?? null,
      output: flags.output,
      seed: flags.seed ?? null,
      showKeys: flags.showKeys,
      all: flags.all,
      limits: {
        memoryMb: flags.memory,
        diskMb: flags.disk,
        threads: flags.threads,
        timeMs: flags.timeout,
        maxBytes: 20e9,
        maxEntries: 100_000,
        maxRatio: 200,
        maxDepth: 200,
      },
    },
    {
      out: shell.out,
      clock: world.clock,
      telemetry,
      formats: formats.map((format) => format.id),
      randomHex: (bytes) => Buffer.from(world.random.bytes(bytes)).toString("hex"),
      readKey,
      runChild,
      // No folder in between: where one user has made it, no other may write.
      createWorkDir: (id) => createWorkDir(tmpdir(), `verify-${id}`),
      signal: shell.stop,
    },
  );
}

async function readKey(path: string): Promise<string> {
  try {
    const text = (await readFile(path, "utf8")).replace(/\r?\n$/, "");
    if (text === "") throw new AgentError("usage", "key-empty", `The key file ${path} is empty.`);
    return text;
  } catch (thrown) {
    const error = asAgentError(thrown);
    if (error.code === "not-found") throw new AgentError("usage", "no-such-key-file", `There is no key file at ${path}.`);
    throw error;
  }
}
