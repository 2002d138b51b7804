/** Mutations: each makes other bytes out of bytes, and the same ones for the same random numbers. */
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { RandomSource } from "../../agent/kit/random.ts";
import { CSV_MUTATIONS } from "./mutate-csv.ts";
import { JSON_MUTATIONS, jsonLine } from "./mutate-json.ts";
import { SQLITE_MUTATIONS } from "./mutate-sqlite.ts";
import { at, pick } from "./pick.ts";

export interface Mutation {
  readonly name: string;
  readonly apply: (bytes: Buffer, random: RandomSource) => Buffer;
  /** How many times as often as others it is chosen. */
  readonly weight?: number;
}

/** What the bytes of a file are, for mutations that know about it. */
export type FileKind = "json" | "ndjson" | "ndjson.zst" | "csv" | "sqlite" | "zip" | "text";

const WHOLE_MEGABYTES = 64 * 1024 * 1024;
const PIECES = [
  "\0",
  "\n",
  '"',
  "{",
  "}",
  "[[[[",
  "null",
  "../",
  "\ud800",
  "\u00ff\u00fe",
  "1e999",
  "%",
  "PK\u0003\u0004",
  "\uFEFF",
  ",",
  "\r",
  "SQLite format 3\0",
];
const NUMBERS = ["0", "-1", "-0", "9007199254740993", "99999999999999999999999999", "1e400", "2147483648", "4294967295", "1.5", "NaN"];
const WORDS_32 = [0, 1, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_ff, 0xff_ff_ff_fe, 0x00_01_00_00];

function splice(bytes: Buffer, from: number, to: number, piece: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(to)]);
}

/** Near the end lie a zip's directory, a manifest's last line, the bracket that closes. */
function place(bytes: Buffer, random: RandomSource): number {
  if (random.next() < 0.15) return Math.max(0, bytes.length - 1 - at(random, Math.min(900, bytes.length)));
  if (random.next() < 0.15) return at(random, Math.min(200, bytes.length));
  return at(random, bytes.length);
}

function changed(bytes: Buffer, random: RandomSource, count: number, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  for (let left = bytes.length === 0 ? 0 : count; left > 0; left -= 1) {
    const where = place(copy, random);
    copy[where] = change(copy[where] ?? 0) & 0xff;
  }
  return copy;
}

const BYTE_MUTATIONS: readonly Mutation[] = [
  { name: "bit flipped", apply: (bytes, random) => changed(bytes, random, 1, (byte) => byte ^ (1 << at(random, 8))), weight: 2 },
  { name: "bits flipped", apply: (bytes, random) => changed(bytes, random, 2 + at(random, 40), (byte) => byte ^ (1 << at(random, 8))) },
  { name: "bytes set", apply: (bytes, random) => changed(bytes, random, 1 + at(random, 20), () => at(random, 256)) },
  {
    name: "bytes inserted",
    apply(bytes, random) {
      const where = place(bytes, random);
      return splice(bytes, where, where, random.next() < 0.6 ? Buffer.from(pick(random, PIECES)) : random.bytes(1 + at(random, 50)));
    },
  },
  {
    name: "bytes deleted",
    apply(bytes, random) {
      const where = place(bytes, random);
      return splice(bytes, where, Math.min(bytes.length, where + 1 + at(random, pick(random, [4, 60, 3000]))), Buffer.alloc(0));
    },
  },
  { name: "cut off", apply: (bytes, random) => bytes.subarray(0, at(random, bytes.length)) },
  {
    name: "block doubled",
    apply(bytes, random) {
      const from = at(random, bytes.length);
      const piece = bytes.subarray(from, from + 1 + at(random, 3000));
      return splice(bytes, from, from, piece);
    },
  },
  {
    name: "blocks swapped",
    apply(bytes, random) {
      const length = 1 + at(random, Math.min(512, Math.max(1, bytes.length >> 2)));
      const one = at(random, Math.max(1, bytes.length - length));
      const two = at(random, Math.max(1, bytes.length - length));
      const copy = Buffer.from(bytes);
      bytes.copy(copy, one, two, two + length);
      bytes.copy(copy, two, one, one + length);
      return copy;
    },
  },
  {
    name: "block zeroed",
    apply: (bytes, random) => {
      const copy = Buffer.from(bytes);
      const from = place(copy, random);
      return copy.fill(0, from, Math.min(copy.length, from + 1 + at(random, 4096)));
    },
  },
  { name: "bytes appended", apply: (bytes, random) => Buffer.concat([bytes, random.bytes(1 + at(random, 600))]) },
  {
    name: "number replaced",
    apply(bytes, random) {
      const from = at(random, bytes.length);
      const found = /-?\d+(?:\.\d+)?/u.exec(bytes.subarray(from, from + 4000).toString("latin1"));
      if (found === null) return changed(bytes, random, 1, (byte) => byte + 1);
      return splice(bytes, from + found.index, from + found.index + found[0].length, Buffer.from(pick(random, NUMBERS)));
    },
  },
  {
    name: "word of 32 bits replaced",
    apply(bytes, random) {
      if (bytes.length < 4) return Buffer.from(bytes);
      const copy = Buffer.from(bytes);
      const where = Math.min(place(copy, random), copy.length - 4);
      if (random.next() < 0.5) copy.writeUInt32LE(pick(random, WORDS_32), where);
      else copy.writeUInt32BE(pick(random, WORDS_32), where);
      return copy;
    },
  },
];

/** Nothing where a mutation before has broken the frame. */
function unpacked(bytes: Buffer): Buffer | null {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: WHOLE_MEGABYTES });
  } catch {
    return null;
  }
}

/** A change behind the compression: the frame's own checksum is right again. */
function within(name: string, apply: Mutation["apply"]): Mutation {
  return {
    name: `${name} (packed anew)`,
    apply(bytes, random) {
      const raw = unpacked(bytes);
      return raw === null ? apply(bytes, random) : zstdCompressSync(apply(raw, random));
    },
  };
}

const LINE_MUTATIONS: readonly Mutation[] = [{ name: "JSON line changed", apply: jsonLine, weight: 4 }];
const ZSTD_MUTATIONS: readonly Mutation[] = [...LINE_MUTATIONS, ...BYTE_MUTATIONS].map(({ name, apply, weight }) => ({
  ...within(name, apply),
  weight: 2 * (weight ?? 1),
}));

const BY_KIND: Readonly<Record<FileKind, readonly Mutation[]>> = {
  json: JSON_MUTATIONS,
  ndjson: LINE_MUTATIONS,
  "ndjson.zst": ZSTD_MUTATIONS,
  csv: CSV_MUTATIONS,
  sqlite: SQLITE_MUTATIONS,
  zip: [],
  text: [],
};

const WEIGHED = new Map<FileKind, readonly Mutation[]>();

/** Mutations that fit what the file is, as often as their weights say. */
export function chooseMutation(kind: FileKind, random: RandomSource): Mutation {
  let weighed = WEIGHED.get(kind);
  if (weighed === undefined) {
    weighed = [...BYTE_MUTATIONS, ...BY_KIND[kind]].flatMap((mutation) => Array.from({ length: mutation.weight ?? 1 }, () => mutation));
    WEIGHED.set(kind, weighed);
  }
  return pick(random, weighed);
}
