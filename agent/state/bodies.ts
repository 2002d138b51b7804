/** What lies as JSON in the tables, read with care: a row that does not parse means that the state is damaged. */
import { z } from "zod";
import { ANSWERS, type Baseline, BASELINE_STATUSES, type Decision, DECISION_WAYS } from "../core/decisions.ts";
import type { PollStatus, ProbeStatus } from "../core/ports.ts";
import type { Alarm, DrillRecord, RunReport } from "../core/values.ts";
import { ALARM_KINDS, CHECK_STATUSES, DRILL_KINDS, LAYERS, PLATFORMS, RUN_OUTCOMES, SIGNALS, VERDICTS } from "../core/words.ts";
import { damagedState } from "./dialects/sqlite.ts";

const time = z.number();
const text = z.string();
const verdict = z.enum(VERDICTS);

// Loose: a field that a newer version adds is kept as it is.
const run = z.looseObject({
  id: text,
  sourceId: text,
  startedAt: time.nullable(),
  finishedAt: time,
  outcome: z.enum(RUN_OUTCOMES),
  bytes: z.number().nullable(),
  items: z.record(text, z.number()).nullable(),
  path: text.nullable(),
  checksum: z.looseObject({ algorithm: z.literal("sha256"), value: text }).nullable(),
  message: text.nullable(),
  receivedAt: time,
  via: z.enum(["cli", "api", "sidecar"]),
});

const alarm = z.looseObject({
  id: text,
  sourceId: text,
  signal: z.enum(SIGNALS),
  kind: z.enum(ALARM_KINDS),
  rule: text,
  since: time,
  endedAt: time.nullable(),
  observed: z.number(),
  expected: z.number().nullable(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
  sentence: text,
  context: z.array(text).optional(),
  grouped: z.boolean().optional(),
  runs: z.number(),
  ref: text,
});

const check = z.looseObject({
  id: text,
  layer: z.enum(LAYERS),
  status: z.enum(CHECK_STATUSES),
  observed: text,
  expected: text.nullable(),
  count: z.number(),
  examples: z.array(z.looseObject({ collection: text, item: text })),
  durationMs: z.number(),
});

const drill = z.looseObject({
  id: text,
  kind: z.enum(DRILL_KINDS),
  sourceId: text,
  pointId: text,
  trigger: z.enum(["plan", "person"]),
  attempt: z.number(),
  startedAt: time,
  finishedAt: time,
  verdict,
  layers: z.partialRecord(z.enum(LAYERS), verdict),
  reasons: z.array(text),
  trouble: text.nullable(),
  artifact: z.looseObject({ path: text, format: text.nullable(), bytes: z.number(), sha256: text.nullable() }),
  checks: z.array(check),
  phases: z.record(text, z.number()),
  sample: z.looseObject({ population: z.number(), checked: z.number() }).nullable(),
  facts: z.looseObject({ format: text, inventory: z.record(text, z.unknown()) }).nullable(),
  resources: z.looseObject({ cpuMs: z.number() }).nullable(),
  isolation: z.looseObject({ process: z.boolean() }).nullable(),
  traceId: text.nullable(),
});

const probe = z.looseObject({
  sourceId: text,
  platform: z.enum(PLATFORMS),
  probedAt: time,
  reachedAt: time.nullable(),
  found: z
    .looseObject({
      version: text.nullable(),
      permissions: z.array(z.looseObject({ name: text, neededFor: z.enum(["capture", "scratch"]), granted: z.boolean().nullable() })),
      clockSkewMs: z.number().nullable(),
      nativeBackups: z.looseObject({ count: z.number(), newestAt: time.nullable(), complete: z.boolean().nullable() }).nullable(),
    })
    .nullable(),
  changed: z.looseObject({ from: text, at: time }).nullable(),
  trouble: z.looseObject({ code: text, message: text, mend: text.nullable() }).nullable(),
});

const baseline = z.looseObject({
  id: text,
  sourceId: text,
  pointId: text,
  drillId: text,
  proposedAt: time,
  status: z.enum(BASELINE_STATUSES),
  decidedAt: time.nullable(),
  facts: z.looseObject({ format: text, inventory: z.record(text, z.unknown()) }),
});

const decision = z.looseObject({
  id: text,
  about: z.enum(["baseline", "alarm"]),
  subject: text,
  sourceId: text,
  answer: z.enum(ANSWERS),
  at: time,
  actor: text,
  reason: text,
  via: z.enum(DECISION_WAYS),
});

const trouble = z.object({ code: text, message: text });
const labels = z.record(text, text);
const buckets = z.array(z.number());

/** Reads the JSON of one row. @throws AgentError `damaged` state-damaged */
export interface Bodies {
  run(body: string, id: string): RunReport;
  alarm(body: string, id: string): Alarm;
  drill(body: string, id: string): DrillRecord;
  baseline(body: string, id: string): Baseline;
  decision(body: string, id: string): Decision;
  probe(body: string, sourceId: string): ProbeStatus;
  trouble(body: string, sourceId: string): NonNullable<PollStatus["trouble"]>;
  labels(body: string, metric: string): Readonly<Record<string, string>>;
  buckets(body: string, metric: string): readonly number[];
  /** For a column that must hold one of a few words. */
  word<T extends string>(value: string, words: readonly T[], row: string): T;
}

/** @param path of the database, for the message */
export function bodiesOf(path: string): Bodies {
  const read = (schema: z.ZodType, body: string, row: string): unknown => {
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      throw damagedState(path, `${row} is not JSON`);
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw damagedState(path, `${row} does not hold what it should at ${parsed.error.issues[0]?.path.join(".") ?? "its root"}`);
  };
  return {
    run: (body, id) => read(run, body, `run ${id}`) as RunReport,
    alarm: (body, id) => read(alarm, body, `alarm ${id}`) as Alarm,
    drill: (body, id) => read(drill, body, `drill ${id}`) as DrillRecord,
    baseline: (body, id) => read(baseline, body, `baseline ${id}`) as Baseline,
    decision: (body, id) => read(decision, body, `decision ${id}`) as Decision,
    probe: (body, sourceId) => read(probe, body, `the probe of ${sourceId}`) as ProbeStatus,
    trouble: (body, sourceId) => read(trouble, body, `the poll of ${sourceId}`) as NonNullable<PollStatus["trouble"]>,
    labels: (body, metric) => read(labels, body, `a tally of ${metric}`) as Readonly<Record<string, string>>,
    buckets: (body, metric) => read(buckets, body, `a tally of ${metric}`) as readonly number[],
    word: <T extends string>(value: string, words: readonly T[], row: string): T => {
      const known = words.find((word) => word === value);
      if (known === undefined) throw damagedState(path, `${row} holds a word that is none of ${words.join(", ")}`);
      return known;
    },
  };
}
