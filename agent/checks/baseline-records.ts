/** Records of a baseline and of this point, value by value, within the sandbox: only counts and keys come out. Not a check itself. */
import { BASELINE_LIMITS, change, type Difference, loss, pairedCollections, pairedFields, removed } from "../core/baseline.ts";
import type { Field } from "../core/content.ts";
import { quoted } from "../core/link-pairs.ts";
import type { BaselineExpectation, BaselineTable, CheckView, Row, SandboxTable } from "../core/ports.ts";
import type { Example, FieldFacts, PointFacts } from "../core/values.ts";
import { describeCount } from "../core/words-for-people.ts";
import type { Loaded } from "./outcome.ts";

/** So many values that changed in one and the same way are no people's work. */
const PATTERN_LEAST = 3;
const PATTERN_SHARE = 0.8;
/** Where so many records differ, their keys may be no more than their places. */
const MOVED_SHARE = 0.2;
const EXAMPLES = 5;

export interface ComparedRecords {
  readonly differences: readonly Difference[];
  readonly examples: readonly Example[];
  /** Ids of collections whose records were compared. */
  readonly compared: ReadonlySet<string>;
  /** Whether two fields of a collection hold the same values; null where that was not looked at. */
  readonly alike: (collection: string, before: FieldFacts, now: FieldFacts) => boolean | null;
}

interface Pair {
  readonly table: SandboxTable;
  readonly before: BaselineTable;
  readonly old: PointFacts["collections"][number];
  /** Columns of fields that are in both. */
  readonly fields: readonly { readonly field: Field; readonly now: string; readonly was: string }[];
}

export async function comparedRecords(view: CheckView, { load, sandbox }: Loaded, baseline: BaselineExpectation): Promise<ComparedRecords> {
  const differences: Difference[] = [];
  const examples: Example[] = [];
  const compared = new Set<string>();
  const same = new Map<string, boolean>();
  const ask = (sql: string): Promise<readonly Row[]> => sandbox.query(sql, [], { signal: view.signal });
  for (const [old, one] of pairedCollections(baseline.facts.collections, view.facts?.collections ?? []).pairs) {
    const table = load.tables.find((each) => each.collection.id === one.id);
    const before = baseline.tables.find((each) => each.collection === old.id);
    if (table === undefined || before === undefined) continue;
    for (const [was, is] of await alikeFields(ask, table, before, old, one.fields)) same.set(`${one.id} ${was.id} ${is.id}`, true);
    const { pairs } = pairedFields(old.fields, one.fields, (was, is) => same.get(`${one.id} ${was.id} ${is.id}`) ?? false);
    const fields = pairs.flatMap(([was, is]) => {
      const now = table.columns.find((column) => column.field.id === is.id);
      const then = before.columns.find((column) => column.field === was.id);
      return now === undefined || then === undefined || now.list !== then.list || now.field.computed
        ? []
        : [{ field: now.field, now: now.column, was: then.column }];
    });
    const pair: Pair = { table, before, old, fields };
    const found = await compare(ask, pair, baseline.limits ?? BASELINE_LIMITS);
    differences.push(...found);
    compared.add(one.id);
    if (found.length > 0 && examples.length < EXAMPLES) examples.push(...(await examplesOf(ask, pair, view)));
  }
  return {
    differences,
    examples: examples.slice(0, EXAMPLES),
    compared,
    alike: (collection, was, is) => same.get(`${collection} ${was.id} ${is.id}`) ?? null,
  };
}

type Ask = (sql: string) => Promise<readonly Row[]>;

function from(before: BaselineTable): string {
  return `read_parquet('${before.file.replaceAll("'", "''")}')`;
}

/** Fields no id or name connects, and whose values are the same in every record of both: they were renamed. */
async function alikeFields(
  ask: Ask,
  table: SandboxTable,
  before: BaselineTable,
  old: PointFacts["collections"][number],
  now: readonly FieldFacts[],
): Promise<readonly (readonly [FieldFacts, FieldFacts])[]> {
  const { lost, added } = pairedFields(old.fields, now, () => false);
  const found: (readonly [FieldFacts, FieldFacts])[] = [];
  for (const was of lost)
    for (const is of added) {
      const then = before.columns.find((column) => column.field === was.id);
      const column = table.columns.find((each) => each.field.id === is.id);
      if (was.type !== is.type || then === undefined || column === undefined || found.some(([, taken]) => taken === is)) continue;
      const [row] = await ask(
        `SELECT count(*) AS both, count(t.${quoted(column.column)}) AS filled,
           count_if(t.${quoted(column.column)} IS DISTINCT FROM b.${quoted(then.column)}) AS other
         FROM ${quoted(table.table)} t JOIN ${from(before)} b ON t.k = b.k`,
      );
      if (Number(row?.["filled"] ?? 0) > 0 && Number(row?.["other"] ?? 1) === 0) found.push([was, is]);
    }
  return found;
}

