/** Keys of tables, and the columns that lead from one table to another: declared, or found by name and by every single value. */
import { HashSet } from "./hashes.ts";
import { namesKey, namesLink } from "./names.ts";
import { cellsOf, type SurveyedTable } from "./survey.ts";
import { readRows } from "./text.ts";
import { listOf } from "./values.ts";

export interface Link {
  /** Id of the table it leads to. */
  readonly collection: string;
  readonly many: boolean;
  readonly declared: boolean;
}

export interface Keyed {
  /** Column that holds the key; null where a row is known only by its number. */
  readonly key: string | null;
  /** Column name → where it leads. */
  readonly links: ReadonlyMap<string, Link>;
}

interface Candidate {
  readonly table: SurveyedTable;
  readonly column: number;
  readonly target: SurveyedTable;
  readonly targetColumn: number;
  whole: boolean;
  parts: boolean;
  several: boolean;
}

/** @returns by table id; reads those tables once more that have columns called as links are */
export async function keysAndLinks(tables: readonly SurveyedTable[], signal: AbortSignal): Promise<ReadonlyMap<string, Keyed>> {
  const candidates = tables.flatMap((table) => candidatesOf(table, tables));
  for (const table of tables) {
    const own = candidates.filter((candidate) => candidate.table === table);
    if (own.length > 0) await tryCandidates(table, own, signal);
  }
  const resolving = candidates.filter((candidate) => candidate.whole || candidate.parts);
  const keys = new Map(tables.map((table) => [table.id, keyOf(table, resolving)]));
  return new Map(
    tables.map((table) => {
      const key = keys.get(table.id) ?? -1;
      const links = new Map<string, Link>();
      for (const candidate of resolving) {
        const name = table.columns[candidate.column]?.name ?? "";
        if (candidate.table !== table || candidate.column === key || links.has(name)) continue;
        if (keys.get(candidate.target.id) === candidate.targetColumn)
          links.set(name, { collection: candidate.target.id, many: !candidate.whole && candidate.several, declared: false });
      }
      for (const [name, link] of declaredLinks(table, tables, keys)) links.set(name, link);
      return [table.id, { key: table.columns[key]?.name ?? null, links }];
    }),
  );
}

/** A key that is declared is the key, whatever lies in it; else the column others lead to, one called as a key, or none. */
function keyOf(table: SurveyedTable, resolving: readonly Candidate[]): number {
  const declared = table.columns.findIndex((column) => column.name === table.declared?.key);
  if (declared >= 0) return declared;
  const named = namedKey(table);
  const referred = resolving.filter((candidate) => candidate.target === table).map((candidate) => candidate.targetColumn);
  return named >= 0 && (referred.length === 0 || referred.includes(named)) ? named : (referred[0] ?? named);
}

function namedKey(table: SurveyedTable): number {
  return table.columns.findIndex((column) => column.keys !== null && namesKey(column.name, table.name));
}

/** The key column of the target, and what products show of a linked record: its first column that is no key. */
function targetsOf(table: SurveyedTable): readonly number[] {
  const named = namedKey(table);
  const primary = table.columns.findIndex((column) => !namesKey(column.name, table.name));
  const shown = primary >= 0 && primary <= 1 && table.columns[primary]?.keys != null ? primary : -1;
  return [...new Set([named, shown])].filter((index) => index >= 0);
}

function candidatesOf(table: SurveyedTable, tables: readonly SurveyedTable[]): Candidate[] {
  const declared = new Set(table.declared?.links.map((link) => link.column));
  const found: Candidate[] = [];
  for (const [index, column] of table.columns.entries()) {
    if (column.filled === 0 || declared.has(column.name)) continue;
    for (const target of tables) {
      if (target.declared?.key != null || !namesLink(column.name, target.name, target === table)) continue;
      for (const targetColumn of targetsOf(target))
        if (target !== table || targetColumn !== index)
          found.push({ table, column: index, target, targetColumn, whole: true, parts: true, several: false });
    }
  }
  return [...found, ...towardsDeclared(table, tables, declared)];
}

/** The same for tables whose key is declared: only that key can be led to. */
function towardsDeclared(table: SurveyedTable, tables: readonly SurveyedTable[], declared: ReadonlySet<string>): Candidate[] {
  return tables.flatMap((target) => {
    const key = target.columns.findIndex((column) => column.name === target.declared?.key && column.keys !== null);
    if (key < 0) return [];
    return table.columns.flatMap((column, index): Candidate[] =>
      column.filled === 0 ||
      declared.has(column.name) ||
      !namesLink(column.name, target.name, target === table) ||
      (target === table && index === key)
        ? []
        : [{ table, column: index, target, targetColumn: key, whole: true, parts: true, several: false }],
    );
  });
}

async function tryCandidates(table: SurveyedTable, candidates: readonly Candidate[], signal: AbortSignal): Promise<void> {
  let header = true;
  for await (const group of readRows(table.file, table.path, table.dialect, signal)) {
    for (const row of group) {
      const cells = cellsOf(row, header ? 0 : table.columns.length);
      if (cells === null) continue;
      if (!header) for (const candidate of candidates) tryCell(candidate, cells[candidate.column] ?? "");
      header = false;
    }
    if (candidates.every((candidate) => !candidate.whole && !candidate.parts)) return;
  }
}

function tryCell(candidate: Candidate, cell: string): void {
  if (cell === "" || (!candidate.whole && !candidate.parts)) return;
  const keys = candidate.target.columns[candidate.targetColumn]?.keys ?? NONE;
  if (candidate.whole && !keys.has(cell)) candidate.whole = false;
  const items = listOf(cell);
  if (items.length > 1) candidate.several = true;
  if (candidate.parts && !items.every((item) => keys.has(item))) candidate.parts = false;
}

const NONE = new HashSet();

/** Declared links are taken as they are: where a value leads nowhere, that is a finding. */
function declaredLinks(table: SurveyedTable, tables: readonly SurveyedTable[], keys: ReadonlyMap<string, number>): [string, Link][] {
  return (table.declared?.links ?? []).flatMap(({ column, table: wanted, target }): [string, Link][] => {
    const to =
      wanted === ""
        ? table
        : tables.find((other) => other.declared?.name === wanted || other.path === wanted || other.path.endsWith(`/${wanted}`));
    if (to === undefined || !table.columns.some((own) => own.name === column)) return [];
    // A reference to anything but the key cannot be followed by key.
    if (to.columns[keys.get(to.id) ?? -1]?.name !== target) return [];
    return [[column, { collection: to.id, many: false, declared: true }]];
  });
}
