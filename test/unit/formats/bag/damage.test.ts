/** Bags that lost something, or were made to do harm. */
import { appendFile, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bag } from "../../../../agent/formats/bag/index.ts";
import { contextIn, probeOf, ROOMY } from "../../../contracts/format.ts";
import { writeLibrary } from "../../../fixtures/bag/library.ts";
import { seal, writeBag } from "../../../fixtures/bag/write.ts";
import { type ZipMember, zipDirectory, zipOf } from "../../../fixtures/bag/zip.ts";
import { openBag, places, rowsOf, thrownBy, withBag } from "./read.ts";

const place = places();
const BOOKS = "data/tables/books/part-00000.ndjson.zst";

async function workDir(): Promise<string> {
  const work = place("work");
  await mkdir(work);
  return work;
}

async function problemsOf(path: string): Promise<readonly string[]> {
  return withBag(path, await workDir(), (content) => {
    expect(content.integrity.complete).toBe(content.integrity.problems.length === 0);
    return content.integrity.problems;
  });
}

/** A library changed by hand, its manifests as they were. */
async function hurt(change: (path: string) => Promise<unknown>): Promise<string> {
  const path = await writeLibrary(place());
  await change(path);
  return path;
}

/** A library changed by hand and sealed again: checksums are right. */
async function remade(change: (path: string) => Promise<unknown>): Promise<string> {
  const path = await hurt(change);
  await seal(path);
  return path;
}

async function edited(name: string, change: (text: string) => string): Promise<string> {
  return remade(async (path) => writeFile(join(path, name), change(await readFile(join(path, name), "utf8"))));
}

describe("a bag whose files are not as its manifests say", () => {
  it("whole, every file was compared", async () => {
    await withBag(await writeLibrary(place()), await workDir(), (content) => {
      expect(content.integrity).toEqual({ complete: true, problems: [], checksums: { compared: 13, mismatched: [] }, plainSecrets: [] });
    });
  });

  it("missing", async () => {
    const path = await hurt((root) => rm(join(root, BOOKS)));
    const problems = (await problemsOf(path)).join("\n");
    expect(problems).toContain(`"${BOOKS}" is listed in the manifest and is not there.`);
    expect(problems).toContain("Table books is to have the part");
    expect(problems).toContain("bag-info.txt declares");
    await withBag(path, await workDir(), async (content) => expect(await rowsOf(content, "books")).toEqual([]));
  });

  it("too many", async () => {
    const problems = await problemsOf(await hurt((path) => writeFile(join(path, "data/extra.txt"), "x")));
    expect(problems).toContain('"data/extra.txt" is there and is not listed in the manifest.');
  });

  it("changed in the payload, and in a tag file", async () => {
    const path = await hurt(async (root) => {
      await appendFile(join(root, "data/settings.json"), " ");
      await appendFile(join(root, "bag-info.txt"), "Contact-Name: x\n");
    });
    await withBag(path, await workDir(), (content) => {
      expect(content.integrity.checksums?.mismatched).toEqual(["data/settings.json", "bag-info.txt"]);
      expect(content.integrity.complete).toBe(false);
    });
  });

  it("of another size than Payload-Oxum says", async () => {
    const path = await hurt(async (root) => writeFile(join(root, "bag-info.txt"), "Payload-Oxum: 1.1\n"));
    expect((await problemsOf(path)).join("\n")).toMatch(/declares 1 bytes in 1 files, and there are \d+ bytes in \d+ files/u);
  });

  it("named outside the bag: nothing outside is looked at", async () => {
    const path = await hurt((root) =>
      appendFile(
        join(root, "manifest-sha256.txt"),
        `${"0".repeat(64)}  data/../../secret\n${"0".repeat(64)}  /etc/passwd\n${"0".repeat(64)}  bagit.txt\nnonsense\n`,
      ),
    );
    const problems = (await problemsOf(path)).join("\n");
    expect(problems.match(/names a path that does not belong there/gu)).toHaveLength(3);
    expect(problems).toContain("is no line of a manifest");
  });

  it("a symbolic link in place of a part is not followed", async () => {
    const elsewhere = place("elsewhere");
    const path = await hurt(async (root) => {
      await rename(join(root, BOOKS), elsewhere);
      await symlink(elsewhere, join(root, BOOKS));
    });
    const problems = (await problemsOf(path)).join("\n");
    expect(problems).toContain("is a symbolic link and was not followed");
    await withBag(path, await workDir(), async (content) => expect(await rowsOf(content, "books")).toEqual([]));
  });

  it("with files to be fetched it is refused", async () => {
    const path = await hurt((root) => writeFile(join(root, "fetch.txt"), "http://127.0.0.1/x 3 data/x\n"));
    expect(await thrownBy(openBag(path, await workDir()))).toMatchObject({ kind: "damaged", code: "bag-fetch" });
  });

  it("paths with percent signs and line ends are told apart as RFC 8493 writes them", async () => {
    const path = await remade(async (root) => writeFile(join(root, "data/100%25\n.txt"), "x"));
    expect(await problemsOf(path)).toEqual([]);
  });
});

