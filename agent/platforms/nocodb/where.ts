/** Conditions of NocoDB's `where`. Keys that are no numbers are quoted, which the whole condition announces with `@`. */

export type KeyValue = string | number;

/** @returns the key as text, or null for what is no key */
export function keyText(cell: unknown): string | null {
  if (typeof cell === "number") return String(cell);
  return typeof cell === "string" && cell !== "" ? cell : null;
}

const isNumber = (key: KeyValue): boolean => /^\d+$/u.test(String(key));
const written = (key: KeyValue): string => (isNumber(key) ? String(key) : JSON.stringify(String(key)));

export function oneOf(column: string, keys: readonly KeyValue[]): string {
  return `(${column},in,${keys.map(written).join(",")})`;
}

export function compared(column: string, how: "gt" | "gte" | "lte", key: KeyValue): string {
  return `(${column},${how},${written(key)})`;
}

export function all(...conditions: readonly string[]): string {
  const joined = conditions.join("~and");
  return joined.includes('"') ? `@${joined}` : joined;
}

export function areNumbers(keys: readonly KeyValue[]): boolean {
  return keys.every(isNumber);
}
