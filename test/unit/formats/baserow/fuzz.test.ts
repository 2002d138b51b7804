/**
 * Mutations of real and made exports: whatever comes, it opens, is told to be damaged, or meets a limit, soon. The same seeds give the
 * same mutations everywhere; FUZZ_SECONDS only says how many of them there is time for.
 */
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { AgentError } from "../../../../agent/core/errors.ts";
import { type RandomSource, seededRandom } from "../../../../agent/kit/random.ts";
import { contextIn, probeOf } from "../../../contracts/format.ts";
import { template } from "../../../fixtures/baserow/build.ts";
import { exportParts, zipOf } from "../../../fixtures/baserow/zip.ts";
import { format, readAll, REAL, within } from "./opening.ts";

const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? "3");
const LEAST = 60;
/** Far more than the largest of them takes; a mutation that reads for longer has made the reader hang. */
const MOST_MS = 5000;

/** A true signature differs each time it is made, and with it every mutation of the zip. */
const parts = exportParts({ signature: () => ({ signature: "c2lnbmVk", public_key_pem: "a2V5", timestamp: "2025-10-09T08:07:06" }) });
const small = readdirSync(REAL).filter((file) => readFileSync(join(REAL, file)).length < 700_000);
const SEEDS: readonly Buffer[] = [
  ...small.map((file) => readFileSync(join(REAL, file))),
  Buffer.from(JSON.stringify(template())),
  zipOf(parts),
  zipOf(parts.map((part) => ({ ...part, stored: true }))),
];

function at(random: RandomSource, length: number): number {
  return Math.floor(random.next() * length);
}

type Mutation = (bytes: Buffer, random: RandomSource) => Buffer;

const VALUES = [
  "null",
  "[]",
  "{}",
  "-1",
  '""',
  "1e999",
  "12345678901234567890",
  '"x"',
  "[[[[]]]]",
  '{"__proto__":{"a":1}}',
  '"\\ud800"',
  "true",
];

/** Puts another JSON value where one stands. */
function otherValue(bytes: Buffer, random: RandomSource): Buffer {
  const colon = bytes.indexOf(":", at(random, bytes.length));
  if (colon < 0) return bytes;
  const end = [",", "}", "]"].map((char) => bytes.indexOf(char, colon)).filter((found) => found >= 0);
  const value = VALUES[at(random, VALUES.length)] ?? "null";
  return Buffer.concat([bytes.subarray(0, colon + 1), Buffer.from(value), bytes.subarray(Math.min(bytes.length, ...end))]);
}

/** Changes what keys and types are called, so that the JSON stays whole and its structure does not. */
function otherWord(bytes: Buffer, random: RandomSource): Buffer {
  const words = [
    "id",
    "type",
    "rows",
    "fields",
    "tables",
    "views",
    "name",
    "database",
    "link_row",
    "export",
    "select_options",
    "items",
    "files",
  ];
  const word = words[at(random, words.length)] ?? "id";
  const from = bytes.indexOf(`"${word}"`, at(random, bytes.length));
  if (from < 0) return bytes;
  const other = words[at(random, words.length)] ?? "x";
  return Buffer.concat([bytes.subarray(0, from), Buffer.from(`"${other}"`), bytes.subarray(from + word.length + 2)]);
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => bytes.subarray(0, at(random, bytes.length)),
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    for (let count = 1 + at(random, 20); count > 0; count -= 1) copy[at(random, copy.length)] = at(random, 256);
    return copy;
  },
  (bytes, random) => {
    const from = at(random, bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + at(random, 2000))]);
  },
  (bytes, random) => {
    const from = at(random, bytes.length);
    const piece = bytes.subarray(from, from + at(random, 3000));
    return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(from)]);
  },
  (bytes, random) => {
    // Near its end a zip keeps its list of entries.
    const copy = Buffer.from(bytes);
    for (let count = 1 + at(random, 4); count > 0; count -= 1)
      copy[copy.length - 1 - at(random, Math.min(900, copy.length))] = at(random, 256);
    return copy;
  },
  otherValue,
  otherWord,
  (bytes, random) => {
    let changed = bytes;
    for (let count = at(random, 30); count >= 0; count -= 1)
      changed = random.next() < 0.5 ? otherValue(changed, random) : otherWord(changed, random);
    return changed;
  },
];

it(
  "nothing but AgentErrors, and nothing that hangs",
  async () => {
    await within(async (directory) => {
      const path = join(directory, "mutated");
      const outcomes = new Map<string, number>();
      const until = performance.now() + SECONDS * 1000;
      let seed = 1;
      for (; seed <= LEAST || performance.now() < until; seed += 1) {
        const random = seededRandom(seed);
        const bytes = SEEDS[at(random, SEEDS.length)] ?? Buffer.alloc(0);
        const mutate = MUTATIONS[at(random, MUTATIONS.length)];
        await writeFile(path, mutate?.(bytes, random) ?? bytes);
        const began = performance.now();
        const outcome = await outcomeOf(path);
        expect(["opened", "damaged", "limit", "auth", "unsupported"], `seed ${seed}`).toContain(outcome);
        expect(performance.now() - began, `seed ${seed}`).toBeLessThan(MOST_MS);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      // A fuzzer that only ever breaks the outermost bracket tests nothing.
      expect(outcomes.get("opened") ?? 0).toBeGreaterThan(seed / 20);
      expect(outcomes.get("damaged") ?? 0).toBeGreaterThan(seed / 20);
    });
  },
  60_000 + SECONDS * 1000,
);

async function outcomeOf(path: string): Promise<string> {
  try {
    const probe = await probeOf(path);
    await format.recognise(probe);
    const content = await format.open(probe, contextIn(tmpdir()));
    try {
      await readAll(content);
    } finally {
      await content.close();
    }
    return "opened";
  } catch (thrown) {
    return thrown instanceof AgentError
      ? thrown.kind
      : `not an AgentError: ${thrown instanceof Error ? (thrown.stack ?? "") : String(thrown)}`;
  }
}
