/**
 * The layer `live`: a sample of a backup beside what production holds now (verification.md §4). What people did since is `changed`, what
 * the backup should have held and does not is `mismatch`, what cannot be told is `unverifiable`. Production is only read.
 */
import {
  COMPARED,
  comparableFields,
  type Compared,
  type Comparison,
  compareWithProduction,
  type ComparisonTimes,
} from "../../core/compare.ts";
import type { Collection, ContentRecord, Value } from "../../core/content.ts";
import { type Differences, differentItems, type Sides } from "../../core/differences.ts";
import { asAgentError } from "../../core/errors.ts";
import { keyDigest } from "../../core/ids.ts";
import type { OpenPlatform, Platform, RestoreSet } from "../../core/platform-ports.ts";
import { isPending, NOTHING_PENDING, type Pending, pendingAfter, type PendingItem, seenFields, settle } from "../../core/pending.ts";
import type { Clock, Telemetry } from "../../core/ports.ts";
import type { SampledResult } from "../../core/sampled.ts";
import type { CheckResult, Example } from "../../core/values.ts";
import { describeCount } from "../../core/words-for-people.ts";
import { ATTRIBUTES, SPANS } from "../../telemetry/names.ts";

export interface LiveOrder {
  /** When the backup began to be made, ms since the epoch. */
  readonly startedAt: number;
  readonly digestKey: string;
  /** What could not be told at an earlier recovery point. */
  readonly pending?: Pending;
  /** Most keys of production that are listed for one collection. */
  readonly mostKeys: number;
}

export interface LiveOutcome {
  readonly checks: readonly CheckResult[];
  readonly compared: Readonly<Record<Compared, number>> | null;
  readonly trouble: { readonly code: string; readonly message: string } | null;
  readonly ms: number;
  /** Of every item that is not equal. */
  readonly results: readonly SampledResult[];
  /** What shows at the next recovery point; null where nothing was compared. */
  readonly pending: Pending | null;
  /** People's data, for the agent's machine alone. */
  readonly differences: Pick<Differences, "items" | "more">;
}

/** Product clocks tell seconds, and a request takes its time. */
const TOLERANCE_MS = 5000;
const EXAMPLES = 5;
const LOST: ReadonlySet<Comparison["because"]> = new Set(["created before the backup began", "still missing at the next backup"]);

type Finding = Sides;

/** Never throws. */
export async function liveDrill(
  order: LiveOrder,
  set: RestoreSet,
  open: OpenPlatform,
  deps: { readonly telemetry: Telemetry; readonly clock: Clock },
  signal: AbortSignal,
): Promise<LiveOutcome> {
  const { telemetry, clock } = deps;
  const from = clock.monotonic();
  const findings: Finding[] = [];
  const notes: string[] = [];
  const waiting = waitingRoom(order, clock.now());
  let trouble: LiveOutcome["trouble"] = null;
  try {
    await telemetry.span(SPANS.phase("compare"), {}, async (span) => {
      const probe = await open.platform.probe(signal);
      const inventory = await open.platform.inventory(signal);
      const times = { startedAt: order.startedAt, skewMs: probe.clockSkewMs ?? 0, toleranceMs: TOLERANCE_MS };
      for (const collection of set.collections.filter((one) => !one.computed)) {
        const live = inventory.collections.find((one) => one.id === collection.id);
        if (live === undefined) {
          notes.push(`${collection.name} is not in production any more`);
          continue;
        }
        const gone = comparableFields(collection, live).gone.filter((field) => !field.computed);
        if (gone.length > 0) notes.push(`${collection.name} has no ${gone.map((field) => field.name).join(", ")} any more in production`);
        const updatesTold = open.capturer?.incremental(live) ?? false;
        findings.push(
          ...(await compareCollection(collection, live, set, open.platform, { ...times, updatesTold }, order, waiting, notes, signal)),
        );
      }
      span.set({ [ATTRIBUTES.items]: findings.length });
    });
  } catch (thrown) {
    const error = asAgentError(thrown);
    trouble = { code: error.code, message: error.mend === null ? error.message : `${error.message}; ${error.mend}` };
  }
  const ms = clock.monotonic() - from;
  if (findings.length === 0)
    return { checks: [], compared: null, trouble, ms, results: [], pending: null, differences: { items: [], more: 0 } };
  const compared = Object.fromEntries(
    COMPARED.map((result) => [result, findings.filter((one) => one.comparison.result === result).length]),
  ) as Record<Compared, number>;
  const checks = [comparedResult(compared, notes, ms), mismatchResult(findings, compared, order.digestKey)];
  for (const check of checks)
    await telemetry.span(
      SPANS.check,
      {
        [ATTRIBUTES.checkId]: check.id,
        [ATTRIBUTES.checkLayer]: "live",
        [ATTRIBUTES.checkStatus]: check.status,
        [ATTRIBUTES.checkObserved]: check.observed,
      },
      async (span) => {
        if (check.status === "fail") span.fail("check-failed");
      },
    );
  const results = findings.flatMap(({ collection, key, comparison }): SampledResult[] =>
    comparison.result === "match" ? [] : [{ collection: collection.id, key, result: comparison.result }],
  );
  return { checks, compared, trouble, ms, results, pending: waiting.after(), differences: differentItems(findings) };
}

