/** Zips made to fill a disk, to lead out of it, or to lie; for every format that reads zips. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test, vi } from "vitest";
import { exportParts, type ZipPart, zipOf } from "../../fixtures/baserow/zip.ts";
import { longCsv } from "../../fixtures/csv/write.ts";
import { KEY, membersOf } from "../../fixtures/n8n/entities.ts";
import { tarOf } from "../../fixtures/n8n/package.ts";
import { drillArtifact, readArtifact } from "../../fuzz/reading.ts";
import { seedsOf } from "../../fuzz/seeds.ts";
import { ROOT } from "../../meta/sources.ts";
import { ask, said } from "./asking.ts";

// What hangs is ended by `ask`; a machine with much else to do is only slow.
vi.setConfig({ testTimeout: 240_000 });
const home = mkdtempSync(join(tmpdir(), "rw-hostile-zips-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Parts of a whole archive that each format reads. */
async function wholeParts(format: string): Promise<ZipPart[]> {
  if (format === "baserow") return exportParts();
  if (format === "csv") return [{ name: "people.csv", bytes: Buffer.from(longCsv(20)) }];
  if (format === "n8n") return membersOf(readFileSync(join(ROOT, "test/fixtures/n8n/entities.zip"))).map((one) => ({ ...one }));
  // The first of each is the whole of it in a directory.
  const [whole] = await seedsOf(format);
  return [...(whole?.files ?? [])].map(([name, bytes]) => ({ name, bytes }));
}

const ZIPPED = ["bag", "baserow", "csv", "directus", "n8n"] as const;
const MEGABYTE = 1024 * 1024;
/** Where hostile bytes hide in what each format reads. */
const NAMES = {
  bag: "data/files/extra",
  baserow: `${"a".repeat(32)}_${"b".repeat(64)}.bin`,
  csv: "extra.csv",
  directus: "files/extra",
  n8n: "data_table_user_extra.jsonl",
} as const;
/** Without it an export of n8n is not opened at all. */
const keyOf = (format: string): string | null => (format === "n8n" ? KEY : null);

let written = 0;
function file(bytes: Uint8Array): string {
  written += 1;
  const path = join(home, `artifact-${written}.zip`);
  writeFileSync(path, bytes);
  return path;
}

/** Not verified, no defect of ours, nothing left behind, and within the process's memory. */
async function expectRefused(format: string, path: string, ends: readonly string[]): Promise<string> {
  const work = mkdtempSync(join(home, "work-"));
  const before = process.memoryUsage().rss;
  const { outcome, told } = await readArtifact(format, path, work, keyOf(format));
  expect(ends, `${format}: ${told}`).toContain(outcome);
  expect(readdirSync(work)).toEqual([]);
  const { verdict, defects } = await drillArtifact(format, path, home, keyOf(format));
  expect([verdict === "verified", defects], told).toEqual([false, []]);
  expect(process.memoryUsage().rss - before).toBeLessThan(400 * MEGABYTE);
  return told;
}

