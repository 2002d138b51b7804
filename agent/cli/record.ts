/** `restorewatch record SOURCE`: a backup job says what it did. The report is left in the agent's inbox, so it is never lost, running agent or not. */
import { AgentError, asAgentError } from "../core/errors.ts";
import { parseRunReport } from "../core/run-report.ts";
import type { Clock } from "../core/ports.ts";
import type { Output } from "./output.ts";

export interface RecordOptions {
  readonly outcome: string;
  readonly started: string | null;
  readonly finished: string | null;
  readonly bytes: string | null;
  readonly records: string | null;
  readonly artifact: string | null;
  readonly sha256: string | null;
  readonly message: string | null;
  readonly output: "text" | "json";
}

export interface RecordDeps {
  readonly out: Output;
  readonly clock: Clock;
  readonly sources: readonly string[];
  /** Durable when it resolves. */
  readonly leave: (kind: "run", document: unknown) => Promise<void>;
}

/** @returns 0 when the report is safely on disk, 2 for a report that is not valid */
export async function recordCommand(source: string, options: RecordOptions, deps: RecordDeps): Promise<number> {
  try {
    if (!deps.sources.includes(source)) {
      throw new AgentError("usage", "no-such-source", `The configuration has no source "${source}".`, {
        mend: `it has ${deps.sources.join(", ") || "none"}`,
      });
    }
    const input = {
      source,
      outcome: options.outcome,
      finished: options.finished === null ? deps.clock.now() / 1000 : momentOf(options.finished, "finished"),
      ...(options.started === null ? {} : { started: momentOf(options.started, "started") }),
      ...(options.bytes === null ? {} : { bytes: Number(options.bytes) }),
      ...(options.records === null ? {} : { items: { records: Number(options.records) } }),
      ...(options.artifact === null ? {} : { artifact: options.artifact }),
      ...(options.sha256 === null ? {} : { sha256: options.sha256 }),
      ...(options.message === null ? {} : { message: options.message }),
    };
    const report = parseRunReport(input, { sourceId: source, via: "cli", now: deps.clock.now() });
    await deps.leave("run", input);
    if (options.output === "json")
      deps.out.line(JSON.stringify({ schema: "restorewatch.run/v1", id: report.id, source, outcome: report.outcome }));
    else deps.out.line(`Recorded: ${source}, ${report.outcome}. The agent takes it in within a few seconds, or when it next starts.`);
    return 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), options.output);
  }
}

/** Seconds since the epoch, or ISO 8601 passed on for the report's own validation. */
function momentOf(text: string, name: string): string | number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (Number.isNaN(Date.parse(text)))
    throw new AgentError("usage", "bad-time", `--${name} "${text}" is not a time.`, {
      mend: "write ISO 8601 such as 2026-11-23T02:00:00Z, or seconds since the epoch",
    });
  return new Date(text).toISOString();
}
