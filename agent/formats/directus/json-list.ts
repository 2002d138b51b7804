/** The rows of a JSON file one by one, however large it is: a list, or the list `data` of an answer of Directus. */
import { InputError } from "../../kit/input-error.ts";
import { canonicalJson, isObject, parseJson } from "../../kit/json.ts";

/** What the beginning of a file says of its shape. */
export interface JsonShape {
  /** Byte at which the first row, or the end of the list, follows; null where the file is no list. */
  readonly from: number | null;
  readonly enveloped: boolean;
}

const META = String.raw`"meta"\s*:\s*(\{[^{}]*\}|null)\s*`;
const LIST = /^(?:\u00ef\u00bb\u00bf)?\s*\[/u;
const ENVELOPE = new RegExp(String.raw`^(?:\u00ef\u00bb\u00bf)?\s*\{\s*(?:${META},\s*)?"data"\s*:\s*\[`, "u");
/** One row beyond this is a quote or a bracket that never closes. */
const MAX_ROW = 64 * 1024 * 1024;
const MAX_TAIL = 64 * 1024;

/** @param head the file's first bytes */
export function jsonShape(head: Uint8Array): JsonShape {
  const text = latin1(head);
  const list = LIST.exec(text);
  if (list !== null) return { from: list[0].length, enveloped: false };
  const envelope = ENVELOPE.exec(text);
  return { from: envelope?.[0].length ?? null, enveloped: envelope !== null };
}

/** How many items the answer says there are, where it was asked for that (`?meta=*`), or null. */
export function countIn(meta: string | undefined): number | null {
  const count = /"(?:filter|total)_count"\s*:\s*(\d{1,15})/u.exec(meta ?? "")?.[1];
  return count === undefined ? null : Number(count);
}

export function countInHead(head: Uint8Array): number | null {
  return countIn(ENVELOPE.exec(latin1(head))?.[1]);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d];

/**
 * @param chunks the file from its first byte on
 * @param what the file's name, at the beginning of a sentence
 * @returns rows in groups, and how many there are by what stands behind them, or null
 * Throws InputError `damaged` where it is cut off, broken, or holds what is no row, `limit` for one beyond all measure or too deep.
 */
export async function* jsonRows(
  chunks: AsyncIterable<Uint8Array>,
  { from, enveloped }: JsonShape & { readonly from: number },
  what: string,
  maxDepth: number,
): AsyncGenerator<readonly Readonly<Record<string, unknown>>[], number | null> {
  const scanner = new Scanner(what, maxDepth);
  let skip = from;
  for await (const chunk of chunks) {
    const part = skip >= chunk.length ? chunk.subarray(chunk.length) : chunk.subarray(skip);
    skip -= chunk.length - part.length;
    const rows = scanner.push(part);
    if (rows.length > 0) yield rows;
  }
  return countIn(scanner.end(enveloped));
}

class Scanner {
  readonly #what: string;
  readonly #maxDepth: number;
  #pending: Buffer = Buffer.alloc(0);
  /** Place in the pending bytes up to which was looked. */
  #at = 0;
  #depth = 0;
  #quoted = false;
  #escaped = false;
  #rows = 0;
  #closed = false;

  constructor(what: string, maxDepth: number) {
    this.#what = what;
    this.#maxDepth = maxDepth;
  }

  push(chunk: Uint8Array): Readonly<Record<string, unknown>>[] {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    const rows: Readonly<Record<string, unknown>>[] = [];
    while (!this.#closed) {
      const end = this.#nextEnd();
      if (end === null) break;
      const bytes = this.#pending.subarray(0, end);
      this.#closed = this.#pending[end] === CLOSE_LIST;
      this.#pending = this.#pending.subarray(end + 1);
      this.#at = 0;
      // Only the list of none ends without a row before its end.
      if (this.#closed && this.#rows === 0 && isBlank(bytes)) break;
      rows.push(this.#row(bytes));
    }
    const most = this.#closed ? MAX_TAIL : MAX_ROW;
    if (this.#pending.length > most)
      throw this.#closed
        ? this.#trailing()
        : new InputError("limit", "row-too-long", `${this.#what}: row ${this.#rows + 1} has no end within ${most} bytes.`);
    return rows;
  }

  /** @returns text of `meta` behind the list, where there is one */
  end(enveloped: boolean): string | undefined {
    if (!this.#closed)
      throw new InputError(
        "damaged",
        "json-truncated",
        `${this.#what} is cut off: it ends inside row ${this.#rows + 1}, before its list closes.`,
      );
    if (!enveloped) {
      if (!isBlank(this.#pending)) throw this.#trailing();
      return undefined;
    }
    // What stands behind the list, with the list emptied, has to be the rest of one object.
    const whole = Buffer.concat([Buffer.from('{"data":[]'), this.#pending]);
    const envelope = parseJson(whole, `${this.#what}, behind its last row,`, this.#maxDepth);
    return isObject(envelope) ? canonicalJson(envelope["meta"] ?? null) : undefined;
  }

  /** Index of the comma or bracket that ends the row that begins the pending bytes, or null where it is not there yet. */
  #nextEnd(): number | null {
    const bytes = this.#pending;
    for (let at = this.#at; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (this.#quoted) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#quoted = false;
      } else if (byte === QUOTE) this.#quoted = true;
      else if (byte === OPEN || byte === OPEN_LIST) this.#depth += 1;
      else if (this.#depth === 0 && (byte === COMMA || byte === CLOSE_LIST)) return at;
      else if (byte === CLOSE || byte === CLOSE_LIST) this.#depth = Math.max(0, this.#depth - 1);
    }
    this.#at = bytes.length;
    return null;
  }

  #row(bytes: Uint8Array): Readonly<Record<string, unknown>> {
    this.#rows += 1;
    const row = parseJson(bytes, `${this.#what}, row ${this.#rows},`, this.#maxDepth);
    if (!isObject(row)) throw new InputError("damaged", "no-row", `${this.#what}: row ${this.#rows} is no object with fields.`);
    return row;
  }

  #trailing(): InputError {
    return new InputError("damaged", "json-trailing", `${this.#what} goes on after its list closed.`);
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}
