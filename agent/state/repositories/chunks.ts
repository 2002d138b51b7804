/** SQLite takes 32,766 parameters a statement; a chunk of this many rows stays well below. */
const ROWS = 500;

/** @yields slices of at most 500; nothing for an empty list */
export function* inChunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += ROWS) yield items.slice(start, start + ROWS);
}
