/** Mutations of what JSON says: what comes out is whole JSON again, and something else. */
import type { RandomSource } from "../../agent/kit/random.ts";
import { at, pick } from "./pick.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const ODD: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  9_007_199_254_740_992,
  "",
  "x",
  "0",
  "\ud800",
  "a\u0000b",
  "../../etc/passwd",
  "x".repeat(20_000),
  [],
  {},
  [[]],
  [null],
  { id: 1 },
  { "": "" },
];

interface Spot {
  readonly holder: Json[] | { [key: string]: Json };
  readonly key: string | number;
}

/** One place in the tree, found by going down at random: shallow ones are as likely as deep ones. */
function spot(root: Json, random: RandomSource): Spot | null {
  let found: Spot | null = null;
  let node = root;
  for (let depth = 0; depth < 40 && typeof node === "object" && node !== null; depth += 1) {
    const keys: readonly (string | number)[] = Array.isArray(node) ? [...node.keys()] : Object.keys(node);
    if (keys.length === 0) break;
    found = { holder: node, key: pick(random, keys) };
    node = read(found);
    if (random.next() < 0.12) break;
  }
  return found;
}

function read({ holder, key }: Spot): Json {
  return (Array.isArray(holder) ? holder[Number(key)] : holder[String(key)]) ?? null;
}

function write({ holder, key }: Spot, value: Json): void {
  if (Array.isArray(holder)) holder[Number(key)] = value;
  else Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

function drop({ holder, key }: Spot): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[String(key)];
}

function nested(depth: number, random: RandomSource): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level += 1) value = random.next() < 0.5 ? [value] : { a: value };
  return value;
}

function otherType(value: Json): Json {
  if (typeof value === "string") return value.length % 2 === 0 ? [value] : { value };
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return Object.fromEntries(value.map((item, index) => [String(index), item]));
  if (typeof value === "object" && value !== null) return Object.values(value);
  return value === null ? "null" : 1;
}

type Change = (root: Json, where: Spot, random: RandomSource) => void;

const CHANGES: readonly { readonly name: string; readonly change: Change }[] = [
  { name: "value replaced", change: (_root, where, random) => write(where, structuredClone(pick(random, ODD))) },
  { name: "type swapped", change: (_root, where) => write(where, otherType(read(where))) },
  { name: "member deleted", change: (_root, where) => drop(where) },
  { name: "nested deep", change: (_root, where, random) => write(where, nested(pick(random, [30, 190, 210, 3000]), random)) },
  {
    name: "item doubled",
    change(_root, { holder, key }, random) {
      const copy = structuredClone(read({ holder, key }));
      if (Array.isArray(holder)) holder.splice(Number(key), 0, copy);
      else holder[`${key}${at(random, 9)}`] = copy;
    },
  },
  {
    name: "values swapped",
    change(root, where, random) {
      const other = spot(root, random) ?? where;
      const [one, two] = [structuredClone(read(where)), structuredClone(read(other))];
      write(where, two);
      write(other, one);
    },
  },
  {
    name: "member renamed",
    change(root, where, random) {
      const other = spot(root, random) ?? where;
      const value = read(where);
      drop(where);
      if (!Array.isArray(where.holder)) write({ holder: where.holder, key: random.next() < 0.2 ? "__proto__" : String(other.key) }, value);
    },
  },
  {
    name: "number changed",
    change(root, where, random) {
      for (let tries = 0; tries < 50; tries += 1) {
        const spotted = tries === 0 ? where : (spot(root, random) ?? where);
        const value = read(spotted);
        if (typeof value !== "number") continue;
        write(spotted, pick(random, [value + 1, -value, value * 1e15, value + 0.5, 0]));
        return;
      }
    },
  },
];

function mutated(text: string, random: RandomSource, change: Change): string {
  let root: { root: Json };
  try {
    root = { root: JSON.parse(text) as Json };
  } catch {
    return `${text}]`;
  }
  for (let left = random.next() < 0.7 ? 1 : 1 + at(random, 8); left > 0; left -= 1) {
    const where = spot(root.root, random) ?? { holder: root, key: "root" };
    change(root.root, where, random);
  }
  // Where the whole text was the one thing deleted, nothing is left.
  return JSON.stringify(root.root) ?? "";
}

export const JSON_MUTATIONS = CHANGES.map(({ name, change }) => ({
  name: `JSON ${name}`,
  weight: 2,
  apply: (bytes: Buffer, random: RandomSource): Buffer => Buffer.from(mutated(bytes.toString("utf8"), random, change)),
}));

/** One line of newline-delimited JSON, changed; or lines dropped, doubled, exchanged. */
export function jsonLine(bytes: Buffer, random: RandomSource): Buffer {
  const lines = bytes.toString("utf8").split("\n");
  const index = at(random, lines.length - 1);
  const line = lines[index] ?? "";
  const what = at(random, 6);
  if (what === 0) lines.splice(index, 1);
  else if (what === 1) lines.splice(index, 0, line);
  else if (what === 2) lines[index] = `${line} ${line}`;
  else lines[index] = mutated(line, random, pick(random, CHANGES).change);
  return Buffer.from(lines.join("\n"));
}
