/** Set-based looks over every column of every table: one statement a table, and one more for the examples of each column that has hits. */
import { quoted } from "../core/link-pairs.ts";
import type { CheckOutcome, CheckView, SandboxTable } from "../core/ports.ts";
import type { Example } from "../core/values.ts";
import { describeCount, describeNumber } from "../core/words-for-people.ts";
import { fail, listed, loadedOf, pass, placeOf, skip } from "./outcome.ts";

export type ScanColumn = SandboxTable["columns"][number];

export interface Hit {
  readonly table: SandboxTable;
  readonly column: ScanColumn;
  readonly count: number;
  /** Filled values of the column. */
  readonly filled: number;
  readonly examples: readonly Example[];
}

export interface Scan {
  readonly hits: readonly Hit[];
  /** Columns and filled values that were looked at. */
  readonly columns: number;
  readonly values: number;
}

export { quoted };

const EXAMPLES = 5;

export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/**
 * Tables of computed collections are left out.
 * @param condition SQL that is true for a bad row, over the column's quoted name; null leaves the column out
 */
export async function scan(
  view: CheckView,
  condition: (column: ScanColumn, name: string, table: SandboxTable) => string | null,
): Promise<Scan> {
  const tables = loadedOf(view).load.tables.filter(({ collection }) => !collection.computed);
  const scans = await Promise.all(tables.map((table) => scanTable(view, table, condition)));
  return {
    hits: scans.flatMap((one) => one.hits),
    columns: scans.reduce((sum, one) => sum + one.columns, 0),
    values: scans.reduce((sum, one) => sum + one.values, 0),
  };
}

async function scanTable(
  view: CheckView,
  table: SandboxTable,
  condition: (column: ScanColumn, name: string, table: SandboxTable) => string | null,
): Promise<Scan> {
  const asked = table.columns.flatMap((column) => {
    const bad = condition(column, quoted(column.column), table);
    return bad === null ? [] : [{ column, bad }];
  });
  if (asked.length === 0 || table.loaded === 0) return { hits: [], columns: asked.length, values: 0 };
  const counts = asked
    .map(({ column, bad }, index) => `count(*) FILTER (WHERE ${bad}) AS b${index}, count(${quoted(column.column)}) AS f${index}`)
    .join(", ");
  const [row] = await loadedOf(view).sandbox.query(`SELECT ${counts} FROM ${quoted(table.table)}`, [], { signal: view.signal });
  const hits: Hit[] = [];
  let values = 0;
  for (const [index, { column, bad }] of asked.entries()) {
    const count = Number(row?.[`b${index}`] ?? 0);
    const filled = Number(row?.[`f${index}`] ?? 0);
    values += filled;
    if (count > 0) hits.push({ table, column, count, filled, examples: await examplesOf(view, table, column, bad) });
  }
  return { hits, columns: asked.length, values };
}

async function examplesOf(view: CheckView, table: SandboxTable, column: ScanColumn, bad: string): Promise<Example[]> {
  const rows = await loadedOf(view).sandbox.query(`SELECT k FROM ${quoted(table.table)} WHERE ${bad} ORDER BY n LIMIT ${EXAMPLES}`, [], {
    signal: view.signal,
  });
  return rows.map((row) => view.example(table.collection, String(row["k"]), column.field.name));
}

/** Fails with the hits in words, passes with how much was looked at, or skips where that is nothing. */
export function judgeHits(
  hits: readonly Hit[],
  scanned: Pick<Scan, "columns" | "values">,
  words: { readonly one: string; readonly many: string; readonly expected: string; readonly clean: string },
): CheckOutcome {
  // Where there was nothing to look at, nothing was found to be fine.
  if (hits.length === 0 && scanned.values === 0)
    return skip(
      scanned.columns === 0
        ? "no field is of a kind to ask this of"
        : `${describeCount(scanned.columns, "field")} to ask this of, and none filled in`,
    );
  if (hits.length === 0)
    return pass(`${words.clean} (${describeCount(scanned.values, "value")} in ${describeCount(scanned.columns, "field")})`, scanned.values);
  const total = hits.reduce((sum, hit) => sum + hit.count, 0);
  const byCount = hits.toSorted((a, b) => b.count - a.count);
  const places = byCount.map(
    (hit) => `${placeOf(hit.table.collection, hit.column.field)}${hits.length > 1 ? ` (${describeNumber(hit.count)})` : ""}`,
  );
  return fail(`${describeNumber(total)} ${total === 1 ? words.one : words.many} in ${listed(places)}`, {
    expected: words.expected,
    count: total,
    examples: spread(byCount),
  });
}

/** Examples of every place before more of one. */
export function spread(hits: readonly { readonly examples: readonly Example[] }[]): Example[] {
  const result: Example[] = [];
  for (let round = 0; round < EXAMPLES && result.length < EXAMPLES; round += 1) {
    for (const hit of hits) {
      const example = hit.examples[round];
      if (example !== undefined && result.length < EXAMPLES) result.push(example);
    }
  }
  return result;
}
