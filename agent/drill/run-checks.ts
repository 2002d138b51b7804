/** Asks every check its question: cheap ones first, each within its own time; a check that throws or is late is `error`. */
import type { Difference } from "../core/baseline.ts";
import { AgentError } from "../core/errors.ts";
import { keyDigest } from "../core/ids.ts";
import type { Check, CheckOutcome, CheckView, Clock, Expectation, Sandbox } from "../core/ports.ts";
import type { CheckResult, Example } from "../core/values.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import { MAX_DIFFERENCES } from "./bounds.ts";
import { clip, clipName } from "./channel.ts";
import type { ChildSpan, SpanTeller } from "./spans.ts";
import { nameOf } from "./trouble.ts";

export interface ChecksContext {
  readonly view: Omit<CheckView, "signal" | "example">;
  readonly expectation: Expectation;
  /** Why nothing was opened, or nothing loaded, in words; for the reason of a skip. */
  readonly because: string | null;
  readonly digestKey: string | null;
  /** Longest time one check may take, in milliseconds. */
  readonly timeMs: number;
  /** Milliseconds left for the whole drill. */
  readonly leftMs: () => number;
  readonly clock: Clock;
  readonly spans: SpanTeller;
  readonly parent: ChildSpan;
  readonly signal: AbortSignal;
  /** Told each result at once, and how many checks are done. */
  readonly onResult: (result: CheckResult, done: number, of: number) => void;
}

const MAX_EXAMPLES = 5;
/** Database spans beyond this many a drill tell nothing new. */
const MAX_QUERY_SPANS = 300;
const COST = { artifact: 0, content: 1, sandbox: 2 } as const;

/** @returns one result a check, in the order they were asked */
export async function runChecks(checks: readonly Check[], context: ChecksContext): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  const budget = { spans: MAX_QUERY_SPANS };
  for (const check of [...checks].sort((a, b) => COST[a.needs] - COST[b.needs])) {
    const span = context.spans.start(SPANS.check, context.parent, { [ATTRIBUTES.checkId]: check.id, [ATTRIBUTES.checkLayer]: check.layer });
    const started = context.clock.monotonic();
    const outcome = await answer(check, context, span, budget);
    const result: CheckResult = {
      id: check.id,
      layer: check.layer,
      status: outcome.status,
      observed: clip(outcome.observed),
      expected: outcome.expected === undefined ? null : clip(outcome.expected),
      count: Math.max(0, Math.trunc(outcome.count ?? 0)),
      examples: (outcome.examples ?? []).slice(0, MAX_EXAMPLES).map(clippedExample),
      durationMs: Math.max(0, context.clock.monotonic() - started),
      ...(outcome.differences === undefined ? {} : { differences: outcome.differences.slice(0, MAX_DIFFERENCES).map(clippedDifference) }),
    };
    results.push(result);
    context.onResult(result, results.length, checks.length);
    span.end(
      { [ATTRIBUTES.checkStatus]: result.status, [ATTRIBUTES.checkObserved]: result.observed, [ATTRIBUTES.checkItems]: result.count },
      result.status === "fail" || result.status === "error" ? { type: `check-${result.status}`, message: result.observed } : null,
    );
  }
  return results;
}

type Answer = Omit<CheckOutcome, "status"> & { readonly status: CheckResult["status"] };

