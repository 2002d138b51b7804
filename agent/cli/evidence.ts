/** `restorewatch evidence`: proves the log and prints it; beside a running agent, changing nothing. */
import { AgentError, asAgentError } from "../core/errors.ts";
import type { EvidenceEntry } from "../core/evidence.ts";
import { describeCount, describeTime } from "../core/words-for-people.ts";
import type { EvidenceReport } from "../evidence/verify.ts";
import type { Output } from "./output.ts";
import { clean } from "./render.ts";

const MOST_PROBLEMS = 50;
const MOST_LAST = 100_000;

/** @returns 0 sound, 1 something was changed, missing or reordered, 3 it could not be read */
export async function evidenceVerifyCommand(
  options: { readonly head: string | null; readonly output: "text" | "json" },
  deps: { readonly out: Output; readonly verify: (head: string | null) => Promise<EvidenceReport> },
): Promise<number> {
  const { out } = deps;
  try {
    if (options.head !== null && !/^[0-9a-f]{64}$/i.test(options.head))
      throw new AgentError("usage", "bad-head", "--head is not a head.", { mend: "give the 64 hex digits the agent logged" });
    const report = await deps.verify(options.head);
    const sound = report.problems.length === 0 && report.untold === 0;
    if (options.output === "json") out.line(JSON.stringify({ schema: "restorewatch.evidence/v1", sound, ...report }));
    else {
      const { style } = out;
      for (const problem of report.problems.slice(0, MOST_PROBLEMS))
        out.line(`${style.bad("✗")} ${clean(problem.file)}:${problem.line} ${clean(problem.sentence)}`);
      if (report.problems.length > MOST_PROBLEMS) out.line(`  and ${report.problems.length - MOST_PROBLEMS} more`);
      out.line(
        `${sound ? style.good("✓ sound") : style.bad("✗ broken")}  ${describeCount(report.entries, "entry", "entries")}, head ${report.head.hash}`,
      );
      if (sound) out.line(style.dim(`  ${tailSentence(report)}`));
    }
    return sound ? 0 : 1;
  } catch (thrown) {
    return out.failure(asAgentError(thrown), options.output);
  }
}

function tailSentence({ tailProven, provenThrough, entries }: EvidenceReport): string {
  if (tailProven) return "The log ends with the head given: nothing was cut off.";
  if (provenThrough === null) return "That nothing was cut off at the end is not proven: give a head noted elsewhere with --head.";
  return `Proven up to entry ${provenThrough} by the head given; what came after it (${describeCount(entries - provenThrough, "entry", "entries")} here) is unproven.`;
}

export interface ShowOptions {
  readonly since: string | null;
  readonly source: string | null;
  readonly type: string | null;
  /** Only the newest so many; as written on the command line. */
  readonly last?: string | null;
  readonly output: "text" | "json";
}

/** Prints entries, a line each; as JSON lines with `--output json`. */
export async function evidenceShowCommand(
  options: ShowOptions,
  deps: {
    readonly out: Output;
    readonly read: () => AsyncIterable<{ readonly seq: number; readonly at: number; readonly entry: EvidenceEntry }>;
  },
): Promise<number> {
  try {
    const since = options.since === null ? Number.NEGATIVE_INFINITY : Date.parse(options.since);
    if (Number.isNaN(since))
      throw new AgentError("usage", "bad-time", `--since "${options.since ?? ""}" is not a time.`, {
        mend: "write ISO 8601 such as 2026-11-23T02:00:00Z",
      });
    const last = options.last === undefined || options.last === null ? null : Number(options.last);
    if (last !== null && !(Number.isInteger(last) && last >= 1 && last <= MOST_LAST))
      throw new AgentError("usage", "bad-last", `--last "${options.last ?? ""}" is not a number of entries.`, {
        mend: "write one such as 20",
      });
    const newest: string[] = [];
    for await (const { seq, at, entry } of deps.read()) {
      if (
        at < since ||
        (options.type !== null && entry.type !== options.type) ||
        (options.source !== null && !concerns(entry, options.source))
      )
        continue;
      const line =
        options.output === "json"
          ? JSON.stringify({ seq, at: new Date(at).toISOString(), entry })
          : `${String(seq).padStart(6)}  ${describeTime(at)}  ${clean(told(entry))}`;
      if (last === null) deps.out.line(line);
      else if (newest.push(line) > last) newest.shift();
    }
    for (const line of newest) deps.out.line(line);
    return 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), options.output);
  }
}

function concerns(entry: EvidenceEntry, source: string): boolean {
  switch (entry.type) {
    case "points.seen":
    case "source.configured":
      return entry.sourceId === source;
    case "run.reported":
      return entry.report.sourceId === source;
    case "observations":
      return entry.observations.some((one) => one.sourceId === source);
    case "drill.finished":
      return entry.drill.sourceId === source;
    case "alarm.changed":
      return entry.alarm.sourceId === source;
    case "baseline.proposed":
      return entry.baseline.sourceId === source;
    case "decision.made":
      return entry.decision.sourceId === source;
    case "config.changed":
      return entry.sources.includes(source);
    case "agent.started":
    case "agent.stopped":
    case "head.noted":
    case "leftovers.removed":
    case "state.rebuilt":
      return false;
  }
}

function told(entry: EvidenceEntry): string {
  switch (entry.type) {
    case "agent.started":
      return `agent ${entry.version} started with configuration ${entry.configHash.slice(0, 16)}`;
    case "agent.stopped":
      return `agent stopped: ${entry.reason}`;
    case "config.changed":
      return `configuration ${entry.configHash.slice(0, 16)} with ${describeCount(entry.sources.length, "source")}`;
    case "source.configured":
      return `${entry.sourceId}: configured`;
    case "points.seen":
      return `${entry.sourceId}: ${describeCount(entry.points.length, "recovery point")} new, changed or gone`;
    case "run.reported":
      return `${entry.report.sourceId}: backup run reported ${entry.report.outcome}`;
    case "observations":
      return describeCount(entry.observations.length, "observation");
    case "drill.finished":
      return `${entry.drill.sourceId}: ${entry.drill.verdict}, ${entry.drill.artifact.path}${entry.drill.reasons[0] === undefined ? "" : `: ${entry.drill.reasons[0]}`}`;
    case "alarm.changed":
      return `${entry.alarm.sourceId}: alarm ${entry.alarm.rule} ${entry.alarm.endedAt === null ? "began" : "ended"}: ${entry.alarm.sentence}`;
    case "baseline.proposed":
      return `${entry.baseline.sourceId}: a baseline was proposed`;
    case "decision.made":
      return `${entry.decision.sourceId}: ${entry.decision.about} ${entry.decision.answer} by ${entry.decision.actor}: ${entry.decision.reason}`;
    case "leftovers.removed":
      return `${describeCount(entry.count, "sandbox", "sandboxes")} of killed drills removed`;
    case "state.rebuilt":
      return `state made anew from ${describeCount(entry.entries, "entry", "entries")}: ${entry.reason}`;
    case "head.noted":
      return `head noted: ${entry.head} after ${describeCount(entry.seq, "entry", "entries")}`;
  }
}
