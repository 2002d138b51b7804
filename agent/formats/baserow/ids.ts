/** Ids as Baserow writes them. */
import { ExactNumber } from "../../kit/json.ts";

/** The id of a table, field, row, option: a whole number, or its digits as text; null where it is none. */
export function idOf(value: unknown): string | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : null;
  const digits = value instanceof ExactNumber ? value.text : value;
  return typeof digits === "string" && /^\d{1,40}$/u.test(digits) ? digits : null;
}
