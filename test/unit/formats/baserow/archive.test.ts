import { mkdtempSync, rmSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Content } from "../../../../agent/core/ports.ts";
import { ROOMY } from "../../../contracts/format.ts";
import { type Json, libraryDatabase, MANUAL, PHOTO, storedName, workspace } from "../../../fixtures/baserow/build.ts";
import { digest, exportParts, type ExportOptions, keyPair, type ZipPart, zipOf } from "../../../fixtures/baserow/zip.ts";
import { openPath, readAll, recogniseBytes, refusal, withBytes, within } from "./opening.ts";

function integrityOf(options: ExportOptions, key: string | null = null): Promise<Content["integrity"]> {
  return withBytes(zipOf(exportParts(options)), (content) => content.integrity, { key });
}

/** Replaces the bytes of the parts that `which` names. */
function replaced(which: (name: string) => boolean, bytes: Uint8Array): (parts: ZipPart[]) => ZipPart[] {
  return (parts) => parts.map((part) => (which(part.name) ? { ...part, bytes } : part));
}

const PHOTO_NAME = storedName(PHOTO, "jpg");

describe("a workspace export", () => {
  it("says when it was made, what was compared, and by whose key it was signed", async () => {
    const bytes = zipOf(exportParts());
    for (const [key, state] of [
      [null, "consistent"],
      [keyPair().publicKey, "trusted"],
    ] as const)
      await withBytes(
        bytes,
        (content) => {
          expect(content.createdAt).toBe(Date.UTC(2025, 9, 9, 8, 7, 6, 123));
          // Two files, four applications, and the manifest by its signature.
          expect(content.integrity).toEqual({ complete: true, problems: [], checksums: { compared: 7, mismatched: [] }, plainSecrets: [] });
          expect(content.settings.map((one) => one.id)).toContain(`signature/${state}`);
          expect(content.aspects.files).toEqual({ included: true });
        },
        { key },
      );
  });

  it("holds the bytes of its files", async () => {
    await withBytes(zipOf(exportParts()), async (content) => {
      expect(content.files.map(({ name, bytes, presence }) => [name, bytes, presence])).toEqual([
        ["shelf.jpg", PHOTO.length, "inside"],
        ["manual.pdf", MANUAL.length, "inside"],
      ]);
      const chunks: Uint8Array[] = [];
      for await (const chunk of content.fileBytes(PHOTO_NAME, new AbortController().signal)) chunks.push(chunk);
      expect(Buffer.concat(chunks)).toEqual(PHOTO);
      expect(content.files[0]?.declaredDigest).toEqual({ algorithm: "sha256", value: digest(PHOTO) });
    });
  });

  it("is also read where files lie in a folder, and where the manifest names applications as its schema has it", async () => {
    const moved = (name: string): string => (name.includes("__") || name.startsWith("manifest") ? name : `files/${name}`);
    const names = (manifest: Json): Json => {
      const sums = manifest["checksums"] as Record<string, string>;
      const groups = structuredClone(manifest["applications"]) as Record<string, { items: { files: Json }[] }>;
      for (const item of Object.values(groups).flatMap((group) => group.items))
        item.files = { data: { file: item.files["schema"], checksum: "" } };
      return {
        ...manifest,
        applications: groups,
        checksums: Object.fromEntries(Object.entries(sums).map(([name, sum]) => [moved(name), sum])),
      };
    };
    const parts = exportParts({ manifest: names, parts: (all) => all.map((part) => ({ ...part, name: moved(part.name) })) });
    await withBytes(zipOf(parts), async (content) => {
      expect(content.integrity.problems).toEqual([]);
      expect(content.files.map((file) => file.presence)).toEqual(["inside", "inside"]);
      expect(await readAll(content)).toBe(5);
    });
  });

  it("exported as structure only says that rows are not part of it", async () => {
    await withBytes(zipOf(exportParts({ onlyStructure: true })), (content) => {
      for (const aspect of ["records", "links", "files", "timestamps"] as const) expect(content.aspects[aspect].included).toBe(false);
    });
  });

  it("does not open archives that people attached", async () => {
    const inner = zipOf([{ name: "../../evil", bytes: Buffer.alloc(10) }]);
    const name = storedName(inner, "zip");
    const database = structuredClone(libraryDatabase()) as { tables: { rows: Json[] }[] };
    const first = database.tables[0]?.rows[0];
    if (first !== undefined) first["field_20"] = [{ name, visible_name: "inner.zip", original_name: "inner.zip" }];
    const bytes = zipOf(
      exportParts({
        applications: [database],
        files: { [name]: inner, [storedName(MANUAL, "pdf")]: MANUAL, [PHOTO_NAME]: PHOTO },
      }),
    );
    await withBytes(bytes, (content) => {
      expect(content.integrity.complete).toBe(true);
      expect(content.files.find((file) => file.id === name)).toMatchObject({ bytes: inner.length, presence: "inside" });
    });
  });
});

