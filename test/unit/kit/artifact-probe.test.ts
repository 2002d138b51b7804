import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HEAD_BYTES, type LocalProbe, MAX_ENTRIES, probeArtifact } from "../../../agent/kit/artifact-probe.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "rw-probe-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function found(path: string): Promise<LocalProbe> {
  const result = await probeArtifact(path);
  if (!result.ok) throw new Error(result.reason);
  return result.probe;
}

describe("the probe of a file", () => {
  it("gives size and the first 64 KiB", async () => {
    const path = join(root, "large");
    await writeFile(path, Buffer.alloc(HEAD_BYTES + 5, 7));
    const probe = await found(path);
    expect([probe.kind, probe.bytes, probe.head.length, probe.entries]).toEqual(["file", HEAD_BYTES + 5, HEAD_BYTES, []]);
    await expect(probe.readHead("x", 1)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("an empty file is a file", async () => {
    await writeFile(join(root, "empty"), "");
    expect(await found(join(root, "empty"))).toMatchObject({ kind: "file", bytes: 0 });
  });

  it("nothing there, and a name below a file, are not found", async () => {
    await writeFile(join(root, "file"), "x");
    expect(await probeArtifact(join(root, "none"))).toMatchObject({ ok: false, reason: "not-found" });
    expect(await probeArtifact(join(root, "file", "below"))).toMatchObject({ ok: false, reason: "not-found" });
  });

  it("a symlink is refused, whole or dangling", async () => {
    await writeFile(join(root, "file"), "x");
    await symlink(join(root, "file"), join(root, "link"));
    await symlink(join(root, "nowhere"), join(root, "dangling"));
    expect(await probeArtifact(join(root, "link"))).toMatchObject({ ok: false, reason: "symlink" });
    expect(await probeArtifact(join(root, "dangling"))).toMatchObject({ ok: false, reason: "symlink" });
  });

  it("a pipe without a writer does not hold it up", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    expect(await probeArtifact(join(root, "pipe"))).toMatchObject({ ok: false, reason: "special" });
  });

  it("a device and a socket are no files", async () => {
    expect(await probeArtifact("/dev/zero")).toMatchObject({ ok: false, reason: "special" });
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(join(root, "socket"), resolve);
    });
    expect(await probeArtifact(join(root, "socket"))).toMatchObject({ ok: false, reason: "special" });
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  it("an aborted signal ends it", async () => {
    await expect(probeArtifact(root, AbortSignal.abort())).rejects.toThrow(/abort/u);
  });
});

describe("the probe of a directory", () => {
  beforeEach(async () => {
    await mkdir(join(root, "a", "b"), { recursive: true });
    await writeFile(join(root, "z.json"), "zz");
    await writeFile(join(root, "a", "b", "deep.json"), "deep");
    await writeFile(join(root, "a", "one.json"), "one");
  });

  it("lists its files sorted and adds up their bytes", async () => {
    const probe = await found(root);
    expect(probe).toMatchObject({
      kind: "directory",
      bytes: 9,
      entries: ["a/b/deep.json", "a/one.json", "z.json"],
      wholeTree: true,
      leftOut: [],
    });
    expect(Buffer.from(await probe.readHead("a/b/deep.json", 2)).toString()).toBe("de");
    expect(Buffer.from(await probe.readHead("z.json", 2 ** 40)).toString()).toBe("zz");
  });

  it("leaves out symlinks and pipes, and says which", async () => {
    await symlink("/etc", join(root, "etc"));
    await symlink(join(root, "z.json"), join(root, "link.json"));
    execFileSync("mkfifo", [join(root, "a", "pipe")]);
    const probe = await found(root);
    expect(probe.entries).toEqual(["a/b/deep.json", "a/one.json", "z.json"]);
    expect(probe.leftOut).toEqual(["a/pipe", "etc", "link.json"]);
    await expect(probe.readHead("link.json", 1)).rejects.toMatchObject({ code: "ELOOP" });
    await expect(probe.readHead("etc/hostname", 1)).rejects.toMatchObject({ code: "ELOOP" });
    await expect(probe.readHead("a/pipe", 1)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.each(["../outside", "/etc/hostname", "a/../z.json", "", "a//one.json", "./z.json", "a\0b", "a"])(
    "reads nothing at %j",
    async (entry) => {
      await expect((await found(root)).readHead(entry, 10)).rejects.toMatchObject({ code: "ENOENT" });
    },
  );

  it("keeps the shallow files when there are too many", async () => {
    const many = join(root, "a", "many");
    await mkdir(many);
    for (let batch = 0; batch < MAX_ENTRIES + 10; batch += 500)
      await Promise.all(Array.from({ length: 500 }, (_, index) => writeFile(join(many, `f${batch + index}`), "")));
    const probe = await found(root);
    expect(probe.entries).toHaveLength(MAX_ENTRIES);
    expect(probe.entries).toContain("z.json");
    expect(probe.wholeTree).toBe(false);
  });
});
