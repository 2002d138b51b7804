/**
 * Relations between two sources: values of a field here that are keys over there. What is kept of either side between drills is a
 * bounded set of keyed digests, chosen by the digest itself, so that both sides choose the same keys and what both kept can be compared. Pure.
 */
import { sha256Hex } from "./ids.ts";
import { quoted } from "./link-pairs.ts";
import type { LoadReport, Sandbox, SandboxTable } from "./ports.ts";

/** One end of a relation. */
export interface RelationEnd {
  readonly source: string;
  /** By id or name. */
  readonly collection: string;
  /** By id or name; null: the key of the record. */
  readonly field: string | null;
}

export interface RelationPolicy {
  readonly name: string;
  readonly from: RelationEnd;
  readonly to: RelationEnd;
  /** By how much the clocks and the beginnings of two backups may be off. */
  readonly toleranceMs: number;
  /** Two backups further apart say nothing of one another. */
  readonly apartMs: number;
}

/** The keys one side held, as digests; plain JSON, kept with the facts of a drill. */
export interface KeySet {
  readonly relation: string;
  readonly side: "from" | "to";
  /** Which key and which fields it was made with; sets of two makings never compare. */
  readonly made: string;
  /** Different values in the whole field. */
  readonly keys: number;
  /** One key in 2^level was kept. */
  readonly level: number;
  /** Base64 of the kept digests, 8 bytes each, ascending. */
  readonly digests: string;
}

/** What a drill is told of one relation; plain JSON. */
export interface RelationExpectation {
  readonly relation: RelationPolicy;
  readonly side: "from" | "to";
  /** Of the backup that is drilled, ms since the epoch. */
  readonly startedAt: number;
  /** For the side that points: what the other held, and when the backup of it began; null: no drill of it told. */
  readonly other: { readonly keys: KeySet; readonly startedAt: number } | null;
  /** For the side that points: what an earlier backup of it pointed to. */
  readonly earlier: { readonly keys: KeySet; readonly startedAt: number } | null;
}

export interface RelationsExpectation {
  /** Secret of the agent, hex. */
  readonly key: string;
  readonly relations: readonly RelationExpectation[];
}

/** Kept of one side of one relation. */
export const MOST_KEYS = 4096;
const DIGITS = 16;

/** The columns one end names; null where the artifact has no such collection or field. */
export interface EndColumn {
  readonly table: SandboxTable;
  /** Null: the key of the record. */
  readonly column: SandboxTable["columns"][number] | null;
}

export function endColumn(load: LoadReport, end: RelationEnd): EndColumn | null {
  const table = load.tables.find(({ collection }) => collection.id === end.collection || collection.name === end.collection);
  if (table === undefined) return null;
  if (end.field === null) return { table, column: null };
  const column = table.columns.find(({ field }) => field.id === end.field || field.name === end.field);
  return column === undefined ? null : { table, column };
}

/**
 * Statement of `k` (key of the record), `n` (its ordinal), `edited_at` (when it was last edited; null where its collection does not tell) and
 * `d` (16 hex digits of the keyed digest of the value); `$1` is what `seasoning` gives.
 */
export function digestsSql({ table, column }: EndColumn): string {
  const name = column === null ? "k" : quoted(column.column);
  const value = column?.list === true ? `unnest(${name})` : name;
  const own = quoted(table.table);
  // Where nothing was ever edited, the time of its making does not bear witness of when a value was written.
  const edited = `CASE WHEN (SELECT count(updated_at) FROM ${own}) > 0 THEN epoch_ms(coalesce(updated_at, created_at)) END`;
  return `SELECT k, n, edited_at, substr(sha256(concat($1::VARCHAR, v)), 1, ${DIGITS}) AS d
    FROM (SELECT k, n, ${edited} AS edited_at, ${value} AS v FROM ${own}) WHERE v IS NOT NULL AND v <> ''`;
}

/** What every digest of a relation begins with: no two relations share digests. */
export function seasoning(key: string, relation: RelationPolicy): string {
  return `${key}:${relation.name}:`;
}

/** @returns the first digest, as hex, that is not kept at a level; null where all are */
export function bound(level: number): string | null {
  return level === 0 ? null : (1n << BigInt(64 - level)).toString(16).padStart(DIGITS, "0");
}

/** @returns the least level at which no more than `most` of so many keys are to be expected */
export function levelFor(keys: number, most = MOST_KEYS): number {
  return keys <= most ? 0 : Math.ceil(Math.log2(keys / most));
}

export function makingOf(key: string, relation: RelationPolicy): string {
  return sha256Hex(JSON.stringify([key, relation.name, relation.from, relation.to])).slice(0, 12);
}

export function packed(digests: readonly string[]): string {
  return Buffer.from(digests.toSorted().join(""), "hex").toString("base64");
}

export function unpacked(digests: string): readonly string[] {
  const hex = Buffer.from(digests, "base64").toString("hex");
  return Array.from({ length: hex.length / DIGITS }, (_, at) => hex.slice(at * DIGITS, (at + 1) * DIGITS));
}

/** One entry a relation whose fields are there; none of a sample, which cannot say what is not there. */
export async function keySetsOf(
  load: LoadReport,
  sandbox: Pick<Sandbox, "query">,
  expectation: RelationsExpectation | undefined,
  signal: AbortSignal,
): Promise<readonly KeySet[]> {
  const sets: KeySet[] = [];
  for (const { relation, side } of expectation?.relations ?? []) {
    const end = endColumn(load, relation[side]);
    if (end === null || end.table.loaded < end.table.keyed) continue;
    const key = expectation?.key ?? "";
    sets.push({
      relation: relation.name,
      side,
      made: makingOf(key, relation),
      ...(await kept(end, seasoning(key, relation), sandbox, signal)),
    });
  }
  return sets;
}

async function kept(
  end: EndColumn,
  season: string,
  sandbox: Pick<Sandbox, "query">,
  signal: AbortSignal,
): Promise<Pick<KeySet, "keys" | "level" | "digests">> {
  const all = digestsSql(end);
  const [row] = await sandbox.query(`SELECT count(DISTINCT d) AS keys FROM (${all})`, [season], { signal });
  const keys = Number(row?.["keys"] ?? 0);
  // By chance a few more than expected may fall below the bound.
  for (let level = levelFor(keys); ; level += 1) {
    const rows = await sandbox.query(`SELECT DISTINCT d FROM (${all}) WHERE ${below(level)}`, [season], {
      signal,
      maxRows: 2 * MOST_KEYS + 1,
    });
    if (rows.length <= 2 * MOST_KEYS) return { keys, level, digests: packed(rows.map((one) => String(one["d"]))) };
  }
}

/** Condition on `d`. */
export function below(level: number): string {
  const first = bound(level);
  return first === null ? "true" : `d < '${first}'`;
}
