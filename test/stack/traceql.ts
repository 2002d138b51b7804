/**
 * As much of TraceQL as dashboards/traceql.md uses: span sets in braces, `>>` for "below it", and what follows the pipe, of which only the
 * attributes it groups by and the count it asks for matter here. https://grafana.com/docs/tempo/latest/traceql/
 */
import type { AttributeValue } from "../../agent/core/ports.ts";

export interface TraceSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly status: { readonly code: number };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly resource: Readonly<Record<string, AttributeValue>>;
}

export interface Query {
  /** Left of `>>`, or null. */
  readonly above: readonly Condition[] | null;
  readonly wanted: readonly Condition[];
  readonly groupedBy: readonly string[];
  /** Of `count() > N`. */
  readonly moreThan: number | null;
  /** Conditions of `compare({…})`. */
  readonly compared: readonly Condition[];
}

export interface Condition {
  readonly what: string;
  readonly op: "=" | "!=" | "=~" | ">" | "<" | ">=" | "<=";
  readonly value: string | number;
}

const CONDITION = /^([\w.]+)\s*(=~|!=|>=|<=|=|>|<)\s*(?:"([^"]*)"|([\w.]+))$/u;
const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** @throws Error for what is not understood: it is not looked over */
export function parseQuery(text: string): Query {
  const match = /^\s*(\{[^{}]*\})(?:\s*>>\s*(\{[^{}]*\}))?\s*(?:\|\s*([\s\S]+?))?\s*$/u.exec(text);
  if (match === null) throw new Error(`not understood: ${text}`);
  const [, first = "", second, pipeline = ""] = match;
  const compared = /^compare\((\{[^{}]*\})\)$/u.exec(pipeline)?.[1];
  const count = /^count\(\)\s*>\s*(\d+)$/u.exec(pipeline)?.[1];
  const grouped =
    /^(?:rate\(\)|count_over_time\(\)|quantile_over_time\(duration, ?\.\d+\)|sum_over_time\(duration\)) by \(([^)]+)\)$/u.exec(
      pipeline,
    )?.[1];
  if (pipeline !== "" && compared === undefined && count === undefined && grouped === undefined)
    throw new Error(`not understood: ${pipeline}`);
  return {
    above: second === undefined ? null : conditionsOf(first),
    wanted: conditionsOf(second ?? first),
    groupedBy: grouped === undefined ? [] : grouped.split(",").map((one) => one.trim()),
    moreThan: count === undefined ? null : Number(count),
    compared: compared === undefined ? [] : conditionsOf(compared),
  };
}

function conditionsOf(braces: string): readonly Condition[] {
  const inner = braces.slice(1, -1).trim();
  if (inner === "") return [];
  return inner.split("&&").map((text) => {
    const match = CONDITION.exec(text.trim());
    if (match === null) throw new Error(`not understood: ${text}`);
    const [, what = "", op = "", quoted, bare = ""] = match;
    const duration = /^([\d.]+)(ms|s|m|h)$/u.exec(bare);
    const value =
      quoted ??
      (duration === null ? (/^[\d.]+$/u.test(bare) ? Number(bare) : bare) : Number(duration[1]) * (SECONDS[duration[2] ?? ""] ?? 1));
    return { what, op: op as Condition["op"], value };
  });
}

/** What a word of TraceQL is on a span: seconds for `duration`; undefined where the span has no such attribute. */
export function valueOf(span: TraceSpan, what: string): AttributeValue | undefined {
  if (what === "name") return span.name;
  if (what === "kind") return ["unspecified", "internal", "server", "client", "producer", "consumer"][span.kind];
  if (what === "status") return ["unset", "ok", "error"][span.status.code];
  if (what === "duration") return Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e9;
  if (what.startsWith("span.")) return span.attributes[what.slice(5)];
  if (what.startsWith("resource.")) return span.resource[what.slice(9)];
  throw new Error(`not understood: ${what}`);
}

export function holds(span: TraceSpan, { what, op, value }: Condition): boolean {
  const own = valueOf(span, what);
  if (own === undefined) return false;
  // TraceQL compares a number with a number only: an attribute of another type is not found.
  if (typeof own !== typeof value) return false;
  if (op === "=") return own === value;
  if (op === "!=") return own !== value;
  if (op === "=~") return new RegExp(`^(?:${String(value)})$`, "u").test(String(own));
  if (op === ">") return own > value;
  if (op === "<") return own < value;
  return op === ">=" ? own >= value : own <= value;
}

/** @returns the spans that a query is about: all that match, or with `>>` those that match below one that does */
export function matching(spans: readonly TraceSpan[], query: Query): readonly TraceSpan[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const { above } = query;
  const isBelow = (span: TraceSpan): boolean => {
    if (above === null) return true;
    const parent = byId.get(span.parentSpanId ?? "");
    return parent !== undefined && (above.every((condition) => holds(parent, condition)) || isBelow(parent));
  };
  return spans.filter((span) => query.wanted.every((condition) => holds(span, condition)) && isBelow(span));
}
