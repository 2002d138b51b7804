/**
 * A capture laid over the one before: only what changed is read, and what is written is whole all the same. What the product's times do not
 * show is found by its keys: records that went, records that came, and records whose time is not the one we have.
 */
import type { Collection, ContentRecord } from "../../core/content.ts";
import type { Capturer, CaptureWriter, Platform } from "../../core/platform-ports.ts";

/** The capture before, as it lies on this machine. */
export interface PreviousCapture {
  /** When it began, and when the last one began that read everything, ms since the epoch. */
  readonly startedAt: number;
  readonly fullAt: number;
  /** Clock of the product minus ours at that time. */
  readonly clockSkewMs: number;
  /** Every record of a collection; throws where the bag is not what was kept. */
  records(collectionId: string, signal: AbortSignal): AsyncIterable<readonly ContentRecord[]>;
  close(): Promise<void>;
}

/** So much earlier than the capture before began is asked for: a product's clock and its transactions are not that exact. */
const MARGIN_MS = 10 * 60_000;
/** With more changes than this it is cheaper, and needs less memory, to read everything. */
const MOST_CHANGED = 100_000;
const PAGE = 500;

/** Only where every value of a record is its own: computed ones change with other records, and nobody's time tells that. */
export function readsChangesOnly(collection: Collection, capturer: Capturer): boolean {
  return capturer.incremental(collection) && collection.fields.every((field) => !field.computed);
}

/**
 * Writes the collection as it is now.
 * @returns how many records were read from the product, or null where so much changed that it is to be read whole; nothing is written then
 */
export async function writeChanged(
  collection: Collection,
  previous: PreviousCapture,
  product: { readonly platform: Platform; readonly capturer: Capturer },
  writer: CaptureWriter,
  onWritten: (record: ContentRecord) => void,
  signal: AbortSignal,
): Promise<number | null> {
  const changed = await readChanged(collection, previous, product.capturer, signal);
  if (changed === null) return null;
  const live = await readKeys(collection, product.platform, signal);
  // What came or was written behind the back of its time is read by its key.
  const unread = new Set<string>([...live.keys()].filter((key) => !changed.has(key)));
  const stale: string[] = [];
  for await (const page of previous.records(collection.id, signal))
    for (const record of page) {
      if (!unread.delete(record.key)) continue;
      const told = live.get(record.key) ?? null;
      if (told !== null && told !== record.updatedAt) stale.push(record.key);
    }
  if (changed.size + unread.size + stale.length > MOST_CHANGED) return null;
  const missed = [...unread, ...stale];
  for (let at = 0; at < missed.length; at += PAGE) {
    const keys = missed.slice(at, at + PAGE);
    const found = await product.platform.readItems(collection, keys, signal);
    for (const record of found) changed.set(record.key, record);
    // Gone since the keys were listed.
    const there = new Set(found.map((record) => record.key));
    for (const key of keys) if (!there.has(key)) live.delete(key);
  }
  await writeMerged(collection, previous, changed, live, writer, onWritten, signal);
  return changed.size;
}

async function readChanged(
  collection: Collection,
  previous: PreviousCapture,
  capturer: Capturer,
  signal: AbortSignal,
): Promise<Map<string, ContentRecord> | null> {
  const since = previous.startedAt + previous.clockSkewMs - MARGIN_MS;
  const changed = new Map<string, ContentRecord>();
  for await (const page of capturer.records(collection, { after: null, since, signal })) {
    signal.throwIfAborted();
    for (const record of page.records) changed.set(record.key, record);
    if (changed.size > MOST_CHANGED) return null;
  }
  // A stream that an abort ended quietly is not a whole one.
  signal.throwIfAborted();
  return changed;
}

/** @returns key → when it was last updated, as the listing says */
async function readKeys(collection: Collection, platform: Platform, signal: AbortSignal): Promise<Map<string, number | null>> {
  const live = new Map<string, number | null>();
  for await (const page of platform.listKeys(collection, signal)) {
    signal.throwIfAborted();
    for (const { key, updatedAt } of page) live.set(key, updatedAt);
  }
  signal.throwIfAborted();
  return live;
}

async function writeMerged(
  collection: Collection,
  previous: PreviousCapture,
  changed: Map<string, ContentRecord>,
  live: ReadonlyMap<string, unknown>,
  writer: CaptureWriter,
  onWritten: (record: ContentRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  let page: ContentRecord[] = [];
  const write = async (record: ContentRecord): Promise<void> => {
    onWritten(record);
    page.push(record);
    if (page.length < PAGE) return;
    await writer.page(collection, page, record.key);
    page = [];
  };
  for await (const records of previous.records(collection.id, signal)) {
    signal.throwIfAborted();
    for (const record of records) {
      if (!live.has(record.key)) continue;
      const now = changed.get(record.key);
      changed.delete(record.key);
      await write(now ?? record);
    }
  }
  for (const record of changed.values()) if (live.has(record.key)) await write(record);
  if (page.length > 0) await writer.page(collection, page, page.at(-1)?.key ?? "");
}