async function answer(check: Check, context: ChecksContext, span: ChildSpan, budget: { spans: number }): Promise<Answer> {
  const reason = reasonToSkip(check, context);
  if (reason !== null) return { status: "skip", observed: reason };
  const limit = Math.min(context.timeMs, context.leftMs());
  if (limit <= 0 || context.signal.aborted) return { status: "error", observed: "there was no time left to ask" };
  const late = new AbortController();
  const signal = AbortSignal.any([late.signal, context.signal]);
  const sandbox = context.view.sandbox === null ? null : guarded(context.view.sandbox, signal, context, span, budget);
  const stopWaiting = new AbortController();
  const deadline = context.clock.sleep(limit, AbortSignal.any([stopWaiting.signal, context.signal])).then(
    () => "late" as const,
    () => "aborted" as const,
  );
  try {
    const view: CheckView = { ...context.view, sandbox, signal, example: (...parts) => exampleOf(context.digestKey, ...parts) };
    // Wrapped, so that a check that throws before its first await is caught like any other.
    const asked = Promise.resolve().then(() => check.run(view, context.expectation));
    const first = await Promise.race([asked, deadline]);
    if (first === "late") return { status: "error", observed: `gave no answer within ${seconds(limit)}` };
    if (first === "aborted") return { status: "error", observed: "was interrupted by the end of the drill" };
    return first;
  } catch (thrown) {
    // What is not ours may quote a record value, so only its kind is told.
    const why = thrown instanceof AgentError ? thrown.message : `the check failed unexpectedly (${nameOf(thrown)})`;
    return { status: "error", observed: why };
  } finally {
    late.abort();
    stopWaiting.abort();
  }
}

function reasonToSkip(check: Check, context: ChecksContext): string | null {
  const { content, load, sandbox, damage } = context.view;
  const because = damage?.message ?? context.because ?? "for no known reason";
  if (check.needs !== "artifact" && content === null) return `the artifact was not opened: ${because}`;
  if (check.needs === "sandbox" && (load === null || sandbox === null)) return `nothing was loaded: ${because}`;
  if (check.aspect === null || content === null) return null;
  const aspect = content.aspects[check.aspect];
  return aspect.included ? null : aspect.reason;
}

/** A sandbox whose statements end with the check, and are seen as calls to a database. */
function guarded(
  sandbox: Pick<Sandbox, "query">,
  signal: AbortSignal,
  context: ChecksContext,
  parent: ChildSpan,
  budget: { spans: number },
): Pick<Sandbox, "query"> {
  return {
    async query(sql, parameters, options = {}) {
      signal.throwIfAborted();
      const own = options.signal === undefined ? signal : AbortSignal.any([options.signal, signal]);
      budget.spans -= 1;
      const span = budget.spans < 0 ? null : context.spans.start("sandbox.query", parent, databaseAttributes("SELECT"), "client");
      try {
        const rows = await sandbox.query(sql, parameters, { ...options, signal: own });
        span?.end({ [ATTRIBUTES.items]: rows.length });
        return rows;
      } catch (thrown) {
        span?.end({}, { type: thrown instanceof AgentError ? thrown.code : nameOf(thrown), message: "The statement failed." });
        throw thrown;
      }
    },
  };
}

/** What makes a span an edge from the agent to its sandbox in a service graph. */
export function databaseAttributes(operation: string): Record<string, string> {
  return {
    [ATTRIBUTES.dbSystem]: "duckdb",
    [ATTRIBUTES.dbOperation]: operation,
    [ATTRIBUTES.peerName]: "sandbox",
    [ATTRIBUTES.peerService]: "sandbox",
  };
}

function exampleOf(digestKey: string | null, ...[collection, key, field, note]: Parameters<CheckView["example"]>): Example {
  const open = collection.keyKind === "platform" || digestKey === null;
  return {
    collection: collection.name,
    item: open ? key : keyDigest(digestKey, collection.id, key),
    ...(field === undefined ? {} : { field }),
    ...(note === undefined ? {} : { note }),
  };
}

function clippedExample(example: Example): Example {
  return {
    collection: clipName(example.collection),
    item: clipName(example.item),
    ...(example.field === undefined ? {} : { field: clipName(example.field) }),
    ...(example.note === undefined ? {} : { note: clipName(example.note) }),
  };
}

function clippedDifference(one: Difference): Difference {
  return {
    ...one,
    collection: one.collection === null ? null : clipName(one.collection),
    what: clipName(one.what),
    note: clip(one.note),
  };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
