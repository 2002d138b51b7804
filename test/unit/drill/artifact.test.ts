import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readArtifact } from "../../../agent/drill/artifact.ts";

const LIMITS = { maxBytes: 10_000_000, maxEntries: 10 };
const never = new AbortController().signal;
const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

let base = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "rw-artifact-"));
});
afterEach(() => rm(base, { recursive: true, force: true }));

describe("reading an artifact", () => {
  test("a file: its size, its digest, and its first 64 KiB", async () => {
    const data = Buffer.alloc(3_000_000, "restore");
    await writeFile(join(base, "a.bin"), data);
    const read: number[] = [];
    const { facts, probe } = await readArtifact(join(base, "a.bin"), "shown", LIMITS, never, (bytes) => read.push(bytes));
    expect(facts).toEqual({ path: "shown", kind: "file", bytes: 3_000_000, sha256: sha256(data), files: 1 });
    expect(Buffer.from(probe.head).equals(data.subarray(0, 65_536))).toBe(true);
    expect(read.at(-1)).toBe(3_000_000);
  });

  test("a directory: the digest of its sorted lines, without symlinks", async () => {
    await mkdir(join(base, "d/sub"), { recursive: true });
    await writeFile(join(base, "d/b.txt"), "bee");
    await writeFile(join(base, "d/sub/a.txt"), "ay");
    await writeFile(join(base, "outside"), "secret");
    await symlink(join(base, "outside"), join(base, "d/link"));
    const { facts, probe } = await readArtifact(join(base, "d"), "d", LIMITS, never, () => undefined);
    const lines = [`${sha256("bee")}  b.txt\n`, `${sha256("ay")}  sub/a.txt\n`].toSorted().join("");
    expect(facts).toEqual({ path: "d", kind: "directory", bytes: 5, sha256: sha256(lines), files: 2 });
    expect(probe.entries).toEqual(["b.txt", "sub/a.txt"]);
    expect(Buffer.from(await probe.readHead("sub/a.txt", 1)).toString()).toBe("a");
    expect(() => probe.readHead("link", 10)).toThrow("no such file");
    expect(() => probe.readHead("../outside", 10)).toThrow("no such file");
  });

  test("more bytes or entries than allowed is a limit of ours", async () => {
    await mkdir(join(base, "d"));
    for (let n = 0; n < 11; n += 1) await writeFile(join(base, `d/${n}`), "12345");
    await expect(readArtifact(join(base, "d"), "d", LIMITS, never, () => undefined)).rejects.toMatchObject({
      kind: "limit",
      code: "too-many-entries",
    });
    const few = { maxBytes: 12, maxEntries: 100 };
    await expect(readArtifact(join(base, "d"), "d", few, never, () => undefined)).rejects.toMatchObject({
      kind: "limit",
      code: "artifact-too-large",
    });
    await expect(readArtifact(join(base, "d/1"), "1", { maxBytes: 4, maxEntries: 1 }, never, () => undefined)).rejects.toMatchObject({
      code: "artifact-too-large",
    });
  });

  test("an abort ends it", async () => {
    await writeFile(join(base, "a"), "x");
    await expect(readArtifact(join(base, "a"), "a", LIMITS, AbortSignal.abort(), () => undefined)).rejects.toMatchObject({
      name: "AbortError",
    });
  });
});
