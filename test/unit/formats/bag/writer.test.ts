/** What the writer writes, the reader reads: the same records and the same metadata, and a killed capture goes on where it was. */
import { execFile } from "node:child_process";
import { access, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { ContentRecord } from "../../../../agent/core/content.ts";
import type { CaptureWriter } from "../../../../agent/core/platform-ports.ts";
import { openBagWriter } from "../../../../agent/formats/bag/writer.ts";
import { collection, field, memoryContent, record } from "../../../doubles/content.ts";
import { places, rowsOf, withBag } from "./read.ts";

const place = places();
async function workDir(): Promise<string> {
  const directory = place("work");
  await mkdir(directory);
  return directory;
}
const T = Date.UTC(2026, 0, 1);
const BEGIN = { now: T, notBefore: T - 1000, fingerprint: "crm/1" };
const people = collection(
  "people",
  [
    field("name", "text", { required: true }),
    field("amount", "decimal"),
    field("tags", "choices", { options: ["a", "b"] }),
    field("boss", "link", { link: { collection: "people", many: false, reciprocal: null } }),
    field("photo", "files"),
    field("sum", "decimal", { computed: true }),
  ],
  { nextKey: "4", declaredRecords: 3 },
);
const odd = collection("a/b ü", [field("_x-1 y", "text")]);
const rows: ContentRecord[] = [
  record("1", ["Ada \u{1F600} \u2028 \"'", "12345678901234567.89", ["a", "b"], null, ["f1"], "1"], { createdAt: T, updatedAt: T + 5 }),
  record("2", ["line\nbreak", null, null, "1", null, "2"]),
  record("3", ["x".repeat(3_000_000), "-0.1", ["b"], "1", null, null]),
];
const described = memoryContent({
  collections: [people, odd],
  automations: [
    {
      id: "w1",
      name: "notify",
      active: true,
      trigger: "insert",
      references: [{ kind: "collection", target: "people", resolved: true }],
      bodyDigest: "d1",
    },
  ],
  credentials: [{ id: "c1", type: "smtp", state: "not-included" }],
  files: [{ id: "f1", name: "a.png", bytes: null, declaredType: "image/png", declaredDigest: null, presence: "inside" }],
  access: [{ kind: "role", id: "editor", digest: "r1", broken: null }],
  settings: [{ id: "s", digest: "x" }],
  views: [{ id: "v1", name: "all", type: "grid", collection: "people", broken: null }],
  without: { audit: "the product keeps none" },
});

async function* bytes(...parts: readonly number[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield new Uint8Array([part]);
}

const INFO = {
  finishedAt: T + 60_000,
  platform: "nocodb",
  platformVersion: "1",
  scope: "p1",
  clockSkewMs: 0,
  changed: [],
  mode: "full",
  fidelity: ["views come back without their filters"],
  sealed: {},
} as const;

async function capture(writer: CaptureWriter): Promise<string> {
  for (const [each, list] of [
    [people, rows],
    [odd, [record("1", ["one"])]],
  ] as const) {
    const { cursor, done } = writer.progress(each.id);
    if (done) continue;
    for (const one of list.filter((candidate) => cursor === null || Number(candidate.key) > Number(cursor)))
      await writer.page(each, [one], one.key);
    await writer.endCollection(each);
  }
  if (!writer.hasFile("f1")) await writer.file("f1", bytes(1, 2, 3));
  return (await writer.finish(described, { schema: { tables: ["people"] } }, INFO)).path;
}

describe("written and read", () => {
  test("records, links, metadata and files are the same", async () => {
    const bag = await capture(await openBagWriter(place(), BEGIN));
    await withBag(bag, await workDir(), async (content) => {
      expect(content.integrity).toMatchObject({ complete: true, problems: [], plainSecrets: [] });
      expect(content.createdAt).toBe(T);
      expect(await rowsOf(content, "people")).toEqual(rows);
      expect((await rowsOf(content, "a/b ü")).map((one) => one.values)).toEqual([["one"]]);
      expect(content.collections.map((one) => [one.id, one.nextKey, one.declaredRecords])).toEqual([
        ["people", "4", 3],
        ["a/b ü", null, 1],
      ]);
      expect(content.collections[0]?.fields.map(({ id, type, computed, link }) => ({ id, type, computed, link }))).toEqual(
        people.fields.map(({ id, type, computed, link }) => ({ id, type, computed, link })),
      );
      expect(content.automations).toEqual(described.automations);
      expect(content.views).toEqual(described.views);
      expect(content.access).toEqual(described.access);
      expect(content.aspects.audit).toEqual({ included: false, reason: "the product keeps none" });
      expect(content.bulk("people"), "its lines are strict, so the sandbox reads them itself").not.toBeNull();
      const read: number[] = [];
      for await (const part of content.fileBytes("f1", new AbortController().signal)) read.push(...part);
      expect(read).toEqual([1, 2, 3]);
    });
  });

  test("sha256sum agrees without us", async () => {
    const staging = place();
    await capture(await openBagWriter(staging, BEGIN));
    const bag = join(staging, "bag");
    const { stdout } = await promisify(execFile)("sha256sum", ["-c", "manifest-sha256.txt", "tagmanifest-sha256.txt"], { cwd: bag });
    expect(stdout).not.toContain("FAILED");
    expect(stdout).toContain("data/datapackage.json: OK");
  });
});

describe("killed", () => {
  test("goes on behind the last part that is safe, with the time it began at first", async () => {
    const staging = place();
    const first = await openBagWriter(staging, BEGIN);
    await first.page(people, rows.slice(0, 1), "1");
    await first.page(people, rows.slice(2), "3");
    await first.endCollection(people);
    await first.page(odd, [record("1", ["never safe"])], "1");
    await first.file("f1", bytes(1, 2, 3));
    const second = await openBagWriter(staging, { ...BEGIN, now: T + 500 });
    expect(second.resumed).toBe(true);
    expect(second.startedAt).toBe(T);
    expect(second.progress("people")).toMatchObject({ records: 2, cursor: "3", done: true });
    expect(second.progress("a/b ü")).toMatchObject({ records: 0, cursor: null, done: false });
    expect(second.hasFile("f1")).toBe(true);
    const bag = await capture(second);
    await withBag(bag, await workDir(), async (content) => {
      expect((await rowsOf(content, "people")).map((one) => one.key)).toEqual(["1", "3"]);
      expect((await rowsOf(content, "a/b ü")).map((one) => one.values)).toEqual([["one"]]);
    });
  });

  test.each([
    ["it began too long ago", { ...BEGIN, now: T + 1e7, notBefore: T + 1 }],
    ["it captured something else", { ...BEGIN, fingerprint: "crm/2" }],
  ])("begins anew where %s", async (_, begin) => {
    const staging = place();
    const first = await openBagWriter(staging, BEGIN);
    await first.page(people, rows, "3");
    await first.endCollection(people);
    const second = await openBagWriter(staging, begin);
    expect(second.resumed).toBe(false);
    expect(second.progress("people").records).toBe(0);
  });

  test.each([
    ["half of its notes", async (staging: string) => truncate(join(staging, "progress.json"), 20)],
    ["a part that is gone", async (staging: string) => rm(join(staging, "bag", "data", "tables"), { recursive: true })],
  ])("begins anew with %s", async (_, damage) => {
    const staging = place();
    const first = await openBagWriter(staging, BEGIN);
    await first.page(people, rows, "3");
    await first.endCollection(people);
    await damage(staging);
    expect((await openBagWriter(staging, BEGIN)).resumed).toBe(false);
  });

  test("what is not finished is no bag, and half-written files are not in the finished one", async () => {
    const staging = place();
    const writer = await openBagWriter(staging, BEGIN);
    await writer.page(people, rows, "3");
    await writer.endCollection(people);
    await expect(access(join(staging, "bag", "bagit.txt"))).rejects.toThrow();
    await writeFile(join(staging, "bag", "data", "tables", "people", "part-00009.ndjson.zst.growing"), "half");
    await capture(writer);
    const bag = join(staging, "bag");
    expect(await readdir(join(bag, "data", "tables", "people"))).toEqual(["part-00000.ndjson.zst"]);
    expect(await readFile(join(bag, "manifest-sha256.txt"), "utf8")).not.toContain("growing");
  });
});

test("large collections are cut into parts", async () => {
  const writer = await openBagWriter(place(), BEGIN);
  for (let index = 0; index < 12; index += 1)
    await writer.page(people, [record(String(index), ["y".repeat(1_000_000), null, null, null, null, null])], String(index));
  await writer.endCollection(people);
  expect(writer.progress("people").parts.length).toBeGreaterThan(2);
  const { path: bag } = await writer.finish({ ...described, collections: [people], files: [] }, {}, INFO);
  await withBag(bag, await workDir(), async (content) =>
    expect((await rowsOf(content, "people")).map((one) => one.key)).toEqual(Array.from({ length: 12 }, (_, index) => String(index))),
  );
});

test("a sealed secret whose credential the product does not list makes no bag", async () => {
  const directory = await workDir();
  const writer = await openBagWriter(join(directory, "staging"), BEGIN);
  for (const each of [people, odd]) await writer.endCollection(each);
  const finished = writer.finish(described, {}, { ...INFO, sealed: { c1: "age", ghost: "age" } });
  await expect(finished).rejects.toMatchObject({ kind: "transient", code: "secret-without-credential" });
  await expect(access(join(directory, "staging", "bag.zip"))).rejects.toMatchObject({ code: "ENOENT" });
});

test.each([
  ["a picture, in small pieces", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52], "image/png"],
  ["an error page saved as one", [...Buffer.from("\n<!DOCTYPE html><html><body>502</body></html>")], "text/html"],
  ["text", [...Buffer.from("just words")], undefined],
  ["nothing", [], undefined],
])("the kind of a file is taken from its bytes: %s", async (_, content, sniffed) => {
  const staging = join(await workDir(), "staging");
  const writer = await openBagWriter(staging, BEGIN);
  for (const each of [people, odd]) await writer.endCollection(each);
  await writer.file("f1", bytes(...content));
  await writer.finish(described, {}, INFO);
  const [file] = JSON.parse(await readFile(join(staging, "bag", "data", "files.json"), "utf8")) as { type: string; sniffedType?: string }[];
  expect(file).toMatchObject({ type: "image/png" });
  expect(file?.sniffedType).toBe(sniffed);
});
