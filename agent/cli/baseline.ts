/** `restorewatch baseline`: which point a source is compared with, what is proposed in its place, and a person's answer. */
import { describeDifference, type Difference } from "../core/baseline.ts";
import type { Answer, Baseline, Decision } from "../core/decisions.ts";
import { AgentError, asAgentError } from "../core/errors.ts";
import { describeCount, describeTime } from "../core/words-for-people.ts";
import type { Output } from "./output.ts";
import { clean } from "./render.ts";

export interface BaselineView {
  readonly source: string;
  readonly approved: Baseline | null;
  readonly proposed: Baseline | null;
  /** From the approved to the proposed one; empty where one of them is missing. */
  readonly differences: readonly Difference[];
}

export interface BaselineDeps {
  readonly out: Output;
  readonly sources: readonly string[];
  readonly read: (source: string) => Promise<BaselineView>;
}

/** @returns 0 when nothing waits, 1 when something does, 2 for a source there is not */
export async function baselineCommand(
  source: string | null,
  options: { readonly output: "text" | "json" },
  deps: BaselineDeps,
): Promise<number> {
  try {
    requireKnown(source, deps.sources);
    const views = await Promise.all(deps.sources.filter((id) => source === null || id === source).map((id) => deps.read(id)));
    if (options.output === "json") {
      const sources = views.map((view) => ({ ...view, approved: shortOf(view.approved), proposed: shortOf(view.proposed) }));
      deps.out.line(JSON.stringify({ schema: "restorewatch.baselines/v1", sources }));
    } else for (const view of views) for (const line of textOf(view)) deps.out.line(line);
    return views.some((view) => view.proposed !== null) ? 1 : 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), options.output);
  }
}

function shortOf(baseline: Baseline | null): object | null {
  if (baseline === null) return null;
  const { id, pointId, proposedAt, decidedAt } = baseline;
  return {
    id,
    pointId,
    proposedAt: new Date(proposedAt).toISOString(),
    decidedAt: decidedAt === null ? null : new Date(decidedAt).toISOString(),
    inventory: baseline.facts.inventory,
  };
}

function textOf({ source, approved, proposed, differences }: BaselineView): string[] {
  const is = approved === null ? "no baseline is approved" : `baseline approved ${describeTime(approved.decidedAt ?? approved.proposedAt)}`;
  if (proposed === null) return [`${clean(source)}: ${is}, none waits.`];
  const { collections, records } = proposed.facts.inventory;
  const of = `${describeCount(collections, "collection")}, ${describeCount(records, "record")}`;
  return [
    `${clean(source)}: ${is}; one of ${describeTime(proposed.proposedAt)} waits (${of}).`,
    ...differences.map((one) => `  ${one.weight === "loss" ? "✗" : "~"} ${clean(describeDifference(one))}`),
    `  restorewatch baseline ${clean(source)} --approve --reason "…"   or --reject`,
  ];
}

export interface AnswerDeps {
  readonly out: Output;
  readonly sources: readonly string[];
  /** Durable when it resolves; taken in by the running agent, or by the next. */
  readonly leave: (
    document: Pick<Decision, "about" | "sourceId" | "answer" | "reason"> & { readonly subject: string | null },
  ) => Promise<void>;
}

/** @returns 0 when the answer is safely on disk, 2 where it is none */
export async function answerCommand(
  source: string,
  given: { readonly about: Decision["about"]; readonly answer: Answer; readonly subject: string | null; readonly reason: string | null },
  output: "text" | "json",
  deps: AnswerDeps,
): Promise<number> {
  try {
    requireKnown(source, deps.sources);
    const { about, answer, subject } = given;
    const reason = given.reason?.trim() ?? "";
    if (reason === "")
      throw new AgentError("usage", "no-reason", "A decision needs a reason.", { mend: 'say in one line why, with --reason "…"' });
    await deps.leave({ about, subject, sourceId: source, answer, reason });
    if (output === "json") deps.out.line(JSON.stringify({ schema: "restorewatch.decision/v1", source, about, answer }));
    else
      deps.out.line(
        `Left for the agent: ${about} of ${clean(source)} ${answer}. It is recorded within a few seconds, or when the agent next starts.`,
      );
    return 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), output);
  }
}

function requireKnown(source: string | null, known: readonly string[]): void {
  if (source !== null && !known.includes(source))
    throw new AgentError("usage", "no-such-source", `The configuration has no source "${source}".`, {
      mend: `it has ${known.join(", ") || "none"}`,
    });
}