describe("what is wrong with a workspace export is told", () => {
  it.each<[string, ExportOptions, string | null, { problem?: RegExp; mismatched?: string }]>([
    [
      "a file changed",
      { parts: replaced((name) => name === PHOTO_NAME, Buffer.from("x")) },
      null,
      { mismatched: JSON.stringify(PHOTO_NAME) },
    ],
    [
      "a file missing",
      { parts: (parts) => parts.filter((part) => part.name !== PHOTO_NAME) },
      null,
      { problem: /^1 file that the manifest names is missing/ },
    ],
    [
      "a file too many",
      { parts: (parts) => [...parts, { name: "extra.bin", bytes: PHOTO }] },
      null,
      { problem: /1 file that the manifest does not know/ },
    ],
    [
      "the manifest counts otherwise",
      { manifest: (manifest) => ({ ...manifest, total_files: 99 }) },
      null,
      { problem: /counts 99 files, the zip holds 8/ },
    ],
    [
      "an application missing",
      { parts: (parts) => parts.filter((part) => !part.name.startsWith("builder")) },
      null,
      { problem: /file of application 2 \(builder\).*missing/ },
    ],
    ["no signature", { signature: () => null }, null, { problem: /signature.*is missing/ }],
    ["another's signature", {}, keyPair("other").publicKey, { problem: /not with the key that was given/ }],
    [
      "a signature of something else",
      { signature: (own) => ({ ...own, signature: Buffer.alloc(256).toString("base64") }) },
      null,
      { mismatched: "manifest.json (its signature)" },
    ],
  ])("%s", async (_, options, key, expected) => {
    const integrity = await integrityOf(options, key);
    if (expected.problem !== undefined) expect(integrity.problems.join("\n")).toMatch(expected.problem);
    if (expected.problem !== undefined) expect(integrity.complete).toBe(false);
    expect(integrity.checksums?.mismatched).toEqual(expected.mismatched === undefined ? [] : [expected.mismatched]);
  });

  it("a file that a row names and nobody packed is missing", async () => {
    await withBytes(zipOf(exportParts({ files: { [PHOTO_NAME]: PHOTO } })), (content) => {
      expect(content.files.map((file) => file.presence)).toEqual(["inside", "missing"]);
    });
  });

  it("a checksum that Baserow left empty is not compared", async () => {
    const integrity = await integrityOf({
      manifest: (manifest) => ({ ...manifest, checksums: { ...(manifest["checksums"] as Json), [PHOTO_NAME]: "" } }),
    });
    expect(integrity.checksums).toEqual({ compared: 6, mismatched: [] });
  });
});