async function compareCollection(
  collection: Collection,
  live: Collection,
  set: RestoreSet,
  platform: Platform,
  times: ComparisonTimes,
  order: LiveOrder,
  waiting: WaitingRoom,
  notes: string[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const { pairs } = comparableFields(collection, live);
  const compare = (key: string, backup: ContentRecord | null, product: ContentRecord | null): Finding => {
    const comparison = compareWithProduction(backup, product, pairs, times);
    const place = new Map(pairs.map((pair) => [pair.field.id, pair.theirs]));
    const value = (field: string): Value => product?.values[place.get(field) ?? -1] ?? null;
    const settled = waiting.settled(collection.id, key, comparison, value);
    // Values of what is equal are wanted no more.
    const sides = settled.result === "match" ? { backup: null, production: null } : { backup, production: product };
    return { collection, key, comparison: settled, pairs, ...sides };
  };
  const sampled = set.records.get(collection.id) ?? [];
  const read = new Map(
    (
      await platform.readItems(
        live,
        sampled.map((record) => record.key),
        signal,
      )
    ).map((record) => [record.key, record]),
  );
  const findings = sampled.map((record) => compare(record.key, record, read.get(record.key) ?? null));
  const known = set.keys?.get(collection.id);
  if (known === undefined) {
    notes.push(`${collection.name} is too large to look for records that only production has`);
    return findings;
  }
  let listed = 0;
  for await (const page of platform.listKeys(live, signal)) {
    listed += page.length;
    // Keys are enough: a record the backup does not hold is judged by when it was made.
    for (const { key, createdAt, updatedAt } of page.filter((one) => !known.has(one.key)))
      findings.push(compare(key, null, { key, values: [], createdAt, updatedAt }));
    if (listed >= order.mostKeys) {
      notes.push(`${collection.name}: only ${listed} keys of production were listed`);
      break;
    }
  }
  return findings;
}

interface WaitingRoom {
  settled(collection: string, key: string, comparison: Comparison, live: (field: string) => Value): Comparison;
  after(): Pending;
}

/** Remembers what cannot be told yet, and tells what could not be told before. */
function waitingRoom({ pending = NOTHING_PENDING, digestKey, startedAt }: LiveOrder, now: number): WaitingRoom {
  const before = new Map(pending.items.map((one) => [`${one.collection}/${one.item}`, one]));
  const looked = new Set<string>();
  const waits: PendingItem[] = [];
  return {
    settled(collection, key, comparison, live) {
      const item = keyDigest(digestKey, collection, key);
      const id = `${collection}/${item}`;
      looked.add(id);
      if (!isPending(comparison)) return comparison;
      const seen = seenFields(digestKey, comparison, live, now);
      const { comparison: settled, fields } = settle(comparison, seen, before.get(id), startedAt - TOLERANCE_MS);
      waits.push({ collection, item, fields });
      return settled;
    },
    after: () => pendingAfter(pending, looked, waits),
  };
}

function comparedResult(compared: Readonly<Record<Compared, number>>, notes: readonly string[], durationMs: number): CheckResult {
  const told = compared.match + compared.changed + compared.mismatch;
  const said = COMPARED.filter((result) => compared[result] > 0).map((result) => `${compared[result]} ${result}`);
  const beside = notes.length === 0 ? "" : `; ${notes.slice(0, 3).join("; ")}`;
  return {
    id: "live.compared",
    layer: "live",
    status: told > 0 ? "pass" : "error",
    observed: `${said.join(", ")}${beside}.`,
    expected: null,
    count: told,
    examples: [],
    durationMs,
  };
}

function mismatchResult(findings: readonly Finding[], compared: Readonly<Record<Compared, number>>, digestKey: string): CheckResult {
  const wrong = findings.filter((one) => one.comparison.result === "mismatch");
  const base = { id: "live.mismatch", layer: "live", durationMs: 0 } as const;
  if (wrong.length === 0)
    return {
      ...base,
      status: "pass",
      observed: `The backup holds what production held (${describeCount(compared.match, "record")} equal).`,
      expected: null,
      count: compared.match,
      examples: [],
    };
  const lost = wrong.filter((one) => LOST.has(one.comparison.because)).length;
  const differ = wrong.length - lost;
  const said = [
    ...(lost === 0 ? [] : [`without ${describeCount(lost, "record")} that production had before it began`]),
    ...(differ === 0 ? [] : [`with other values in ${describeCount(differ, "record")} that nobody changed since`]),
  ];
  return {
    ...base,
    status: "fail",
    observed: `The backup is ${said.join(", and ")}.`,
    expected: "0",
    count: wrong.length,
    examples: wrong.slice(0, EXAMPLES).map(({ collection, key, comparison }): Example => {
      const [field] = comparison.fields;
      const name = collection.fields.find((one) => one.id === field)?.name;
      return {
        collection: collection.name,
        item: collection.keyKind === "platform" ? key : keyDigest(digestKey, collection.id, key),
        ...(name === undefined ? {} : { field: name }),
        note: comparison.because,
      };
    }),
  };
}