async function compare(ask: Ask, pair: Pair, limits: typeof BASELINE_LIMITS): Promise<readonly Difference[]> {
  const { table, before, old } = pair;
  const { name } = table.collection;
  const [sides] = await ask(
    `SELECT (SELECT count(*) FROM ${from(before)} b ANTI JOIN ${quoted(table.keys)} t USING (k)) AS gone,
       (SELECT count(*) FROM ${quoted(table.keys)} t ANTI JOIN ${from(before)} b USING (k)) AS come`,
  );
  let [gone, come] = [Number(sides?.["gone"] ?? 0), Number(sides?.["come"] ?? 0)];
  const edits = await editsOf(ask, pair);
  let { edited } = edits;
  const moved = edited > edits.both * MOVED_SHARE && table.loaded === table.keyed ? await regardlessOfKeys(ask, pair) : null;
  // Keys that are only places move with the first record that goes: the records themselves tell what happened.
  const placed = moved !== null && moved.lost + moved.gained < (edited + gone + come) / 2;
  if (placed) {
    edited = Math.min(moved.lost, moved.gained);
    [gone, come] = [moved.lost - edited, moved.gained - edited];
  }
  const found: Difference[] = [];
  if (gone > 0) found.push(removed(name, old.records, gone, limits));
  if (come > 0) found.push(change("records-added", name, name, come, `${describeCount(come, "record")} are new`));
  if (!placed) found.push(...edits.damage);
  const left = edited - (placed ? 0 : edits.damaged);
  if (left > 0)
    found.push(change("records-edited", name, name, left, `${describeCount(left, "record")} ${left === 1 ? "was" : "were"} edited`));
  return found;
}

interface Edits {
  readonly both: number;
  readonly edited: number;
  readonly damage: readonly Difference[];
  /** Records told as damaged, at most `edited`. */
  readonly damaged: number;
}

async function editsOf(ask: Ask, { table, before, fields }: Pair): Promise<Edits> {
  const { name } = table.collection;
  const other = fields.map(({ now, was }) => `t.${quoted(now)} IS DISTINCT FROM b.${quoted(was)}`);
  const any = other.length === 0 ? "false" : `(${other.join(" OR ")})`;
  const sums = fields.flatMap(({ field, now, was }, at) =>
    patterns(field, `t.${quoted(now)}`, `b.${quoted(was)}`, other[at] ?? "false", at),
  );
  const [row = {}] = await ask(
    `SELECT count(*) AS n, count_if(${any}) AS edited${sums.map((one) => `, ${one}`).join("")}
     FROM ${quoted(table.table)} t JOIN ${from(before)} b ON t.k = b.k`,
  );
  const number = (key: string): number => Number(row[key] ?? 0);
  const damage: Difference[] = [];
  let damaged = 0;
  for (const [at, { field, now, was }] of fields.entries()) {
    const edited = number(`e${at}`);
    if (edited === 0) continue;
    const said = damageOf(edited, (pattern) => number(`${pattern}${at}`), number(`f${at}`));
    const shift = said === null && isTime(field) ? await shiftOf(ask, table, before, now, was, edited) : null;
    const note = said?.note ?? (shift === null ? null : `${describeCount(shift.count, "value")} moved by ${shift.hours} h`);
    if (note === null) continue;
    const count = said?.count ?? shift?.count ?? 0;
    damage.push(loss("records-damaged", name, field.name, count, note));
    damaged = Math.max(damaged, count);
  }
  return { both: number("n"), edited: number("edited"), damage, damaged: Math.min(damaged, number("edited")) };
}

function isTime(field: Field): boolean {
  return field.type === "timestamp" || field.type === "date";
}

const isLink = (field: Field): boolean => field.type === "link" || field.type === "links";

/** Counts of one field over the records of both: edited, and edited in ways people do not edit. */
function patterns(field: Field, now: string, was: string, other: string, at: number): readonly string[] {
  const counts = [`count_if(${other}) AS e${at}`, `count(${was}) AS f${at}`, `count_if(${other} AND ${now} IS NULL) AS gone${at}`];
  // The other side of a link is edited without its own edit time moving.
  if (!isLink(field)) counts.push(`count_if(${other} AND t.updated_at = b.updated_at) AS silent${at}`);
  if (field.type === "integer" || field.type === "decimal")
    counts.push(`count_if(${other} AND TRY_CAST(${now} AS DOUBLE) = TRY_CAST(${was} AS DOUBLE)) AS rounded${at}`);
  if (field.type === "text" || field.type === "json")
    counts.push(
      `count_if(${other} AND starts_with(${was}, ${now}) AND length(${now}) > 0) AS cut${at}`,
      `count_if(${other} AND (contains(${now}, chr(65533)) AND NOT contains(${was}, chr(65533)) OR
         length(regexp_replace(${now}, '[ÂÃâð]', '', 'g')) < length(${now}) AND regexp_matches(${was}, '[^\\x00-\\x7F]') AND NOT regexp_matches(${was}, '[ÂÃâð]'))) AS garbled${at}`,
    );
  return counts;
}

