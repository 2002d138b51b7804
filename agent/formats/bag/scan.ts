/**
 * Whether the lines of a part are written in the strict way that the sandbox reads exactly as this reader does: keys in the order of the
 * table's columns, values that are text or null, lists that are canonical, no space between tokens. One pass over the bytes, nothing is
 * made of them. What is not strict is not wrong: it is read line by line instead.
 */
import { isUtf8 } from "node:buffer";

/** One column, as it may stand in a line. */
export interface ScanColumn {
  readonly name: string;
  readonly kind: "text" | "list" | "moment";
}

export interface Scanner {
  /** Bytes of the part, in order, wherever they are cut. */
  feed(chunk: Buffer): void;
  /** @returns how many lines that are not blank there were, whether all were strict, and bytes of the longest strict one */
  end(): { readonly lines: number; readonly strict: boolean; readonly longest: number };
}

/** The sandbox refuses lines of 16 MiB. */
const MAX_LINE = 8 * 1024 * 1024;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const COMMA = 0x2c;
/** From here on the order of UTF-8 bytes and that of JavaScript's strings may differ. */
const ORDER_DIFFERS = 0xee;

/** @param columns in the order in which strict lines have them */
export function lineScanner(columns: readonly ScanColumn[]): Scanner {
  const plain = columns.every((column) => JSON.stringify(column.name) === `"${column.name}"`);
  const names = new Set(columns.map((column) => column.name.toLowerCase()));
  let strict = plain && names.size === columns.length;
  const keys = columns.map((column) => Buffer.from(column.name));
  const kinds = columns.map((column) => column.kind);
  let carry: Buffer = Buffer.alloc(0);
  let lines = 0;
  const seen = { longest: 0 };

  const scan = (block: Buffer): void => {
    if (strict) {
      const counted = isUtf8(block) ? strictLines(block, keys, kinds, seen) : -1;
      if (counted >= 0) {
        lines += counted;
        return;
      }
      strict = false;
    }
    lines += countLines(block);
  };

  return {
    feed(chunk) {
      const end = chunk.lastIndexOf(LINE_FEED) + 1;
      if (end === 0) {
        carry = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
        if (carry.length > MAX_LINE) strict = false;
        return;
      }
      const whole = chunk.subarray(0, end);
      scan(carry.length === 0 ? whole : Buffer.concat([carry, whole]));
      carry = chunk.subarray(end);
    },
    end() {
      if (carry.length > 0) scan(Buffer.concat([carry, Buffer.from("\n")]));
      carry = Buffer.alloc(0);
      return { lines, strict, longest: seen.longest };
    },
  };
}

function countLines(block: Buffer): number {
  let lines = 0;
  let start = 0;
  for (let end = block.indexOf(LINE_FEED); end >= 0; end = block.indexOf(LINE_FEED, start)) {
    if (!isBlank(block, start, end)) lines += 1;
    start = end + 1;
  }
  return lines;
}

