/** From DuckDB's values to the plain ones of a Row. */
import type { DuckDBValue } from "@duckdb/node-api";
import type { Row } from "../../core/ports.ts";

type Plain = Row[string];

/**
 * @param value one value of a result
 * @param typeName its SQL type, as DuckDB spells it
 * @returns integers as numbers while exact, else bigint; timestamps as ISO text in UTC; decimals as digits; lists as lists of texts;
 *   everything else DuckDB knows as its own text
 */
export function plainValue(value: DuckDBValue, typeName: string): Plain {
  if (value === null || typeof value === "string" || typeof value === "boolean" || typeof value === "number") return value;
  if (typeof value === "bigint") return exact(value);
  if (typeName.endsWith("[]") && "items" in value) return value.items.map((item) => textOf(item));
  if ((typeName === "TIMESTAMP" || typeName === "TIMESTAMP WITH TIME ZONE") && "micros" in value && typeof value.micros === "bigint") {
    return isoTime(value.micros) ?? String(value);
  }
  return String(value);
}

function exact(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function textOf(value: DuckDBValue): string | null {
  return value === null ? null : String(value);
}

/** Null where the time is outside what ISO text with four digits of year can say. */
function isoTime(micros: bigint): string | null {
  const ms = Number(micros / 1000n);
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null;
}
