/** Every real document and every made one, cut off at many places: never verified, and never anything but a verdict. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { saveArtifact } from "../../fuzz/campaign.ts";
import { drillArtifact } from "../../fuzz/reading.ts";
import { type Files, FORMATS, type Seed, seedsOf } from "../../fuzz/seeds.ts";

const home = mkdtempSync(join(tmpdir(), "rw-hostile-cut-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const CUTS = 20;

/** From nothing at all to all but the last byte. */
function lengths(bytes: number): readonly number[] {
  const even = Array.from({ length: CUTS - 4 }, (_, n) => Math.floor(((n + 0.5) * bytes) / (CUTS - 4)));
  return [...new Set([0, 1, 100, ...even, bytes - 1])].filter((length) => length < bytes).sort((a, b) => a - b);
}

/** The file that is cut: the largest, in which the records lie. */
function vital(files: Files): string {
  return [...files].sort(([, one], [, two]) => two.length - one.length)[0]?.[0] ?? "";
}

async function cutEverywhere(format: string, seed: Seed): Promise<{ readonly cuts: number; readonly wrong: readonly string[] }> {
  const files = seed.finish === null ? seed.files : seed.finish(seed.files);
  const name = vital(files);
  const bytes = files.get(name) ?? Buffer.alloc(0);
  const wrong: string[] = [];
  for (const length of lengths(bytes.length)) {
    const path = await saveArtifact(new Map([...files, [name, bytes.subarray(0, length)]]), join(home, "artifact"));
    const { verdict, defects, reasons } = await drillArtifact(format, path, home, seed.key);
    rmSync(path, { recursive: true });
    if (defects.length > 0) wrong.push(`${seed.name} at ${length}: ${defects.join("; ")}`);
    else if (verdict === "verified" && !isWhole(format, bytes, length)) wrong.push(`${seed.name} at ${length} is verified`);
    else if (verdict === "inconclusive") wrong.push(`${seed.name} at ${length} is inconclusive: ${reasons.join("; ")}`);
  }
  return { cuts: lengths(bytes.length).length, wrong };
}

/** Cut where nobody can see it: white space behind the end of JSON; CSV, which says neither how many rows it has nor where it ends, between two cells of the last column. */
function isWhole(format: string, bytes: Buffer, length: number): boolean {
  if (format !== "csv") return bytes.subarray(length).toString("latin1").trim() === "";
  const text = bytes.subarray(0, length).toString();
  // Quoted cells are told apart by their quotes alone: an odd number of them leaves one open.
  if ((text.match(/"/gu)?.length ?? 0) % 2 === 1) return false;
  const rows = text.replaceAll(/"[^"]*"/gu, "q").split(/\r?\n/u);
  if (rows.at(-1) === "") rows.pop();
  return rows.every((row) => row.split(",").length === rows[0]?.split(",").length);
}

describe.each(FORMATS)("%s, cut off", (format) => {
  test("at twenty places each, none is verified", async () => {
    const seeds = await seedsOf(format);
    let cuts = 0;
    const wrong: string[] = [];
    for (const seed of new Map(seeds.map((one) => [one.name, one])).values()) {
      const found = await cutEverywhere(format, seed);
      cuts += found.cuts;
      wrong.push(...found.wrong);
    }
    expect(wrong).toEqual([]);
    expect(cuts).toBeGreaterThanOrEqual(CUTS * 3);
  }, 240_000);
});
