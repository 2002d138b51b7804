/** Long lists in pages. A cursor names the place in the order, not a number of rows, so that new rows shift nothing. Pure. */
import { Refusal } from "./errors.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export const LIMIT_MOST = 500;
export const LIMIT_DEFAULT = 100;

/** Where an item stands in its list: the list is sorted by `at` descending, then `id` ascending. */
export interface Place {
  readonly at: number;
  readonly id: string;
}

/**
 * @param items sorted by their place
 * @throws Refusal 400 for a cursor that no page ever gave out
 */
export function paginate<T>(
  items: readonly T[],
  placeOf: (item: T) => Place,
  request: { readonly limit: number; readonly cursor: string | undefined },
): Page<T> {
  const after = request.cursor === undefined ? null : decodeCursor(request.cursor);
  const first = after === null ? 0 : items.findIndex((item) => isAfter(placeOf(item), after));
  const start = first === -1 ? items.length : first;
  const shown = items.slice(start, start + request.limit);
  const last = shown.at(-1);
  const more = last !== undefined && start + shown.length < items.length;
  return { items: shown, nextCursor: more ? encodeCursor(placeOf(last)) : null };
}

/** Sorts a copy into the order that `paginate` expects. */
export function byPlace<T>(items: readonly T[], placeOf: (item: T) => Place): T[] {
  return [...items].sort((a, b) => {
    const [x, y] = [placeOf(a), placeOf(b)];
    return y.at - x.at || (x.id < y.id ? -1 : x.id > y.id ? 1 : 0);
  });
}

function isAfter(place: Place, after: Place): boolean {
  return place.at < after.at || (place.at === after.at && place.id > after.id);
}

function encodeCursor(place: Place): string {
  return Buffer.from(JSON.stringify([place.at, place.id])).toString("base64url");
}

function decodeCursor(cursor: string): Place {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(value) && value.length === 2 && typeof value[0] === "number" && typeof value[1] === "string")
      return { at: value[0], id: value[1] };
  } catch {
    // Told below, in the same words as any other cursor that is not ours.
  }
  throw new Refusal(400, "bad-cursor", "The cursor is not one that this list gave out. Start again without it.");
}