describe("hostile zips", () => {
  const good = exportParts();
  const zeros = Buffer.alloc(8 * 1024 * 1024);
  const withPart = (part: ZipPart): Buffer => zipOf([...good, part]);
  const limits = (more: Partial<typeof ROOMY>): { limits: typeof ROOMY } => ({ limits: { ...ROOMY, ...more } });

  it.each([
    ["a path that escapes", withPart({ name: "../../etc/passwd", bytes: PHOTO }), {}, /^damaged zip-broken: .*path outside/],
    ["an absolute path", withPart({ name: "/etc/passwd", bytes: PHOTO }), {}, /^damaged zip-broken/],
    ["a Windows path", withPart({ name: "C:\\windows\\x", bytes: PHOTO }), {}, /^damaged zip-broken/],
    ["the same name twice", withPart({ name: "manifest.json", bytes: PHOTO }), {}, /^damaged zip-duplicate/],
    ["a NUL in a name", withPart({ name: "a\0b", bytes: PHOTO }), {}, /^damaged zip-name/],
    ["an encrypted entry", withPart({ name: "x", bytes: PHOTO, claims: { flags: 1 } }), {}, /^unsupported zip-encrypted/],
    ["an entry only half said to be encrypted", withPart({ name: "x", bytes: PHOTO, directoryFlags: 1 }), {}, /^damaged zip-contradiction/],
    ["an unknown compression", withPart({ name: "x", bytes: PHOTO, claims: { method: 14 } }), {}, /^unsupported zip-method/],
    ["more than the ratio allowed", withPart({ name: "x", bytes: zeros }), limits({ maxRatio: 200 }), /^limit too-dense/],
    [
      "more bytes than allowed",
      withPart({ name: "x", bytes: zeros }),
      limits({ maxBytes: 1_000_000 }),
      /^limit too-large: The zip unpacks/,
    ],
    ["more entries than allowed", zipOf(good), limits({ maxEntries: 3 }), /^limit too-many-entries/],
    ["deeper folders than allowed", withPart({ name: "a/b/c/d/e", bytes: PHOTO }), limits({ maxDepth: 4 }), /^limit too-deep/],
    ["a size that understates a bomb", withPart({ name: "x", bytes: zeros, claims: { size: 10 } }), {}, /^damaged zip-size/],
    ["a size that overstates", withPart({ name: "x", bytes: PHOTO, claims: { size: 2 ** 31 } }), {}, /^damaged zip-size/],
    ["a wrong CRC", withPart({ name: "x", bytes: PHOTO, claims: { crc: 1 } }), {}, /^damaged zip-checksum/],
    [
      "data that is no deflate",
      withPart({ name: "x", bytes: Buffer.from([0xff, 0xff]), stored: true, claims: { method: 8 } }),
      {},
      /^damaged zip-broken/,
    ],
    ["no manifest", zipOf(good.filter((part) => part.name !== "manifest.json")), {}, /^damaged baserow-no-manifest/],
    [
      "a manifest that is no JSON",
      zipOf(good.map((part) => (part.name === "manifest.json" ? { ...part, bytes: Buffer.from("oops") } : part))),
      {},
      /^damaged json-broken/,
    ],
    ["an empty zip", zipOf([]), {}, /^damaged/],
    ["nothing but the magic", Buffer.from("PK\u0003\u0004"), {}, /^damaged zip-broken/],
    ["a key that is none", zipOf(good), { key: "what is this" }, /^config baserow-key/],
  ])("%s", async (_, bytes, more, outcome) => {
    expect(await refusal(bytes, more)).toMatch(outcome);
  });

  it("many entries that share the same bomb are stopped together", async () => {
    const million = { name: "seed", bytes: Buffer.alloc(1_000_000) };
    const shared = Array.from({ length: 200 }, (_, at): ZipPart => ({ ...million, name: `x${at}`, sameDataAs: "seed" }));
    expect(await refusal(zipOf([...good, million, ...shared]), limits({ maxRatio: 2000 }))).toMatch(/^limit too-dense/);
  });

  it("nothing is written anywhere", async () => {
    const work = mkdtempSync(join(tmpdir(), "rw-baserow-work-"));
    try {
      await withBytes(zipOf(good), readAll, { workDir: work });
      expect(await readdir(work)).toEqual([]);
    } finally {
      rmSync(work, { recursive: true });
    }
  });

  it("a file stream that is given up does not hold up closing, and one still read ends", async () => {
    const big = Buffer.alloc(3_000_000, "0123456789abcdef");
    const database = { ...libraryDatabase(), tables: [] };
    const icon = { id: 8, type: "builder", name: "B", pages: [], favicon_file: { name: storedName(big, "bin"), original_name: "i" } };
    await within(async (directory) => {
      const path = join(directory, "export.zip");
      await writeFile(path, zipOf(exportParts({ applications: [database, icon], files: { [storedName(big, "bin")]: big } })));
      const content = await openPath(path);
      const left = content.fileBytes(storedName(big, "bin"), new AbortController().signal)[Symbol.asyncIterator]();
      expect((await left.next()).done).toBe(false);
      await content.close();
      await content.close();
      const rest = (async () => {
        while ((await left.next()).done !== true);
      })();
      await expect(rest).rejects.toMatchObject({ name: "AgentError", kind: "transient" });
    });
  });
});

describe("a zip is recognised", () => {
  const whole = zipOf(exportParts({ applications: workspace() }));

  it("by its manifest, whatever comes first in it", async () => {
    expect(await recogniseBytes(whole)).toMatchObject({ confidence: 0.98, formatVersion: "1.0.0" });
  });

  it("by the names in its head when its end is missing", async () => {
    const found = await recogniseBytes(whole.subarray(0, whole.length - 100));
    expect(found.confidence).toBeGreaterThanOrEqual(0.5);
  });

  it("by the first stored file when it was cut before any application", async () => {
    expect((await recogniseBytes(whole.subarray(0, 160))).confidence).toBe(0.6);
    const files = zipOf([{ name: PHOTO_NAME, bytes: PHOTO }]);
    expect((await recogniseBytes(files)).confidence, "files alone are no export").toBe(0);
  });

  it("not when it is some other zip, even one with a manifest.json", async () => {
    const other = [{ name: "manifest.json", bytes: Buffer.from('{"manifest_version":3,"name":"extension","version":"1.0"}') }];
    expect((await recogniseBytes(zipOf(other))).confidence).toBe(0);
    expect((await recogniseBytes(zipOf([{ name: "a.csv", bytes: Buffer.from("a,b\n1,2\n") }]))).confidence).toBe(0);
  });
});
