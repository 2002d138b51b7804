/** `restorewatch capture SOURCE`: one capture now, or what its retention would remove. */
import { asAgentError } from "../core/errors.ts";
import { describeBytes, describeCount, describeDuration, describeTime } from "../core/words-for-people.ts";
import type { CaptureResult } from "../engine/capture/capture.ts";
import type { Expired } from "../engine/capture/retention.ts";
import type { Output } from "./output.ts";

export interface CaptureCommandDeps {
  readonly out: Output;
  readonly capture: () => Promise<CaptureResult>;
  readonly prune: (dryRun: boolean) => Promise<readonly Expired[]>;
}

export interface CaptureOptions {
  readonly output: "text" | "json";
  readonly prune: boolean;
  readonly dryRun: boolean;
}

/** @returns 0 when it is done, 2 for a configuration to mend, 3 when the product or the vault could not be reached or gave less than it has */
export async function captureCommand(source: string, options: CaptureOptions, deps: CaptureCommandDeps): Promise<number> {
  const { out } = deps;
  try {
    if (options.prune || options.dryRun) {
      const expired = await deps.prune(options.dryRun);
      if (options.output === "json")
        out.line(JSON.stringify({ schema: "restorewatch.prune/v1", source, dryRun: options.dryRun, removed: expired }));
      else {
        const what = options.dryRun ? "would be removed" : "removed";
        for (const one of expired) out.line(`${what}: ${one.path}  ${describeBytes(one.bytes)}  of ${describeTime(one.createdAt)}`);
        out.line(expired.length === 0 ? "Nothing is old enough to be removed." : `${describeCount(expired.length, "capture")} ${what}.`);
      }
      return 0;
    }
    const made = await deps.capture();
    out.clearProgress();
    if (options.output === "json") out.line(JSON.stringify({ schema: "restorewatch.capture/v1", source, ...made }));
    else {
      const took = describeDuration(made.finishedAt - made.startedAt);
      out.line(
        `Captured ${source}: ${describeCount(made.records, "record")}, ${describeCount(made.files, "file")}, ${describeBytes(made.bytes)} in ${took}${made.mode === "incremental" ? ", only what changed read anew" : ""}${made.resumed ? ", going on with one that was cut off" : ""}.`,
      );
      out.line(`  ${made.path}  sha256 ${made.sha256}`);
      for (const sentence of made.changed) out.line(`  changed meanwhile: ${sentence}`);
      for (const sentence of made.fidelity) out.line(`  cannot be had: ${sentence}`);
    }
    return 0;
  } catch (thrown) {
    out.clearProgress();
    return out.failure(asAgentError(thrown), options.output);
  }
}