function damageOf(
  edited: number,
  count: (pattern: string) => number,
  filled: number,
): { readonly count: number; readonly note: string } | null {
  const many = (pattern: string): boolean => count(pattern) >= PATTERN_LEAST && count(pattern) >= edited * PATTERN_SHARE;
  if (count("rounded") > 0) return { count: count("rounded"), note: `${describeCount(count("rounded"), "number")} lost digits` };
  if (count("garbled") > 0) return { count: count("garbled"), note: `${describeCount(count("garbled"), "text")} lost characters` };
  if (count("silent") > 0)
    return { count: count("silent"), note: `${describeCount(count("silent"), "value")} differ although the edit time is the same` };
  if (many("cut")) return { count: count("cut"), note: `${describeCount(count("cut"), "text")} are cut short` };
  if (many("gone") && count("gone") >= filled / 5)
    return { count: count("gone"), note: `${describeCount(count("gone"), "value")} are empty now` };
  return null;
}

/** One and the same shift of many times, by quarters of an hour: a time zone that was taken for another. */
async function shiftOf(
  ask: Ask,
  table: SandboxTable,
  before: BaselineTable,
  now: string,
  was: string,
  edited: number,
): Promise<{ readonly count: number; readonly hours: number } | null> {
  const [row] = await ask(
    `SELECT d, count(*) AS n FROM (SELECT epoch_ms(TRY_CAST(t.${quoted(now)} AS TIMESTAMP)) - epoch_ms(TRY_CAST(b.${quoted(was)} AS TIMESTAMP)) AS d
       FROM ${quoted(table.table)} t JOIN ${from(before)} b ON t.k = b.k)
     WHERE d IS NOT NULL AND d <> 0 GROUP BY d ORDER BY n DESC, d LIMIT 1`,
  );
  const [ms, count] = [Number(row?.["d"] ?? 0), Number(row?.["n"] ?? 0)];
  const oneZone = ms % 900_000 === 0 && Math.abs(ms) <= 26 * 3_600_000;
  return oneZone && count >= PATTERN_LEAST && count >= edited * PATTERN_SHARE ? { count, hours: ms / 3_600_000 } : null;
}

/** Rows of the baseline that are nowhere now, and the other way round, whatever their keys. */
async function regardlessOfKeys(
  ask: Ask,
  { table, before, fields }: Pair,
): Promise<{ readonly lost: number; readonly gained: number } | null> {
  if (fields.length === 0) return null;
  const then = `SELECT ${fields.map(({ was }) => quoted(was)).join(", ")} FROM ${from(before)}`;
  const now = `SELECT ${fields.map((field) => quoted(field.now)).join(", ")} FROM ${quoted(table.table)}`;
  const [row] = await ask(
    `SELECT (SELECT count(*) FROM (${then} EXCEPT ALL ${now})) AS lost, (SELECT count(*) FROM (${now} EXCEPT ALL ${then})) AS gained`,
  );
  return { lost: Number(row?.["lost"] ?? 0), gained: Number(row?.["gained"] ?? 0) };
}

async function examplesOf(ask: Ask, { table, before, fields }: Pair, view: CheckView): Promise<readonly Example[]> {
  const which = fields.map(
    ({ field, now, was }) => `WHEN t.${quoted(now)} IS DISTINCT FROM b.${quoted(was)} THEN '${field.name.replaceAll("'", "''")}'`,
  );
  const edited =
    which.length === 0
      ? []
      : await ask(
          `SELECT k, f FROM (SELECT t.k AS k, CASE ${which.join(" ")} END AS f FROM ${quoted(table.table)} t JOIN ${from(before)} b ON t.k = b.k)
           WHERE f IS NOT NULL ORDER BY k LIMIT ${EXAMPLES}`,
        );
  const gone = await ask(`SELECT b.k AS k FROM ${from(before)} b ANTI JOIN ${quoted(table.keys)} t USING (k) ORDER BY 1 LIMIT ${EXAMPLES}`);
  return [
    ...gone.map((row) => view.example(table.collection, String(row["k"]), undefined, "is gone")),
    ...edited.map((row) => view.example(table.collection, String(row["k"]), String(row["f"]), "differs")),
  ];
}
