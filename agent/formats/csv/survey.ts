/** The first reading of a file, all of it: its columns, what their values have in common, whether its rows are whole. */
import { problemList, quoted, type TreeFile } from "../../kit/file-tree.ts";
import type { DeclaredTable } from "./declared.ts";
import { guessDialect, tryDialect } from "./dialect.ts";
import { HashSet } from "./hashes.ts";
import { isMadeKey, namesKey, tableName } from "./names.ts";
import type { CsvRow, Dialect } from "../../kit/csv.ts";
import { type Encoding, readHead, readRows } from "./text.ts";
import { ANYTHING, type FileReference, filesOf, narrow, typeOf } from "./values.ts";

export interface SurveyedColumn {
  readonly name: string;
  /** Types that all its values have, as bits of values.ts. */
  readonly types: number;
  readonly filled: number;
  /** All values, where they are all there and each is there once; null where not, or where nobody looked. */
  readonly keys: HashSet | null;
  /** Whether all values looked at as keys are such as products make. */
  readonly made: boolean;
}

export interface SurveyedTable {
  readonly path: string;
  readonly file: TreeFile;
  readonly id: string;
  readonly name: string;
  readonly declared: DeclaredTable | null;
  readonly dialect: Dialect & { readonly encoding: Encoding };
  readonly columns: readonly SurveyedColumn[];
  readonly rows: number;
  /** Attachments its cells name, by id. */
  readonly files: ReadonlyMap<string, FileReference>;
  readonly problems: readonly string[];
}

/** Attachments are named one by one in the content; of more than this a column stays text. */
const MAX_FILES = 100_000;
/** Besides the first column, so many that are called as keys are. */
const MAX_KEYS = 3;

/** @throws what `readRows` throws */
export async function surveyTable(
  path: string,
  file: TreeFile,
  id: string,
  declared: DeclaredTable | null,
  signal: AbortSignal,
): Promise<SurveyedTable> {
  const head = await readHead(file);
  const delimiter = declared?.delimiter ?? null;
  const guess = guessDialect(head.text, head.whole);
  const { dialect } = delimiter === null ? guess : tryDialect(head.text, head.whole, { ...guess.dialect, delimiter });
  const read = { ...dialect, encoding: head.encoding };
  const name = tableName(id);
  const problems = problemList();
  const faults = new Map<string, { count: number; first: string }>();
  let columns: Draft[] | null = null;
  let rows = 0;
  for await (const group of readRows(file, quoted(path), read, signal)) {
    for (const row of group) {
      if (columns === null) {
        if (row.cells.length === 0) continue;
        columns = draftColumns(row.cells, name, declared);
        if (row.fault !== null) note(faults, row, row.cells.length);
        continue;
      }
      const cells = cellsOf(row, columns.length);
      if (cells === null) continue;
      if (row.fault !== null || cells.length !== columns.length) note(faults, row, columns.length);
      rows += 1;
      for (const [index, column] of columns.entries()) look(column, cells[index] ?? "");
    }
  }
  if (columns === null) problems.add(`${quoted(path)} is empty: it has not even a header.`);
  for (const { count, first } of faults.values())
    problems.add(`${quoted(path)}: ${first}${count > 1 ? `, and so do ${count - 1} more rows` : ""}.`);
  return {
    path,
    file,
    id,
    name: declared?.name ?? name,
    declared,
    dialect: read,
    columns: (columns ?? []).map(finish),
    rows,
    files: new Map((columns ?? []).flatMap((column) => (typeOf(column.types) === "files" ? [...column.files] : []))),
    problems: problems.all(),
  };
}

/** Null for a line with nothing on it that stands for no row: in a table of one column it is an empty cell. */
export function cellsOf(row: CsvRow, width: number): readonly string[] | null {
  if (row.cells.length > 0) return row.cells;
  return width === 1 ? [""] : null;
}

function note(faults: Map<string, { count: number; first: string }>, row: CsvRow, width: number): void {
  const told = faultOf(row, width);
  const before = faults.get(told.kind);
  if (before === undefined) faults.set(told.kind, { count: 1, first: told.sentence });
  else before.count += 1;
}

function faultOf(row: CsvRow, width: number): { kind: string; sentence: string } {
  const { line, fault, cells } = row;
  if (fault === "unclosed")
    return {
      kind: "unclosed",
      sentence: `the row on line ${line} ends inside a quoted cell: the file is cut off, or a quote is not closed`,
    };
  if (fault === "stray") return { kind: "stray", sentence: `the row on line ${line} has text behind a closing quote` };
  const sentence = `the row on line ${line} has ${cells.length} cells where the header has ${width}`;
  return { kind: cells.length < width ? "few" : "many", sentence };
}

interface Draft {
  readonly name: string;
  types: number;
  filled: number;
  keys: HashSet | null;
  made: boolean;
  readonly files: Map<string, FileReference>;
}

function draftColumns(header: readonly string[], table: string, declared: DeclaredTable | null): Draft[] {
  const names = distinctNames(header);
  let keys = 0;
  return names.map((name, index) => {
    const named = namesKey(name, table) && keys < MAX_KEYS;
    if (named) keys += 1;
    const watched = named || index === 0 || name === declared?.key || (index === 1 && namesKey(names[0] ?? "", table));
    return { name, types: ANYTHING, filled: 0, keys: watched ? new HashSet() : null, made: true, files: new Map() };
  });
}

/** A column without a name is called by its place; one whose name was there before gets its place behind it. */
function distinctNames(header: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return header.map((cell, index) => {
    const wanted = cell.trim() === "" ? `column ${index + 1}` : cell;
    let name = wanted;
    for (let again = index + 1; seen.has(name); again += 1) name = `${wanted} (${again})`;
    seen.add(name);
    return name;
  });
}

function look(column: Draft, cell: string): void {
  if (cell === "") {
    column.keys = null;
    return;
  }
  column.filled += 1;
  column.types = narrow(column.types, cell);
  if (typeOf(column.types) === "files") {
    for (const file of filesOf(cell) ?? []) column.files.set(file.id, file);
    if (column.files.size > MAX_FILES) column.types = 0;
  }
  if (column.types === 0) column.files.clear();
  if (column.keys === null) return;
  if (!column.keys.add(cell)) column.keys = null;
  column.made &&= isMadeKey(cell);
}

function finish(column: Draft): SurveyedColumn {
  const { name, filled, made } = column;
  return { name, filled, made, types: filled === 0 ? 0 : column.types, keys: filled === 0 ? null : column.keys };
}