describe("a bag that is right by its checksums and wrong inside", () => {
  it.each([
    ["data/datapackage.json", () => "{", { kind: "damaged", code: "json-truncated" }],
    ["data/datapackage.json", () => "[]", { kind: "damaged", code: "bag-package" }],
    ["data/datapackage.json", () => `{"resources":${"[".repeat(10_000)}${"]".repeat(10_000)}}`, { kind: "limit", code: "too-deep" }],
    [
      "data/datapackage.json",
      (text: string) => text.replace('"layout": "1"', '"layout": "9"'),
      { kind: "unsupported", code: "bag-layout" },
    ],
    ["data/datapackage.json", (text: string) => text.replaceAll('"ndjson"', '"csv"'), { kind: "unsupported", code: "bag-resource" }],
    [
      "data/datapackage.json",
      (text: string) => text.replaceAll('"primaryKey": "_key"', '"primaryKey": "nope"'),
      { kind: "damaged", code: "bag-key" },
    ],
    ["data/views.json", () => "\u0000", { kind: "damaged", code: "json-nul-bytes" }],
  ])("%s that is none (%#)", async (name, change, expected) => {
    expect(await thrownBy(openBag(await edited(name, change), await workDir()))).toMatchObject(expected);
  });

  it.each([
    [
      "data/datapackage.json",
      (text: string) => text.replaceAll("tables/books/", "../../books/"),
      "Table books names a part that lies outside the bag.",
    ],
    [
      "data/datapackage.json",
      (text: string) => text.replaceAll("tables/books/", "http://127.0.0.1/"),
      "names a part that lies outside the bag.",
    ],
    [
      "data/datapackage.json",
      (text: string) => text.replaceAll('"collection": "authors"', '"collection": "gone"'),
      "Field author of table books links to a table that is not in the bag.",
    ],
    [
      "data/datapackage.json",
      (text: string) => text.replaceAll('"reciprocal": "books"', '"reciprocal": "gone"'),
      "names another side of its link that is not in the bag",
    ],
    [
      "data/datapackage.json",
      (text: string) => text.replace('"name": "empty"', '"name": "authors"'),
      "The data package lists table authors twice.",
    ],
    ["data/views.json", () => "{}", "data/views.json is no list."],
    ["data/views.json", (text: string) => text.replace('"v2"', '"v1"'), "data/views.json has 1 entry without an id of its own."],
  ])("%s: what cannot be is told (%#)", async (name, change, sentence) => {
    expect((await problemsOf(await edited(name, change))).join("\n")).toContain(sentence);
  });

  it("a line that is no JSON is damage, with its place and without its text", async () => {
    const path = place();
    await writeBag(path, {
      tables: [{ id: "t", fields: [{ id: "x", type: "text" }], rows: [], lines: ['{"_key":"1"}', '{"_key":"2","x":"a secret'] }],
    });
    await withBag(path, await workDir(), async (content) => {
      const thrown = await thrownBy(rowsOf(content, "t"));
      expect(thrown).toMatchObject({ kind: "damaged", code: "bag-row" });
      expect(String(thrown)).toContain("line 2 is not valid JSON");
      expect(String(thrown)).not.toContain("secret");
    });
  });

  it.each([
    ["cut off", (bytes: Buffer) => bytes.subarray(0, -3)],
    ["followed by something else", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("more")])],
    ["followed by half a frame", (bytes: Buffer) => Buffer.concat([bytes, bytes.subarray(0, 30)])],
  ])("a part whose Zstandard is %s is damage, told at once and again while reading", async (_, change) => {
    const path = await remade(async (root) => writeFile(join(root, BOOKS), change(await readFile(join(root, BOOKS)))));
    await withBag(path, await workDir(), async (content) => {
      expect(content.integrity.complete).toBe(false);
      expect(content.bulk("books")).toBeNull();
      expect(await thrownBy(rowsOf(content, "books"))).toMatchObject({ kind: "damaged", code: "zstd-broken" });
      expect(await rowsOf(content, "authors")).toHaveLength(3);
    });
  });

  it("a part of several frames, also such as are to be skipped, is read to its end", async () => {
    const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const line = (key: number): Buffer => zstdCompressSync(`{"_key":"${key}"}\n`);
    const path = await remade(async (root) => writeFile(join(root, BOOKS), Buffer.concat([line(1), line(2), skipped, line(3)])));
    await withBag(path, await workDir(), async (content) => {
      expect(content.integrity.problems).toEqual([]);
      expect((await rowsOf(content, "books")).map((row) => row.key)).toEqual(["1", "2", "3"]);
    });
  });

  it("credentials in clear are told without the secret", async () => {
    const path = await edited("data/credentials.json", () => '[{"id":"c1","type":"smtp","value":"hunter2"}]');
    await withBag(path, await workDir(), (content) => {
      expect(content.credentials[0]?.state).toBe("plain");
      expect(content.integrity.plainSecrets).toEqual(["Credential c1 lies in data/credentials.json in clear."]);
    });
  });
});

