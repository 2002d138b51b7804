/**
 * How much a text looks like a table. Much that is no table has as many commas or semicolons in every line: code, configuration, logs,
 * lists of words. So being even is not enough: the first row must read as names of columns, and something must speak for a table.
 */
import { guessDialect, type Guess } from "./dialect.ts";
import { namesCommonColumn } from "./names.ts";
import { encodingOf, headText } from "./text.ts";
import { ANYTHING, narrow, typeOf } from "./values.ts";

export interface Likeness {
  readonly confidence: number;
  readonly because: string;
}

/** A cell may hold one; a file that is not text has them everywhere. */
const MOST_NUL = 0.005;
const MOST_CONTROL = 0.02;
/** A file in the alphabet of an old system has some bytes that are no UTF-8. */
const MOST_UNREADABLE = 0.3;
/** What a file must have by its text alone to be taken for a table; see `evidence`. */
const ENOUGH = 3;

/**
 * @param whole whether `head` is all of the file
 * @param named whether it is called as a table is: then its first row need not read as one
 * @returns 0 for what is no text; below 0.5 for text that may be a table if somebody says so
 */
export function likeness(head: Uint8Array, whole: boolean, named: boolean): Likeness {
  const no = (because: string): Likeness => ({ confidence: 0, because });
  if (head.length === 0) return no("it is empty");
  const text = headText(head, whole);
  if (nulShare(head) > MOST_NUL) return no("it holds NUL bytes");
  if (!isText(text)) return no("it is no text");
  if (OTHER_TEXT.test(text)) return no("it begins as another kind of text does");
  const guess = guessDialect(text, whole);
  const { header, rows, even, dialect } = guess;
  if (rows.length === 0 || (rows.length === 1 && header.length < 2)) return no("it has neither columns nor rows");
  const separator = dialect.delimiter === "\t" ? "tabs" : `"${dialect.delimiter}"`;
  const told = `${rows.length} rows, ${Math.round(even * 100)} % of them with ${header.length} cells between ${separator}`;
  const because = header.length < 2 ? "text with one column at most" : told;
  return { confidence: named ? asNamed(guess) : byText(guess, encodingOf(head) !== "utf-8" || text.startsWith("\uFEFF")), because };
}

function asNamed({ header, rows, even }: Guess): number {
  if (header.length < 2) return 0.3;
  if (rows.length === 1) return readsAsHeader(header) ? 0.5 : 0.4;
  if (!readsAsHeader(header) && header.every((cell) => cell.trim() === "" || /^[-: ]+$/u.test(cell))) return 0.3;
  if (even >= 0.95) return 0.8;
  if (even >= 0.7 && rows.length >= 5) return 0.6;
  return even >= 0.5 && readsAsHeader(header) ? 0.5 : 0.4;
}

function byText(guess: Guess, marked: boolean): number {
  const { header, rows, even } = guess;
  if (header.length < 2) return 0.3;
  if (!readsAsHeader(header) || rows.some((row) => isRule(row.cells))) return 0.2;
  const uneven = Math.round((1 - even) * rows.length);
  if (rows.length === 1 || (uneven > 0 && even < 0.9)) return 0.4;
  const points = evidence(guess) + (marked ? 1 : 0);
  if (points < ENOUGH) return 0.4;
  return rows.length >= 5 && uneven === 0 ? 0.8 : 0.7;
}

/** What speaks for a table, in points: no one thing is enough. */
function evidence(guess: Guess): number {
  const { header, rows, dialect } = guess;
  const body = rows.slice(1).filter((row) => row.cells.length === header.length);
  const typed = header.filter((_, index) => isTyped(body.map((row) => row.cells[index] ?? ""))).length;
  let points = Math.min(typed, 2) * 1.5;
  points += Math.min(header.filter(namesCommonColumn).length, 2) * 1.5;
  if (header.length >= 3) points += 1;
  if (body.some((row) => row.cells.some((cell) => cell.includes(dialect.delimiter) || cell.includes("\n")))) points += 1;
  // Sentences have commas too, each with a space behind it.
  if (dialect.delimiter === "," && header.slice(1).every((cell) => cell.startsWith(" "))) points -= 2;
  return points;
}

/** Whether every value of a column is a number, a date, a truth value or the like, under a header that is none. */
function isTyped(cells: readonly string[]): boolean {
  const filled = cells.filter((cell) => cell !== "");
  return filled.length > 0 && filled.length * 2 >= cells.length && typeOf(filled.reduce(narrow, ANYTHING)) !== "text";
}

/** Names of columns: every one filled and another, none a value, none a piece of code or of a sentence that goes on and on. */
function readsAsHeader(header: readonly string[]): boolean {
  const names = header.map((cell) => cell.trim());
  if (new Set(names).size < names.length) return false;
  // A table of the R or pandas kind has no name above the numbers of its rows.
  const filled = names[0] === "" && names.length > 2 ? names.slice(1) : names;
  const [first = ""] = filled;
  return filled.every(isName) && filled.some((name) => /\p{L}/u.test(name)) && !isValue(first) && !/^[#$%]/u.test(first);
}

const CODE = /[{}<>;=\\`]|\(\)|^[*'"@[\]!.,/+-]|::|->|:$|\$\(|\/\/|\bfunction\b|^(?:var|let|const|import|export|return)\s/u;

function isName(cell: string): boolean {
  return /[\p{L}\p{N}]/u.test(cell) && cell.length <= 120 && !CODE.test(cell) && !/\S+:\/\/|[\n\r]{2}/u.test(cell) && balanced(cell);
}

function balanced(cell: string): boolean {
  const count = (sign: string): number => cell.split(sign).length;
  return count("(") === count(")") && count("[") === count("]") && count('"') % 2 === 1;
}

function isValue(cell: string): boolean {
  return typeOf(narrow(ANYTHING, cell)) !== "text";
}

/** The line below the header of a table that is drawn. */
function isRule(cells: readonly string[]): boolean {
  return cells.some((cell) => /-{3}|={3}/u.test(cell)) && cells.every((cell) => /^[-:=+| ]*$/u.test(cell));
}

/** An end that was never written, all NUL, does not count: the file is one of text, and damaged. */
function nulShare(head: Uint8Array): number {
  if (encodingOf(head) !== "utf-8") return 0;
  const end = head.findLastIndex((byte) => byte !== 0) + 1;
  return end === 0 ? 1 : head.subarray(0, end).reduce((count, byte) => (byte === 0 ? count + 1 : count), 0) / end;
}

function isText(text: string): boolean {
  const share = (pattern: RegExp): number => (text.match(pattern)?.length ?? 0) / text.length;
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return share(/[\u0001-\u0008\u000b\u000c\u000e-\u001f]/gu) <= MOST_CONTROL && share(/\uFFFD/gu) <= MOST_UNREADABLE;
}

/** First words of what is text, has commas and is no table. */
const OTHER_TEXT =
  /^\s*(?:[[{<]|#!|\/[/*]|--|%PDF|BEGIN:|\*\*|"use strict"|(?:insert|create|select|set|import|export|const|function|package|using|copy|begin)\s)/iu;
