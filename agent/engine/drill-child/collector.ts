/** Takes the child's messages one by one: what it found out, and its spans, re-created under the drill's own. */
import type { Clock, Span } from "../../core/ports.ts";
import type { CheckResult, PointFacts, ResourceUse, SampleInfo } from "../../core/values.ts";
import type { BaselineTable, DrillFindings } from "../../core/ports.ts";
import type { Phase } from "../../core/words.ts";
import { type ChildMessage, childMessageSchema } from "../../drill/protocol.ts";
import type { ChildTrouble } from "./ending.ts";

export interface Collected {
  readonly recognised: DrillFindings["recognised"];
  readonly artifact: DrillFindings["artifact"] | null;
  readonly createdAt: number | null;
  readonly checks: readonly CheckResult[];
  readonly facts: PointFacts | null;
  readonly sample: SampleInfo | null;
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  readonly resources: ResourceUse | null;
  /** What of the artifact lies ready to be restored into a scratch workspace; null where none was asked for or none could be drawn. */
  readonly kept?: { readonly tables: readonly BaselineTable[]; readonly files: string | null };
  readonly restoreSet: { readonly records: number; readonly files: number; readonly cut: number } | null;
}

export interface Collector {
  /** Given a line; false when it is no message: then the child has failed. */
  take(line: string): boolean;
  readonly spoke: boolean;
  readonly permissions: boolean;
  readonly databaseLocked: boolean;
  /** Set once the child said it is done. */
  readonly done: { readonly trouble: ChildTrouble | null } | null;
  /** Closes every span that is still open, innermost first, as ERROR with the trouble's code. */
  closeSpans(trouble: ChildTrouble): void;
  collected(): Collected;
}

export function createCollector(
  parent: Span,
  clock: Clock,
  onProgress: ((phase: Phase, done: number, of: number | null) => void) | undefined,
): Collector {
  const startedAt = clock.now();
  const open = new Map<number, { readonly span: Span; readonly at: number }>();
  const checks: CheckResult[] = [];
  const phases: Partial<Record<Phase, number>> = {};
  let opened: Extract<ChildMessage, { t: "opened" }> | null = null;
  let told: Extract<ChildMessage, { t: "facts" }> | null = null;
  let restoreSet: Extract<ChildMessage, { t: "restore-set" }> | null = null;
  let tables: Extract<ChildMessage, { t: "tables" }> | null = null;
  let done: Extract<ChildMessage, { t: "done" }> | null = null;
  let spoke = false;
  let permissions = false;
  let databaseLocked = false;

  /** A child's clock is not trusted: nothing began before the drill or ends after now. */
  const bounded = (at: number, from: number): number => Math.min(Math.max(at, from), Math.max(clock.now(), from));

  const startSpan = (message: Extract<ChildMessage, { t: "span-start" }>): boolean => {
    const above = message.parent === null ? { span: parent, at: startedAt } : open.get(message.parent);
    if (above === undefined || open.has(message.id)) return false;
    const at = bounded(message.at, above.at);
    open.set(message.id, { span: above.span.start(message.name, message.attributes, { kind: message.kind, at }), at });
    return true;
  };
  const endSpan = (message: Extract<ChildMessage, { t: "span-end" }>): boolean => {
    const entry = open.get(message.id);
    if (entry === undefined) return false;
    open.delete(message.id);
    entry.span.set(message.attributes);
    if (message.error !== null) entry.span.fail(message.error.type, message.error.message);
    entry.span.end(bounded(message.at, entry.at));
    return true;
  };

  const apply = (message: ChildMessage): boolean => {
    switch (message.t) {
      case "hello":
        spoke = true;
        permissions = message.permissions;
        return true;
      case "sandbox":
        databaseLocked = message.locked;
        return true;
      case "span-start":
        return startSpan(message);
      case "span-end":
        return endSpan(message);
      case "phase":
        phases[message.phase] = message.ms;
        return true;
      case "progress":
        onProgress?.(message.phase, message.done, message.of);
        return true;
      case "opened":
        opened = message;
        return true;
      case "check":
        // One answer a check: a second one would let a hostile child talk its way out of the first.
        if (checks.some((check) => check.id === message.result.id)) return false;
        checks.push(plainResult(message.result));
        return true;
      case "facts":
        told = message;
        return true;
      case "tables":
        tables = message;
        return true;
      case "restore-set":
        restoreSet = message;
        return true;
      case "done":
        done = message;
        return true;
      default:
        return message satisfies never;
    }
  };

  return {
    take(line) {
      if (done !== null) return false;
      const parsed = childMessageSchema.safeParse(parseJson(line));
      return parsed.success && apply(parsed.data);
    },
    get spoke() {
      return spoke;
    },
    get permissions() {
      return permissions;
    },
    get databaseLocked() {
      return databaseLocked;
    },
    get done() {
      return done;
    },
    closeSpans(trouble) {
      for (const { span, at } of [...open.values()].toReversed()) {
        span.fail(trouble.code, trouble.message);
        span.end(bounded(clock.now(), at));
      }
      open.clear();
    },
    collected: () => ({
      recognised: opened?.recognised ?? null,
      artifact: opened?.artifact ?? null,
      createdAt: opened?.createdAt ?? null,
      checks,
      facts: told?.facts ?? null,
      sample: told?.sample ?? null,
      phases,
      resources: done?.resources ?? null,
      ...(tables === null ? {} : { kept: { tables: tables.tables, files: tables.files } }),
      restoreSet: restoreSet === null ? null : { records: restoreSet.records, files: restoreSet.files, cut: restoreSet.cut },
    }),
  };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Leaves out optional members that are `undefined`, as the value's type wants it. */
function plainResult(result: Extract<ChildMessage, { t: "check" }>["result"]): CheckResult {
  return {
    ...result,
    examples: result.examples.map(({ collection, item, field, note }) => ({
      collection,
      item,
      ...(field === undefined ? {} : { field }),
      ...(note === undefined ? {} : { note }),
    })),
  };
}
