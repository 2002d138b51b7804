/** Plain values of the JSON files of a bag. */
import { createHash } from "node:crypto";
import { canonicalJson } from "../../kit/json.ts";

/** A count, written as a number or as its digits. */
export function countOf(value: unknown): number | null {
  const number = typeof value === "string" && /^\d{1,15}$/u.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** Milliseconds since the epoch of an ISO time with a zone. */
export function timeOf(value: unknown): number | null {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/u.test(value)) return null;
  const at = Date.parse(value);
  return Number.isFinite(at) ? at : null;
}

/** SHA-256 hex over the value as JSON with sorted keys. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}