describe("a bag made to do harm", () => {
  const limits = (more: Partial<typeof ROOMY>): Parameters<typeof openBag>[2] => ({ limits: { ...ROOMY, ...more } });

  it("a part that unpacks to far more than its size is our limit, and so is one beyond the size allowed", async () => {
    const bomb = zstdCompressSync(Buffer.alloc(40_000_000, "{}\n"));
    expect(bomb.length).toBeLessThan(20_000);
    const path = await remade(async (root) => writeFile(join(root, BOOKS), bomb));
    expect(await thrownBy(openBag(path, await workDir(), limits({ maxRatio: 200 })))).toMatchObject({ kind: "limit", code: "too-dense" });
    expect(await thrownBy(openBag(path, await workDir(), limits({ maxRatio: 1e6, maxBytes: 1e7 })))).toMatchObject({
      kind: "limit",
      code: "too-large",
    });
  });

  it("a declared content size is never believed", async () => {
    const frame = zstdCompressSync(Buffer.alloc(200, "{}\n"));
    // Single segment with a content size of eight bytes: an exabyte.
    const lie = Buffer.concat([frame.subarray(0, 4), Buffer.from([0xe0, 0, 0, 0, 0, 0, 0, 0, 0x10]), frame.subarray(6)]);
    const path = await remade(async (root) => writeFile(join(root, BOOKS), lie));
    expect((await problemsOf(path)).length).toBeGreaterThan(0);
  });

  it("more files, or folders deeper, than allowed", async () => {
    const path = await writeLibrary(place());
    expect(await thrownBy(openBag(path, await workDir(), limits({ maxEntries: 5 })))).toMatchObject({
      kind: "limit",
      code: "too-many-entries",
    });
    expect(await thrownBy(openBag(path, await workDir(), limits({ maxDepth: 2 })))).toMatchObject({ kind: "limit", code: "too-deep" });
  });

  it("a line nested too deeply to be walked ends in one error", async () => {
    const path = place();
    const line = `{"_key":"1","x":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
    await writeBag(path, { tables: [{ id: "t", fields: [{ id: "x", type: "text" }], rows: [], lines: [line] }] });
    await withBag(path, await workDir(), async (content) => {
      expect(await thrownBy(rowsOf(content, "t"))).toMatchObject({ name: "AgentError" });
    });
  });
});

describe("a bag in a zip archive", () => {
  const open = async (
    members: readonly ZipMember[] | Buffer,
    more: Parameters<typeof contextIn>[1] = {},
  ): Promise<{ outcome: unknown; left: string[] }> => {
    const path = place("archive");
    await writeFile(path, Buffer.isBuffer(members) ? members : zipOf(members));
    const work = await workDir();
    const outcome = await thrownBy(bag.create().open(await probeOf(path), contextIn(work, more)));
    return { outcome, left: await readdir(work) };
  };
  const file = (name: string, more: Partial<ZipMember> = {}): ZipMember => ({ name, bytes: Buffer.from("x"), ...more });

  it.each([
    ["a name that leads outside", file("../outside"), { kind: "damaged" }],
    ["an absolute name", file("/etc/passwd"), { kind: "damaged" }],
    ["a name with backslashes", file("data\\x"), { kind: "damaged" }],
    ["a checksum that differs", file("data/x", { crc: 1 }), { kind: "damaged", code: "zip-checksum" }],
    ["an unknown method", file("data/x", { method: 93 }), { kind: "unsupported" }],
    ["an encrypted entry", file("data/x", { flags: 1 }), { kind: "unsupported", code: "zip-encrypted" }],
    ["a bomb", file("data/x", { bytes: Buffer.alloc(60_000_000) }), { kind: "limit", code: "too-dense" }],
  ])("%s is refused and leaves nothing behind", async (_, member, expected) => {
    const { outcome, left } = await open([file("bagit.txt"), member], { limits: { ...ROOMY, maxRatio: 200 } });
    expect(outcome).toMatchObject(expected);
    expect(left).toEqual([]);
  });

  it("the same name twice, which two readers may take in two ways, is refused", async () => {
    const { outcome, left } = await open([file("bagit.txt"), file("data/x"), file("data/x")]);
    expect(outcome).toMatchObject({ kind: "damaged", code: "zip-duplicate" });
    expect(left).toEqual([]);
  });

  it("a symbolic link in it is not followed", async () => {
    const folder = await writeLibrary(place());
    const path = await zipDirectory(folder, place("zip"));
    const members: ZipMember[] = [];
    for (const name of ["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", "data/datapackage.json"])
      members.push({ name, bytes: await readFile(join(folder, name)) });
    members.push({ name: "data/settings.json", bytes: Buffer.from("/etc/passwd"), mode: 0o120777 });
    await writeFile(path, zipOf(members));
    expect((await problemsOf(path)).join("\n")).toContain('"data/settings.json" is a symbolic link and was not followed.');
  });

  it("is known although its end is cut off, and is damaged", async () => {
    const path = await zipDirectory(await writeLibrary(place()), place("zip"));
    await truncate(path, 2000);
    expect((await bag.create().recognise(await probeOf(path))).confidence).toBeGreaterThanOrEqual(0.5);
    expect(await thrownBy(openBag(path, await workDir()))).toMatchObject({ kind: "damaged" });
  });

  it("what was unpacked is removed when the content is closed", async () => {
    const path = await zipDirectory(await writeLibrary(place()), place("zip"));
    const work = await workDir();
    await withBag(path, work, async () => expect(await readdir(work)).toHaveLength(1));
    expect(await readdir(work)).toEqual([]);
  });
});
