/** Whether a value is canonical for its field, as content.ts says it. */
import { LIST_TYPES, type Field, type SemanticType, type Value } from "../../agent/core/content.ts";

/** `shape`: never allowed. `raw`: text kept as it is because it does not fit the declared type. */
export type ValueProblem = { readonly kind: "shape" | "raw"; readonly why: string };

const PATTERNS: Partial<Record<SemanticType, RegExp>> = {
  integer: /^(0|-?[1-9]\d*)$/u,
  decimal: /^-?(0|[1-9]\d*)(\.\d+)?$/u,
  boolean: /^(true|false)$/u,
};

/** @returns null when the value is canonical */
export function valueProblem(field: Pick<Field, "type">, value: Value | undefined): ValueProblem | null {
  if (value === undefined) return { kind: "shape", why: "undefined" };
  if (value === null) return null;
  if (LIST_TYPES.has(field.type)) return listProblem(value);
  if (typeof value !== "string") return { kind: "shape", why: `a ${field.type} that is not text` };
  if (value === "") return { kind: "shape", why: "empty text instead of null" };
  if (field.type === "timestamp" && !isMoment(value, value)) return { kind: "raw", why: "not a timestamp" };
  if (field.type === "date" && !isMoment(value, `${value}T00:00:00.000Z`)) return { kind: "raw", why: "not a date" };
  if (field.type === "json" && !isSortedJson(value)) return { kind: "raw", why: "not JSON with sorted keys" };
  const pattern = PATTERNS[field.type];
  return pattern !== undefined && !pattern.test(value) ? { kind: "raw", why: `not a canonical ${field.type}` } : null;
}

function listProblem(value: string | readonly string[]): ValueProblem | null {
  if (typeof value === "string") return { kind: "shape", why: "a list type that is not a list" };
  if (value.length === 0) return { kind: "shape", why: "an empty list instead of null" };
  if (value.some((item) => typeof item !== "string" || item === "")) return { kind: "shape", why: "a list item that is not text" };
  const sorted = [...new Set(value)].sort();
  const same = sorted.length === value.length && sorted.every((item, index) => item === value[index]);
  return same ? null : { kind: "shape", why: "a list that is not sorted or repeats an item" };
}

function isMoment(text: string, iso: string): boolean {
  const at = Date.parse(iso);
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(text);
}

function isSortedJson(text: string): boolean {
  const sorted = (node: unknown): boolean => {
    if (Array.isArray(node)) return node.every(sorted);
    if (node === null || typeof node !== "object") return true;
    const keys = Object.keys(node).filter((key) => !/^\d+$/u.test(key));
    return keys.every((key, index) => index === 0 || (keys[index - 1] ?? "") <= key) && Object.values(node).every(sorted);
  };
  try {
    return sorted(JSON.parse(text));
  } catch {
    return false;
  }
}
