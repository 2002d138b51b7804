/** `restorewatch state`: how much the agent remembers, and making it anew from the evidence. */
import { asAgentError } from "../core/errors.ts";
import { describeBytes, describeCount } from "../core/words-for-people.ts";
import type { Output } from "./output.ts";
import { clean } from "./render.ts";

export interface StateInfo {
  readonly path: string;
  readonly bytes: number;
  readonly schemaVersion: string;
  readonly rows: Readonly<Record<string, number>>;
  /** Number of the newest evidence entry in state. */
  readonly follows: number;
}

export async function stateInfoCommand(
  output: "text" | "json",
  deps: { readonly out: Output; readonly info: () => Promise<StateInfo> },
): Promise<number> {
  try {
    const info = await deps.info();
    if (output === "json") deps.out.line(JSON.stringify({ schema: "restorewatch.state/v1", ...info }));
    else {
      deps.out.line(
        `${clean(info.path)}: ${describeBytes(info.bytes)}, schema ${info.schemaVersion}, follows ${describeCount(info.follows, "evidence entry", "evidence entries")}`,
      );
      for (const [table, rows] of Object.entries(info.rows)) deps.out.line(`  ${table.padEnd(16)} ${rows}`);
    }
    return 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), output);
  }
}

export async function stateRebuildCommand(
  output: "text" | "json",
  deps: { readonly out: Output; readonly rebuild: () => Promise<{ readonly entries: number; readonly aside: string | null }> },
): Promise<number> {
  try {
    const { entries, aside } = await deps.rebuild();
    if (output === "json") deps.out.line(JSON.stringify({ schema: "restorewatch.rebuild/v1", entries, aside }));
    else
      deps.out.line(
        `Made the state anew from ${describeCount(entries, "evidence entry", "evidence entries")}${aside === null ? "" : `; the former one lies at ${clean(aside)}`}.`,
      );
    return 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), output);
  }
}