function isBlank(block: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = block[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}

/**
 * @param block whole lines, each ended by a line feed: no loop runs past the last one, because a line feed ends every token
 * @param seen is told the longest line
 * @returns how many lines there are, or -1 where one is not strict
 */
function strictLines(block: Buffer, keys: readonly Buffer[], kinds: readonly ScanColumn["kind"][], seen: { longest: number }): number {
  let lines = 0;
  let longest = 0;
  let at = 0;
  while (at < block.length) {
    const start = at;
    if (block[at] !== 0x7b) return -1;
    at += 1;
    let next = 0;
    if (block[at] === 0x7d) at += 1;
    else {
      for (;;) {
        const column = columnAt(block, at, keys, next);
        if (column < 0) return -1;
        at = valueEnd(block, at + (keys[column]?.length ?? 0) + 3, kinds[column] ?? "text");
        if (at < 0) return -1;
        next = column + 1;
        const byte = block[at];
        at += 1;
        if (byte === 0x7d) break;
        if (byte !== COMMA) return -1;
      }
    }
    if (block[at] !== LINE_FEED || at - start > MAX_LINE) return -1;
    longest = Math.max(longest, at - start);
    at += 1;
    lines += 1;
  }
  seen.longest = Math.max(seen.longest, longest);
  return lines;
}

/** @returns which column's `"name":` stands here, from `first` on; -1 where none */
function columnAt(block: Buffer, at: number, keys: readonly Buffer[], first: number): number {
  if (block[at] !== QUOTE) return -1;
  for (let column = first; column < keys.length; column += 1) {
    const key = keys[column];
    if (key === undefined) return -1;
    const end = at + 1 + key.length;
    if (block[end] !== QUOTE || block[end + 1] !== 0x3a) continue;
    let same = 0;
    while (same < key.length && block[at + 1 + same] === key[same]) same += 1;
    if (same === key.length) return column;
  }
  return -1;
}

function valueEnd(block: Buffer, at: number, kind: ScanColumn["kind"]): number {
  if (block[at] === 0x6e) return block[at + 1] === 0x75 && block[at + 2] === 0x6c && block[at + 3] === 0x6c ? at + 4 : -1;
  if (kind === "list") return listEnd(block, at);
  if (block[at] !== QUOTE) return -1;
  if (kind === "moment" && !isMoment(block, at + 1)) return -1;
  return stringEnd(block, at + 1);
}

/** @returns the place behind the closing quote, or -1 */
function stringEnd(block: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = block[at] ?? 0;
    at += 1;
    // Nearly all bytes are behind the quote in the code table.
    if (byte > QUOTE && byte !== BACKSLASH) continue;
    if (byte === QUOTE) return at;
    if (byte < 0x20) return -1;
    if (byte === BACKSLASH) {
      at = escapeEnd(block, at);
      if (at < 0) return -1;
    }
  }
}

function escapeEnd(block: Buffer, at: number): number {
  const byte = block[at];
  if (byte !== 0x75) return byte !== undefined && '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? at + 1 : -1;
  const digits = block.toString("latin1", at + 1, at + 5);
  // NUL and halves of a pair are told apart differently by different readers.
  return /^[0-9a-f]{4}$/iu.test(digits) && !/^(?:0000|d[89a-f]..)$/iu.test(digits) ? at + 5 : -1;
}

/** A list whose items are texts, none empty, in ascending order without repetition. */
function listEnd(block: Buffer, from: number): number {
  if (block[from] !== 0x5b) return -1;
  if (block[from + 1] === 0x5d) return from + 2;
  let at = from + 1;
  let previous = -1;
  let previousEnd = -1;
  let careful = false;
  for (;;) {
    if (block[at] !== QUOTE) return -1;
    const end = stringEnd(block, at + 1);
    if (end < 0 || end === at + 2) return -1;
    careful ||= needsCare(block, at + 1, end - 1);
    if (!careful && previous >= 0 && block.compare(block, at + 1, end - 1, previous, previousEnd) >= 0) return -1;
    previous = at + 1;
    previousEnd = end - 1;
    at = end + 1;
    if (block[end] === 0x5d) break;
    if (block[end] !== COMMA) return -1;
  }
  return careful && !isCanonicalList(block.toString("utf8", from, at)) ? -1 : at;
}

function needsCare(block: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) {
    const byte = block[at] ?? 0;
    if (byte === BACKSLASH || byte >= ORDER_DIFFERS) return true;
  }
  return false;
}

function isCanonicalList(json: string): boolean {
  const items = JSON.parse(json) as readonly string[];
  return items.every((item, index) => item !== "" && (index === 0 || (items[index - 1] ?? "") < item));
}

const MOMENT = "dddd-dd-ddTdd:dd:dd.dddZ";

/** `YYYY-MM-DDTHH:MM:SS.sssZ` by its shape, with an hour that every reader takes. */
function isMoment(block: Buffer, from: number): boolean {
  for (let index = 0; index < MOMENT.length; index += 1) {
    const wanted = MOMENT.charCodeAt(index);
    const byte = block[from + index] ?? 0;
    if (wanted === 0x64 ? byte < 0x30 || byte > 0x39 : byte !== wanted) return false;
  }
  const hour = block.toString("latin1", from + 11, from + 13);
  return block[from + MOMENT.length] === QUOTE && hour < "24";
}
