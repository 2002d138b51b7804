/** Links as pairs of keys, for the checks that look at them. Not a check itself. */
import type { Field } from "../core/content.ts";
import type { CheckView, LoadReport, SandboxTable } from "../core/ports.ts";
import { loadedOf } from "./outcome.ts";
import { quoted } from "./scan.ts";

export interface LinkColumn {
  readonly table: SandboxTable;
  readonly field: Field;
  readonly target: SandboxTable;
  readonly many: boolean;
  readonly reciprocal: string | null;
  /** Statement of the pairs `k` (key of the record that points) and `t` (key it points to). */
  readonly pairs: string;
}

/** Stored link columns whose target collection is in the artifact; those without are structure.fields' affair. */
export function linkColumns(load: LoadReport): LinkColumn[] {
  return load.tables.flatMap((table) =>
    table.columns.flatMap(({ field, column, list }) => {
      const { link } = field;
      if (link === null || field.computed || table.collection.computed) return [];
      const target = load.tables.find((other) => other.collection.id === link.collection);
      if (target === undefined) return [];
      const name = quoted(column);
      const values = list
        ? `SELECT k, n, unnest(${name}) AS t FROM ${quoted(table.table)} WHERE ${name} IS NOT NULL`
        : `SELECT k, n, ${name} AS t FROM ${quoted(table.table)} WHERE ${name} IS NOT NULL`;
      // Where the platform itself keeps text that is no reference in such a field, it is no link: records.types counts it.
      const pairs = field.lenient === true ? `SELECT * FROM (${values}) WHERE regexp_full_match(t, '[0-9]+')` : values;
      return [{ table, field, target, many: link.many, reciprocal: link.reciprocal, pairs }];
    }),
  );
}

export function linkColumnsOf(view: CheckView): LinkColumn[] {
  return linkColumns(loadedOf(view).load);
}

export async function countOf(view: CheckView, statement: string): Promise<number> {
  const [row] = await loadedOf(view).sandbox.query(`SELECT count(*) AS count FROM (${statement})`, [], { signal: view.signal });
  return Number(row?.["count"] ?? 0);
}
