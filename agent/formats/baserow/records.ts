/** Rows as records, and what is wrong with them before any check looks at their values. */
import type { ContentRecord, Value } from "../../core/content.ts";
import { describeCount } from "../../core/words-for-people.ts";
import { type JsonObject } from "../../kit/json.ts";
import { idOf } from "./ids.ts";
import type { BaserowField, BaserowTable } from "./tables.ts";
import { canonicalCell, fits, moment, unknownOptions } from "./values.ts";

const BATCH = 1000;

export async function* recordBatches(table: BaserowTable, signal: AbortSignal): AsyncIterable<readonly ContentRecord[]> {
  for (let from = 0; from < table.rows.length; from += BATCH) {
    signal.throwIfAborted();
    yield table.rows.slice(from, from + BATCH).map((row) => readRecord(table, row));
  }
}

function readRecord(table: BaserowTable, row: JsonObject): ContentRecord {
  return {
    key: idOf(row["id"]) ?? "",
    values: table.fields.map((field) => valueOf(field, row)),
    createdAt: timeOf(row["created_on"]),
    updatedAt: timeOf(row["updated_on"]),
  };
}

function valueOf(field: BaserowField, row: JsonObject): Value {
  const own = row[field.slot] ?? null;
  const value = own === null && field.rowKey !== null ? row[field.rowKey] : own;
  // A row keeps moments; a field that shows only the day keeps the day.
  if (field.cell.type === "date" && field.rowKey !== null) return moment(value)?.slice(0, 10) ?? canonicalCell(field.cell, value);
  return canonicalCell(field.cell, value);
}

function timeOf(value: unknown): number | null {
  const text = moment(value);
  return text === null ? null : Date.parse(text);
}

/** @returns one sentence a kind of fault and place; none carries a value */
export function rowFaults(table: BaserowTable, tables: ReadonlyMap<string, BaserowTable>): string[] {
  const faults: string[] = [];
  const { name } = table.collection;
  for (const field of table.fields) {
    const place = `${name}.${field.field.name}`;
    let absent = 0;
    let odd = 0;
    let unknown = 0;
    for (const row of table.rows) {
      const value = row[field.slot];
      if (value === undefined) absent += 1;
      else if (!fits(field.cell, value)) odd += 1;
      else unknown += unknownOptions(field.cell, value);
    }
    if (absent > 0 && !mayBeAbsent(field, absent === table.rows.length, tables))
      faults.push(`${describeCount(absent, "row")} of ${name} ${absent === 1 ? "has" : "have"} no place for ${field.field.name}.`);
    if (odd > 0)
      faults.push(
        `${describeCount(odd, "value")} of ${place} ${odd === 1 ? "is" : "are"} not what a field of type ${field.field.platformType} holds.`,
      );
    if (unknown > 0)
      faults.push(`${describeCount(unknown, "value")} of ${place} ${unknown === 1 ? "names" : "name"} a select option that is not there.`);
  }
  return [...faults, ...strayFaults(table), ...timeFaults(table)];
}

/** What Baserow computes again; and the far side of a link, which it fills from the near one. */
function mayBeAbsent(field: BaserowField, fromAll: boolean, tables: ReadonlyMap<string, BaserowTable>): boolean {
  if (field.field.computed) return true;
  const { link } = field.field;
  if (!fromAll || link === null || link.reciprocal === null) return false;
  const target = tables.get(link.collection);
  return target?.rows.some((row) => row[`field_${link.reciprocal}`] !== undefined) ?? false;
}

function strayFaults(table: BaserowTable): string[] {
  const slots = new Set(table.fields.map((field) => field.slot));
  const stray = new Set<string>();
  for (const row of table.rows) for (const key in row) if (key.startsWith("field_") && !slots.has(key)) stray.add(key);
  return stray.size === 0
    ? []
    : [`Rows of ${table.collection.name} hold values of ${describeCount(stray.size, "field")} that the table does not have.`];
}

function timeFaults(table: BaserowTable): string[] {
  const wrong = table.rows.filter((row) =>
    [row["created_on"], row["updated_on"]].some((time) => time !== undefined && time !== null && moment(time) === null),
  ).length;
  if (wrong === 0) return [];
  return [`${describeCount(wrong, "row")} of ${table.collection.name} ${wrong === 1 ? "has" : "have"} a time that cannot be read.`];
}
