/**
 * Mutations of whole bags: whatever comes, it opens, is told to be damaged, or meets a limit. The same seed gives the same mutations;
 * FUZZ_SECONDS only says how many of them there is time for.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, it } from "vitest";
import { AgentError } from "../../../../agent/core/errors.ts";
import type { Content } from "../../../../agent/core/ports.ts";
import { bag } from "../../../../agent/formats/bag/index.ts";
import { type RandomSource, seededRandom } from "../../../../agent/kit/random.ts";
import { contextIn, probeOf, ROOMY } from "../../../contracts/format.ts";
import { writeLibrary } from "../../../fixtures/bag/library.ts";
import { seal } from "../../../fixtures/bag/write.ts";
import { zipDirectory } from "../../../fixtures/bag/zip.ts";
import { places, rowsOf } from "./read.ts";

const place = places();
const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? "2");
const LEAST = 30;
const KINDS = new Set(["damaged", "limit", "unsupported", "not_found"]);
const PIECES = ["null", "[]", '"', "{", "}", "\0", "\n", "../", "\ud800", "1e999", "[[[[", '"path":"../../x"', "%", "\u00ff"];

function at(random: RandomSource, length: number): number {
  return Math.floor(random.next() * length);
}

function mutate(bytes: Buffer, random: RandomSource): Buffer {
  const from = at(random, bytes.length + 1);
  const length = 1 + at(random, 40);
  const kind = at(random, 5);
  if (kind === 0) return bytes.subarray(0, from);
  if (kind === 1) return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
  if (kind === 2)
    return Buffer.concat([bytes.subarray(0, from), Buffer.from(PIECES[at(random, PIECES.length)] ?? ""), bytes.subarray(from)]);
  if (kind === 3) return Buffer.concat([bytes, bytes.subarray(from, from + length)]);
  const flipped = Buffer.from(bytes);
  for (let n = 0; n < length && flipped.length > 0; n += 8) {
    const place = at(random, flipped.length);
    flipped[place] = (flipped[place] ?? 0) ^ (1 << at(random, 8));
  }
  return flipped;
}

/** @returns the error it ended with, or null */
async function readAll(path: string, work: string): Promise<unknown> {
  let content: Content | null = null;
  try {
    const probe = await probeOf(path);
    expect((await bag.create().recognise(probe)).confidence).toBeLessThanOrEqual(1);
    content = await bag.create().open(probe, contextIn(work, { limits: { ...ROOMY, maxBytes: 5e7 } }));
    for (const collection of content.collections) await rowsOf(content, collection.id);
    return null;
  } catch (thrown) {
    return thrown;
  } finally {
    await content?.close();
  }
}

it("no mutation of a bag makes the reader fall over", async () => {
  const random = seededRandom(41);
  const original = await writeLibrary(place());
  const names = (await readdir(original, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(original.length + 1))
    .sort();
  const work = place("work");
  await mkdir(work);
  const until = performance.now() + SECONDS * 1000;
  let tried = 0;
  let opened = 0;
  while (tried < LEAST || performance.now() < until) {
    tried += 1;
    const target = place();
    await writeLibrary(target);
    const name = names[at(random, names.length)] ?? "bagit.txt";
    await writeFile(join(target, name), mutate(await readFile(join(target, name)), random));
    // Sealed anew, what is wrong lies behind right checksums.
    if (tried % 3 > 0) await seal(target);
    let path = target;
    if (tried % 5 === 0) {
      path = await zipDirectory(target, place("zip"));
      if (tried % 2 === 0) await writeFile(path, mutate(await readFile(path), random));
    }
    const thrown = await readAll(path, work);
    if (thrown === null) opened += 1;
    else {
      const told = thrown instanceof AgentError ? thrown.kind : inspect(thrown);
      expect(KINDS, `mutation ${tried} of ${name}: ${told}`).toContain(told);
    }
    await rm(target, { recursive: true });
  }
  expect(opened).toBeGreaterThan(0);
  expect(await readdir(work)).toEqual([]);
});
