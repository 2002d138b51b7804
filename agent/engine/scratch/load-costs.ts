/** What a load into a scratch workspace cost, step by step, beside how much each step brought. */
import type { StepCost } from "../../core/forecasting/costs.ts";
import type { Collection, ContentRecord } from "../../core/content.ts";
import type { LoadTurn, OpenScratch, RestoreSet } from "../../core/platform-ports.ts";
import type { Clock } from "../../core/ports.ts";

export interface LoadCosts {
  /** Handed to the connector. */
  readonly turn: (next: LoadTurn) => void;
  /** Called once the load has ended well. */
  end(): readonly StepCost[];
}

const NO_USE = { requests: 0, retries: 0, waitMs: 0 };
type Times = Pick<StepCost, "ms" | "requests" | "waitMs" | "retries">;

/** Begins with the structure, at once. */
export function loadCosts(set: RestoreSet, clock: Pick<Clock, "monotonic">, use: OpenScratch["use"]): LoadCosts {
  const times = new Map<string, { readonly turn: LoadTurn; readonly spent: Times }>();
  const look = () => ({ at: clock.monotonic(), ...(use?.() ?? NO_USE) });
  let turn: LoadTurn = { step: "structure", collection: null };
  let from = look();
  const close = (): void => {
    const now = look();
    const key = JSON.stringify([turn.step, turn.collection]);
    const before = times.get(key)?.spent ?? { ms: 0, requests: 0, waitMs: 0, retries: 0 };
    times.set(key, {
      turn,
      spent: {
        ms: before.ms + now.at - from.at,
        requests: before.requests + now.requests - from.requests,
        waitMs: before.waitMs + now.waitMs - from.waitMs,
        retries: before.retries + now.retries - from.retries,
      },
    });
    from = now;
  };
  return {
    turn: (next) => {
      close();
      turn = next;
    },
    end: () => {
      close();
      const apart = [...times.values()].some((one) => one.turn.step === "files");
      return [...times.values()].map(({ turn: told, spent }) => ({ ...told, ...sizeOf(told, set, apart), ...spent }));
    },
  };
}

/** Time and requests of one call as a step of its own. */
export async function costedStep<T>(
  step: StepCost["step"],
  clock: Pick<Clock, "monotonic">,
  use: OpenScratch["use"],
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly cost: StepCost }> {
  const [at, before] = [clock.monotonic(), use?.() ?? NO_USE];
  const value = await work();
  const after = use?.() ?? NO_USE;
  const ms = clock.monotonic() - at;
  const { requests, waitMs, retries } = before;
  const spent = { ms, requests: after.requests - requests, waitMs: after.waitMs - waitMs, retries: after.retries - retries };
  return { value, cost: { step, collection: null, items: 1, bytes: 0, ...spent } };
}

/** @param apart files are put in by themselves, not with the records that hold them */
function sizeOf({ step, collection: id }: LoadTurn, set: RestoreSet, apart: boolean): Pick<StepCost, "items" | "bytes"> {
  if (step === "structure")
    return {
      items: set.collections.length + set.automations.length + set.views.length + set.access.length,
      bytes: Object.values(set.originals).reduce<number>((sum, one) => sum + JSON.stringify(one).length, 0),
    };
  const own = set.collections.filter((one) => id === null || one.id === id);
  const sum = (of: (collection: Collection, records: readonly ContentRecord[]) => number): number =>
    own.reduce((total, collection) => total + of(collection, set.records.get(collection.id) ?? []), 0);
  const files = sum((collection, records) => filesIn(collection, records, set).length);
  const fileBytes = sum((collection, records) =>
    filesIn(collection, records, set).reduce((total, file) => total + (set.fileBytes.get(file)?.length ?? 0), 0),
  );
  if (step === "files")
    return id === null
      ? { items: set.fileBytes.size, bytes: [...set.fileBytes.values()].reduce((total, file) => total + file.length, 0) }
      : { items: files, bytes: fileBytes };
  if (step === "links") return { items: sum((collection, records) => pairsIn(collection, records, set)), bytes: 0 };
  return {
    items: sum((_, records) => records.length),
    bytes: sum((_, records) => records.reduce((total, record) => total + bytesOf(record), 0)) + (apart ? 0 : fileBytes),
  };
}

function bytesOf({ values }: ContentRecord): number {
  return values.reduce((sum, value) => sum + (value === null ? 0 : typeof value === "string" ? value.length : value.join().length), 0);
}

function filesIn({ fields }: Collection, records: readonly ContentRecord[], set: RestoreSet): readonly string[] {
  return valuesOf(
    records,
    fields.flatMap((field, at) => (field.type === "file" || field.type === "files" ? [at] : [])),
  ).filter((id) => set.fileBytes.has(id));
}

/** Links that are kept, and lead to what is restored. */
function pairsIn({ fields }: Collection, records: readonly ContentRecord[], set: RestoreSet): number {
  let pairs = 0;
  for (const [at, field] of fields.entries()) {
    if (field.link === null || field.computed) continue;
    const there = new Set((set.records.get(field.link.collection) ?? []).map((record) => record.key));
    pairs += valuesOf(records, [at]).filter((key) => there.has(key)).length;
  }
  return pairs;
}

function valuesOf(records: readonly ContentRecord[], places: readonly number[]): readonly string[] {
  return records.flatMap(({ values }) =>
    places.flatMap((at) => {
      const value = values[at] ?? null;
      return value === null ? [] : typeof value === "string" ? [value] : value;
    }),
  );
}
