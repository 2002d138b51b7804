/** Which separator and line end a file uses, judged by its first rows. */
import { CsvParser, type CsvRow, type Dialect } from "../../kit/csv.ts";

const DELIMITERS = [",", ";", "\t", "|"];
const MAX_ROWS = 200;

export interface Guess {
  readonly dialect: Dialect;
  /** Cells of the first row. */
  readonly header: readonly string[];
  /** Rows looked at, the first one included; lines with nothing on them are not. */
  readonly rows: readonly CsvRow[];
  /** Share of the rows that have as many cells as the first; one that is cut off inside a cell is left out. */
  readonly even: number;
}

/**
 * @param text the beginning of the file, without a byte order mark
 * @param whole whether it is all of it; else the last row is left out, it may be cut off
 */
export function guessDialect(text: string, whole: boolean): Guess {
  const newline = text.includes("\n") || !text.includes("\r") ? "\n" : "\r";
  const guesses = DELIMITERS.map((delimiter) => tryDialect(text, whole, { delimiter, newline }));
  // The most even one with several columns; of equally even ones that with the most columns.
  const best = guesses.filter((guess) => guess.header.length > 1).sort((a, b) => b.even - a.even || b.header.length - a.header.length)[0];
  const [plain] = guesses;
  return best !== undefined && (best.even >= 0.5 || best.rows.length <= 2)
    ? best
    : { ...(plain ?? tryDialect(text, whole, { delimiter: ",", newline })) };
}

export function tryDialect(text: string, whole: boolean, dialect: Dialect): Guess {
  const parser = new CsvParser(dialect);
  const rows = [...parser.push(text), ...(whole ? parser.end() : [])].filter((row) => row.cells.length > 0).slice(0, MAX_ROWS);
  const header = rows[0]?.cells ?? [];
  // The row that a file was cut off in says nothing of how it was written.
  const judged = rows.filter((row) => row.fault !== "unclosed");
  const even = judged.filter((row) => row.cells.length === header.length && row.fault === null).length;
  return { dialect, header, rows, even: judged.length === 0 ? 0 : even / judged.length };
}