describe.each(ZIPPED)("%s", (format) => {
  test("1000 : 1 is our limit, by the command too", async () => {
    const bomb = { name: NAMES[format], bytes: Buffer.alloc(200 * MEGABYTE, format === "csv" ? 0x61 : 0) };
    const path = file(zipOf([...(await wholeParts(format)), bomb]));
    const told = await expectRefused(format, path, ["limit"]);
    expect(told).toMatch(/times its size|larger than|more than/);
    const one = await ask({ path, cwd: home });
    expect(one.code, said(one)).toBe(3);
  });

  test("entries that overlap are counted each: our limit or damage", async () => {
    const bytes = Buffer.alloc(8 * MEGABYTE, 0x61);
    const again = Array.from({ length: 400 }, (_, n) => ({ name: `${NAMES[format]}${n}.csv`, bytes, sameDataAs: "data" }));
    // Each entry names the one block of data again; packing it 400 times is what nobody has to.
    const parts = [...(await wholeParts(format)), { name: "data", bytes }, ...again.map((part) => ({ ...part, bytes }))];
    await expectRefused(format, file(zipOf(parts)), ["limit", "damaged"]);
  }, 90_000);

  test("archives in archives, five deep, stay closed", async () => {
    let inner = zipOf([{ name: "bomb.csv", bytes: Buffer.alloc(50 * MEGABYTE, 0x61) }]);
    for (let depth = 0; depth < 5; depth += 1) inner = zipOf([{ name: `level-${depth}.zip`, bytes: inner }]);
    await expectRefused(format, file(inner), ["damaged"]);
    const one = await ask({ path: file(inner), cwd: home });
    expect([one.code, one.result?.artifact.format ?? null], said(one)).toEqual([3, null]);
    // Beside what belongs there it is one file more, never opened.
    const path = file(zipOf([...(await wholeParts(format)), { name: "more.zip", bytes: inner }]));
    const work = mkdtempSync(join(home, "work-"));
    const { outcome } = await readArtifact(format, path, work, keyOf(format));
    expect(["opened", "damaged"]).toContain(outcome);
  });

  test.each([
    "../../../../tmp/rw-escaped",
    "/tmp/rw-escaped",
    "..\\..\\rw-escaped",
    "C:\\rw-escaped",
    "a/../../rw-escaped",
    "data/\0/rw-escaped",
    "./rw-escaped",
    "a//rw-escaped",
    `${"d/".repeat(400)}rw-escaped`,
    "x".repeat(60_000),
  ])("a name that leads elsewhere (%.40j) writes nothing there", async (name) => {
    const path = file(zipOf([...(await wholeParts(format)), { name, bytes: Buffer.from("escaped") }]));
    const work = mkdtempSync(join(home, "work-"));
    const { outcome, told } = await readArtifact(format, path, work, keyOf(format));
    expect(["damaged", "limit", "opened"], told).toContain(outcome);
    expect(told.length).toBeLessThan(600);
    for (const place of ["/tmp/rw-escaped", join(home, "rw-escaped"), join(tmpdir(), "rw-escaped")]) expect(existsSync(place)).toBe(false);
    expect(readdirSync(work)).toEqual([]);
  });

  test.each<readonly [string, (parts: ZipPart[]) => Buffer]>([
    ["sizes that are too small", (parts) => zipOf(parts.map((part) => ({ ...part, claims: { size: 1 } })))],
    ["sizes that are too large", (parts) => zipOf(parts.map((part) => ({ ...part, claims: { size: 4_000_000_000 } })))],
    ["wrong checksums", (parts) => zipOf(parts.map((part) => ({ ...part, claims: { crc: 1 } })))],
    ["a method nobody knows", (parts) => zipOf(parts.map((part) => ({ ...part, claims: { method: 99 } })))],
    ["a password", (parts) => zipOf(parts.map((part) => ({ ...part, claims: { flags: 1 } })))],
    ["every name twice", (parts) => zipOf([...parts, ...parts])],
    [
      "65,000 entries named and none there",
      (parts) => {
        const bytes = zipOf(parts);
        bytes.writeUInt16LE(65_000, bytes.length - 12);
        bytes.writeUInt16LE(65_000, bytes.length - 14);
        return bytes;
      },
    ],
    [
      "a directory that lies beyond the end",
      (parts) => {
        const bytes = zipOf(parts);
        bytes.writeUInt32LE(0x7f_ff_ff_ff, bytes.length - 6);
        return bytes;
      },
    ],
    [
      "a directory of 4 GB",
      (parts) => {
        const bytes = zipOf(parts);
        bytes.writeUInt32LE(0xff_ff_ff_fe, bytes.length - 10);
        return bytes;
      },
    ],
    ["no end", (parts) => zipOf(parts).subarray(0, -22)],
    ["another zip behind it", (parts) => Buffer.concat([zipOf(parts), zipOf([{ name: "x", bytes: Buffer.from("x") }])])],
  ])("that lies about itself (%s): not verified, or read as the whole one is", async (_what, make) => {
    const work = mkdtempSync(join(home, "work-"));
    const parts = await wholeParts(format);
    const whole = await readArtifact(format, file(zipOf(parts)), work, keyOf(format));
    expect(whole.outcome, whole.told).toBe("opened");
    const path = file(make(parts));
    const { outcome, told, digest, complete } = await readArtifact(format, path, work, keyOf(format));
    expect(["damaged", "unsupported", "auth", "limit", "opened"], told).toContain(outcome);
    expect(readdirSync(work)).toEqual([]);
    const { verdict, defects } = await drillArtifact(format, path, home, keyOf(format));
    expect(defects).toEqual([]);
    if (verdict === "verified") expect([digest, complete]).toEqual([whole.digest, true]);
  });

  test("30,000 entries are more than may be", async () => {
    const many = Array.from({ length: 30_000 }, (_, n) => ({ name: `${NAMES[format]}-${n}`, bytes: Buffer.alloc(0), stored: true }));
    const told = await expectRefused(format, file(zipOf([...(await wholeParts(format)), ...many])), ["limit"]);
    expect(told).toMatch(/more than/);
  });
});

describe("packages of n8n, which are packed tars", () => {
  const manifest = { name: "manifest.json", bytes: Buffer.from('{"packageFormatVersion":"1","workflows":[]}') };
  const pack = (...entries: Parameters<typeof tarOf>[0][number][]): string => file(gzipSync(tarOf([manifest, ...entries])));

  test("1000 : 1 is our limit, and so are 30,000 entries", async () => {
    expect(await expectRefused("n8n", pack({ name: "bomb", bytes: Buffer.alloc(200 * MEGABYTE) }), ["limit"])).toMatch(/unpacks to more/);
    const many = Array.from({ length: 30_000 }, (_, n) => ({ name: `file-${n}`, bytes: Buffer.alloc(0) }));
    // Empty headers pack so well that this may be told as the first.
    await expectRefused("n8n", pack(...many), ["limit"]);
  });

  test.each(["../../rw-escaped", "/tmp/rw-escaped", "a/../../rw-escaped"])("a name that leads elsewhere (%s) is damage", async (name) => {
    await expectRefused("n8n", pack({ name, bytes: Buffer.from("escaped") }), ["damaged"]);
    for (const place of ["/tmp/rw-escaped", join(home, "rw-escaped"), join(tmpdir(), "rw-escaped")]) expect(existsSync(place)).toBe(false);
  });

  test.each<readonly [string, Parameters<typeof tarOf>[0][number]]>([
    ["a link in place of the workflow", { name: "workflows/a/workflow.json", bytes: Buffer.alloc(0), kind: "2", link: "/etc/passwd" }],
    ["a device", { name: "workflows/a/workflow.json", bytes: Buffer.alloc(0), kind: "3" }],
    ["a size of eight gigabytes", { name: "a", bytes: Buffer.from("x"), size: 8 * 1024 ** 3 - 1 }],
    ["a size below nothing", { name: "a", bytes: Buffer.from("x"), size: -1 }],
    ["a checksum that differs", { name: "a", bytes: Buffer.from("x"), checksum: 1 }],
    ["a name twice", manifest],
  ])("with %s is not verified", async (_, entry) => {
    const manifest2 = { name: "manifest.json", bytes: Buffer.from('{"packageFormatVersion":"1","workflows":[{"target":"workflows/a"}]}') };
    await expectRefused("n8n", file(gzipSync(tarOf([manifest2, entry]))), ["damaged", "opened", "limit"]);
  });
});
