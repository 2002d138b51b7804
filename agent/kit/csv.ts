/**
 * CSV as RFC 4180 has it, streamed: rows out of text that comes in pieces. Nothing is dropped or mended silently: what is not as it
 * should be is kept as well as it can be and told with its line.
 */

export interface Dialect {
  readonly delimiter: string;
  /** `\n` also ends rows that end in `\r\n`. */
  readonly newline: "\n" | "\r";
}

export interface CsvRow {
  /** Empty for a line with nothing on it at all. */
  readonly cells: readonly string[];
  /** Line of the file on which the row begins, from 1. */
  readonly line: number;
  /** `stray`: text goes on behind a closing quote; `unclosed`: the file ends inside a quoted cell. */
  readonly fault: "stray" | "unclosed" | null;
}

const QUOTE = '"';

/** A row longer than this, in characters, is most likely a quote that never closes. */
export const MAX_ROW = 16 * 1024 * 1024;

/** The text ended before the row did. */
const MORE = "more";

export class CsvParser {
  readonly #delimiter: string;
  readonly #newline: string;
  #text = "";
  #line = 1;

  constructor(dialect: Dialect) {
    this.#delimiter = dialect.delimiter;
    this.#newline = dialect.newline;
  }

  /** Line on which the row begins that is not whole yet. */
  get line(): number {
    return this.#line;
  }

  /** Whether a row has grown beyond `MAX_ROW` without an end. */
  get overlong(): boolean {
    return this.#text.length > MAX_ROW;
  }

  /** @returns the rows that are whole now */
  push(text: string): CsvRow[] {
    this.#text = this.#text === "" ? text : this.#text + text;
    return this.#rows(false);
  }

  /** @returns what is left; the last row needs no line end */
  end(): CsvRow[] {
    return this.#rows(true);
  }

  #rows(final: boolean): CsvRow[] {
    const text = this.#text;
    const rows: CsvRow[] = [];
    let at = 0;
    let quote = text.indexOf(QUOTE);
    while (at < text.length) {
      const found = text.indexOf(this.#newline, at);
      if (found < 0 && !final) break;
      const end = found < 0 ? text.length : found;
      if (quote >= 0 && quote < at) quote = text.indexOf(QUOTE, at);
      if (quote < 0 || quote >= end) {
        const line = this.#withoutReturn(text, at, end);
        rows.push({ cells: line === "" ? [] : line.split(this.#delimiter), line: this.#line, fault: null });
        this.#line += 1;
        at = end + 1;
        continue;
      }
      const row = this.#quotedRow(text, at, final);
      if (row === MORE) break;
      rows.push(row.row);
      this.#line += row.lines;
      at = row.next;
    }
    this.#text = at >= text.length ? "" : text.slice(at);
    return rows;
  }

  #withoutReturn(text: string, from: number, end: number): string {
    const last = this.#newline === "\n" && end > from && text[end - 1] === "\r" ? end - 1 : end;
    return text.slice(from, last);
  }

  #quotedRow(text: string, from: number, final: boolean): { row: CsvRow; next: number; lines: number } | typeof MORE {
    const cells: string[] = [];
    let fault: CsvRow["fault"] = null;
    let at = from;
    for (;;) {
      let cell = "";
      let end = at;
      if (text[at] === QUOTE) {
        const close = closingQuote(text, at + 1);
        if (close < 0) {
          if (!final) return MORE;
          cells.push(unescaped(text.slice(at + 1)));
          return { row: { cells, line: this.#line, fault: "unclosed" }, next: text.length, lines: this.#count(text, from, text.length) };
        }
        // Whether the quote closes the cell is known only with the character behind it.
        if (close + 1 >= text.length && !final) return MORE;
        cell = unescaped(text.slice(at + 1, close));
        end = close + 1;
      }
      const stop = this.#cellEnd(text, end);
      if (stop >= text.length && !final) return MORE;
      const atLineEnd = text[stop] === this.#newline || stop >= text.length;
      const rest = atLineEnd ? this.#withoutReturn(text, end, stop) : text.slice(end, stop);
      if (rest !== "" && end > at) fault = "stray";
      cells.push(cell + rest);
      at = stop + 1;
      if (atLineEnd) return { row: { cells, line: this.#line, fault }, next: at, lines: this.#count(text, from, stop) + 1 };
    }
  }

  /** Where the next delimiter or line end is, or the end of the text. */
  #cellEnd(text: string, from: number): number {
    for (let at = from; at < text.length; at += 1) {
      const char = text[at];
      if (char === this.#delimiter || char === this.#newline) return at;
    }
    return text.length;
  }

  #count(text: string, from: number, end: number): number {
    let lines = 0;
    for (let at = text.indexOf(this.#newline, from); at >= 0 && at < end; at = text.indexOf(this.#newline, at + 1)) lines += 1;
    return lines;
  }
}

/** @returns the quote that closes the cell, -1 where there is none; a doubled quote is a quote */
export function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf(QUOTE, from); at >= 0; at = text.indexOf(QUOTE, at + 2)) if (text[at + 1] !== QUOTE) return at;
  return -1;
}

export function unescaped(cell: string): string {
  return cell.includes(QUOTE) ? cell.replaceAll('""', QUOTE) : cell;
}
