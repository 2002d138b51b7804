/**
 * Reads Python's marshal format, in which Grist stores a cell that is no plain number or text (errors, lists in odd columns, numbers
 * in text columns). Only data types are read; code objects and back references of later versions are refused.
 */

export type Marshalled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Marshalled[]
  | { readonly [key: string]: Marshalled };

const MAX_DEPTH = 64;
const DICT_END = Symbol("end of a dict");

/** @returns the value, or undefined when the bytes are no whole marshalled value */
export function unmarshal(bytes: Uint8Array): Marshalled | undefined {
  try {
    const reader = new Reader(bytes);
    const value = reader.value(0);
    return value === DICT_END || !reader.atEnd() ? undefined : value;
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

/** Running past the end is a RangeError of DataView or of `take`: both mean that the bytes are not whole. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #interned: string[] = [];
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): Marshalled | typeof DICT_END {
    if (depth > MAX_DEPTH) throw new RangeError("nested too deeply");
    const type = String.fromCharCode(this.#byte());
    switch (type) {
      case "0":
        return DICT_END;
      case "N":
        return null;
      case "T":
        return true;
      case "F":
        return false;
      case "i":
        return this.#int32();
      case "I":
        return this.#whole(this.#int64());
      case "l":
        return this.#whole(this.#long());
      case "g":
        return this.#double();
      case "f":
        return Number(this.#text(this.#byte()));
      case "u":
        return this.#text(this.#length());
      case "s":
        return this.#take(this.#length()).slice();
      case "t":
        return this.#remember(this.#text(this.#length()));
      case "R":
        return this.#recall(this.#length());
      case "a":
        return this.#text(this.#length());
      case "z":
        return this.#text(this.#byte());
      case "(":
      case "[":
        return this.#list(this.#length(), depth);
      case ")":
        return this.#list(this.#byte(), depth);
      case "{":
        return this.#dict(depth);
      default:
        throw new RangeError("not a data type");
    }
  }

  #inner(depth: number): Marshalled {
    const value = this.value(depth + 1);
    if (value === DICT_END) throw new RangeError("an end without a dict");
    return value;
  }

  #list(length: number, depth: number): Marshalled[] {
    // Every element takes at least one byte: a length beyond what is left is damage, not a reason to reserve memory.
    if (length > this.#bytes.length - this.#at) throw new RangeError("longer than its bytes");
    const items: Marshalled[] = [];
    for (let index = 0; index < length; index += 1) items.push(this.#inner(depth));
    return items;
  }

  #dict(depth: number): { readonly [key: string]: Marshalled } {
    const entries: [string, Marshalled][] = [];
    for (;;) {
      const key = this.value(depth + 1);
      if (key === DICT_END) return Object.fromEntries(entries);
      if (typeof key === "bigint") throw new RangeError("no key of Grist's");
      entries.push([typeof key === "string" ? key : JSON.stringify(key), this.#inner(depth)]);
    }
  }

  #whole(value: bigint): number | bigint {
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }

  #long(): bigint {
    const digits = this.#int32();
    if (Math.abs(digits) * 2 > this.#bytes.length - this.#at) throw new RangeError("longer than its bytes");
    let value = 0n;
    for (let index = 0; index < Math.abs(digits); index += 1) value += BigInt(this.#short()) << BigInt(15 * index);
    return digits < 0 ? -value : value;
  }

  #remember(text: string): string {
    this.#interned.push(text);
    return text;
  }

  #recall(index: number): string {
    const text = this.#interned[index];
    if (text === undefined) throw new RangeError("refers to nothing");
    return text;
  }

  #byte(): number {
    const value = this.#view.getUint8(this.#at);
    this.#at += 1;
    return value;
  }

  #short(): number {
    const value = this.#view.getUint16(this.#at, true);
    this.#at += 2;
    return value;
  }

  #int32(): number {
    const value = this.#view.getInt32(this.#at, true);
    this.#at += 4;
    return value;
  }

  #int64(): bigint {
    const value = this.#view.getBigInt64(this.#at, true);
    this.#at += 8;
    return value;
  }

  #double(): number {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  #length(): number {
    const length = this.#int32();
    if (length < 0) throw new RangeError("a negative length");
    return length;
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new RangeError("longer than its bytes");
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  #text(length: number): string {
    return new TextDecoder("utf-8").decode(this.#take(length));
  }
}
