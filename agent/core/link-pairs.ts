/** Links as pairs of keys, as SQL over the sandbox, and as digests small enough to be kept with every point. */
import { createHmac } from "node:crypto";
import { type Field, LIST_TYPES } from "./content.ts";
import { sha256Hex } from "./ids.ts";
import type { LoadReport, Sandbox, SandboxTable } from "./ports.ts";
import type { LinkFacts } from "./values.ts";

export interface LinkColumn {
  readonly table: SandboxTable;
  readonly field: Field;
  readonly target: SandboxTable;
  readonly many: boolean;
  readonly reciprocal: string | null;
  /** Statement of the pairs `k` (key of the record that points), `n` (its ordinal) and `t` (key it points to). */
  readonly pairs: string;
}

/** An identifier of SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
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

/**
 * One entry a stored link field. The digest does not depend on the order of records, and is 128 bits of a XOR over the pairs' own:
 * made against accidents, not against somebody who wants it to stay the same.
 * @param digestKey hex; with it a digest says nothing to who guesses at pairs of natural keys. Digests of two keys never compare.
 */
export async function linkFactsOf(
  load: LoadReport,
  sandbox: Pick<Sandbox, "query">,
  digestKey: string | null,
  signal: AbortSignal,
): Promise<readonly LinkFacts[]> {
  const facts = linkColumns(load).map(async ({ table, field, pairs }): Promise<LinkFacts> => {
    const sources = LIST_TYPES.has(field.type) ? "count(DISTINCT n)" : "count(*)";
    const [row] = await sandbox.query(
      `SELECT count(*) AS pairs, ${sources} AS sources, count(DISTINCT t) AS targets,
         CAST(bit_xor(md5_number(concat(length(k), ':', k, t))) AS VARCHAR) AS digest FROM (${pairs})`,
      [],
      { signal },
    );
    const count = (name: string): number => Number(row?.[name] ?? 0);
    const sum = `${count("pairs")} ${String(row?.["digest"] ?? "")}`;
    return {
      collection: table.collection.id,
      field: field.id,
      pairs: count("pairs"),
      sources: count("sources"),
      targets: count("targets"),
      digest: sealed(sum, digestKey),
    };
  });
  return Promise.all(facts);
}

/** Whether two digests were made with the same key, so that being different means something. */
export function comparable(one: string, other: string): boolean {
  return one.split(":")[0] === other.split(":")[0];
}

function sealed(sum: string, digestKey: string | null): string {
  if (digestKey === null) return `open:${sha256Hex(sum).slice(0, 32)}`;
  const key = Buffer.from(digestKey, "hex");
  return `${sha256Hex(key).slice(0, 8)}:${createHmac("sha256", key).update(sum).digest("hex").slice(0, 32)}`;
}
