import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemFiles, type VaultFiles } from "../../../agent/vaults/dir/files.ts";
import { dirVault, dirVaultDefinition } from "../../../agent/vaults/dir/index.ts";
import { vaultContract, type VaultHarness } from "../../contracts/vault.ts";
import { fakeClock } from "../../doubles/clock.ts";

async function put(root: string, path: string, bytes: string | Uint8Array, mtime: number): Promise<void> {
  const target = join(root, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, bytes);
  await utimes(target, mtime / 1000, mtime / 1000);
}

async function onDisk(): Promise<VaultHarness> {
  const base = await mkdtemp(join(tmpdir(), "rw-vault-"));
  await mkdir(join(base, "vault"));
  const root = join(base, "vault");
  return {
    vault: dirVaultDefinition.create("nightly", dirVaultDefinition.schema.parse({ path: "vault" }), {
      baseDir: base,
      clock: fakeClock(),
      env: {},
    }),
    put: (path, bytes, mtime) => put(root, path, bytes, mtime),
    remove: (path) => rm(join(root, path), { recursive: true }),
    dispose: () => rm(base, { recursive: true, force: true }),
  };
}

vaultContract({ name: "dir", create: onDisk, skips: [] });

/** The file system as it is, but for paths that end in `name`. */
function failing(name: string, code: string): VaultFiles {
  const check = (path: string): void => {
    if (path.endsWith(name)) throw Object.assign(new Error(`${code}: ${path}`), { code, errno: -1 });
  };
  return {
    lstat: async (path) => (check(path), systemFiles.lstat(path)),
    readdir: async (path) => (check(path), systemFiles.readdir(path)),
    realpath: (path) => systemFiles.realpath(path),
    read: async (path, limit) => (check(path), systemFiles.read(path, limit)),
  };
}

describe("a directory as a vault", () => {
  let root = "";
  const T = Date.UTC(2026, 0, 2);
  const signal = new AbortController().signal;
  const all = { pattern: "*", signal };
  const opening = { spoolDir: "/nowhere", maxBytes: 1000, signal };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "rw-dirvault-"));
    await put(root, "p/good.json", "12", T);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("reports a symbolic link instead of following it", async () => {
    await symlink("/etc/hostname", join(root, "p/out.json"));
    await symlink(join(root, "p/good.json"), join(root, "p/in.json"));
    await symlink("nothing", join(root, "p/dangling.json"));
    const listing = await dirVault("v", root).list("p", all);
    expect(listing.entries.map((entry) => entry.path)).toEqual(["p/good.json"]);
    expect(listing.problems).toEqual(
      ["dangling", "in", "out"].map((name) => `p/${name}.json: It is a symbolic link, which is never followed.`),
    );
    await expect(dirVault("v", root).open("p/in.json", opening)).rejects.toMatchObject({ kind: "unsupported", code: "symlink" });
    await expect(dirVault("v", root).list("p/out.json", all)).rejects.toMatchObject({ code: "symlink" });
  });

  it("enters no directory through a symbolic link, even one that stays inside", async () => {
    await symlink("/etc", join(root, "etc"));
    await symlink("p", join(root, "q"));
    for (const path of ["etc", "q"]) await expect(dirVault("v", root).list(path, all)).rejects.toMatchObject({ code: "symlink" });
    for (const path of ["etc/hostname", "q/good.json"]) {
      await expect(dirVault("v", root).stat(path, signal)).rejects.toMatchObject({ code: "symlink" });
      await expect(dirVault("v", root).open(path, opening)).rejects.toMatchObject({ code: "symlink" });
    }
  });

  it("may itself be reached through a symbolic link", async () => {
    await symlink(root, `${root}-link`);
    try {
      expect((await dirVault("v", `${root}-link`).list("p", all)).entries).toHaveLength(1);
    } finally {
      await rm(`${root}-link`);
    }
  });

  it("reports a pipe without waiting on it", async () => {
    execFileSync("mkfifo", [join(root, "p/pipe.json"), join(root, "p/run.run.json"), join(root, "p/good.json.sha256")]);
    const listing = await dirVault("v", root).list("p", all);
    expect(listing.entries.map((entry) => entry.path)).toEqual(["p/good.json"]);
    expect(listing.problems).toEqual(
      ["good.json.sha256", "pipe.json", "run.run.json"].map((name) => `p/${name}: It is a pipe, a socket or a device, not a file.`),
    );
    await expect(dirVault("v", root).open("p/pipe.json", opening)).rejects.toMatchObject({ code: "not-a-file" });
  });

  it("counts only regular files inside a directory artifact", async () => {
    await put(root, "p/d/a", "123", T);
    await symlink("/etc/hostname", join(root, "p/d/link"));
    expect(await dirVault("v", root).stat("p/d", signal)).toMatchObject({ bytes: 3, modifiedAt: T });
  });

  it("sees a file exchanged for one of the same size and time", async () => {
    const artifact = await dirVault("v", root).open("p/good.json", opening);
    expect([artifact.localPath, artifact.spooled]).toEqual([join(root, "p/good.json"), false]);
    await put(root, "new", "34", T);
    await rename(join(root, "new"), join(root, "p/good.json"));
    await expect(artifact.assertUnchanged()).rejects.toMatchObject({ code: "artifact-changed" });
  });

  it("says which artifact it may not read, and lists the others", async () => {
    await put(root, "p/secret/a", "1", T);
    const listing = await dirVault("v", root, failing("p/secret", "EACCES")).list("p", all);
    expect(listing).toMatchObject({ entries: [{ path: "p/good.json" }], problems: ["p/secret: Reading it is not permitted."] });
    await expect(dirVault("v", root, failing("good.json", "EACCES")).open("p/good.json", opening)).rejects.toMatchObject({ kind: "auth" });
    await expect(dirVault("v", root, failing("/p", "EACCES")).list("p", all)).rejects.toMatchObject({
      kind: "auth",
      message: '"p": Reading it is not permitted.',
    });
  });

  it("takes no listing for whole when it ran out of file handles", async () => {
    await expect(dirVault("v", root, failing("good.json", "EMFILE")).list("p", all)).rejects.toMatchObject({ kind: "limit" });
  });

  it("mentions an artifact that cannot be read for another reason, and passes over one rotated away", async () => {
    await put(root, "p/other.json", "1", T);
    expect((await dirVault("v", root, failing("good.json", "EIO")).list("p", all)).problems).toEqual([
      "p/good.json: It could not be read.",
    ]);
    expect(await dirVault("v", root, failing("good.json", "ENOENT")).list("p", all)).toMatchObject({
      entries: [{ path: "p/other.json" }],
      problems: [],
    });
  });

  it("says of a vault that is not there that it is not there", async () => {
    await expect(dirVault("v", join(root, "gone")).list("", all)).rejects.toMatchObject({
      kind: "not_found",
      message: "the vault: There is no such file or directory in the vault.",
    });
  });

  it("takes an empty directory with its own time", async () => {
    await mkdir(join(root, "p/empty"));
    await utimes(join(root, "p/empty"), T / 1000, T / 1000);
    expect(await dirVault("v", root).stat("p/empty", signal)).toMatchObject({ kind: "directory", bytes: 0, modifiedAt: T });
  });
});
