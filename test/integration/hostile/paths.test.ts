/** `verify` of things that are no backup at all, cannot be read, lead elsewhere, or are called in ways that trip programs up. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ROOT } from "../../meta/sources.ts";
import { writeUserDir } from "../../fixtures/node-red/user-dir.ts";
import { drillArtifact } from "../../fuzz/reading.ts";
import { FORMATS } from "../../fuzz/seeds.ts";
import { ask, said } from "./asking.ts";

const WORLD = resolve(ROOT, "../shared/data/grist/Comments_44.grist");
// What hangs is ended by `ask`; a machine with much else to do is only slow.
vi.setConfig({ testTimeout: 240_000 });
const home = mkdtempSync(join(tmpdir(), "rw-hostile-paths-"));
const at = (...parts: readonly string[]): string => join(home, ...parts);
let socket: ChildProcess | null = null;

/** As somebody who may not read everything: root may, so root becomes nobody. */
const isRoot = process.getuid?.() === 0;
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
const as = isRoot ? { through: NOBODY } : {};

beforeAll(async () => {
  // For nobody to come in.
  chmodSync(home, 0o755);
  execFileSync("mkfifo", [at("fifo")]);
  socket = spawn(process.execPath, [
    "-e",
    `require("node:net").createServer().listen(${JSON.stringify(at("socket"))}, () => console.log("on"))`,
  ]);
  if (socket.stdout !== null) await once(socket.stdout, "data");
  symlinkSync(at("loop-b"), at("loop-a"));
  symlinkSync(at("loop-a"), at("loop-b"));
  symlinkSync(at("nowhere"), at("dangling"));
  copyFileSync(WORLD, at("plain.grist"));
  symlinkSync(at("plain.grist"), at("link.grist"));
});
afterAll(() => {
  socket?.kill();
  execFileSync("chmod", ["-R", "u+rwX", home]);
  rmSync(home, { recursive: true, force: true });
});

describe("what is neither a file nor a directory is usage, and never opened", () => {
  test.each([
    ["a FIFO nobody writes to", () => at("fifo"), /neither a file nor a directory/],
    ["a socket", () => at("socket"), /neither a file nor a directory/],
    ["/dev/zero", () => "/dev/zero", /neither a file nor a directory/],
    ["/dev/null", () => "/dev/null", /neither a file nor a directory/],
    ["a loop of symlinks", () => at("loop-a"), /leads in a circle/],
    ["a symlink to nowhere", () => at("dangling"), /There is nothing/],
    ["a path through a file", () => at("plain.grist", "inside"), /There is nothing/],
    ["a name longer than names may be", () => at("x".repeat(300)), /longer than paths may be/],
    ["an empty path", () => "", /There is nothing|empty/],
  ])("%s", async (_what, path, says) => {
    const asked = await ask({ path: path(), cwd: home });
    expect([asked.code, asked.result], said(asked)).toEqual([2, null]);
    expect(said(asked)).toMatch(says);
  });

  test("under the name of a format too", async () => {
    expect((await ask({ path: at("fifo"), cwd: home, args: ["--format", "grist"] })).code).toBe(2);
  });
});

describe("what it is called does not matter", () => {
  const names = [
    "-dash.grist",
    "--output",
    "new\nline.grist",
    "tab\tand \u0007 bell.grist",
    "\u001b[31mred.grist",
    "žluťoučký 🐴 \u202Eexe.grist",
    " spaces .grist ",
    "quote'\"`$(touch pwned).grist",
    "a=b,c*?[x].grist",
    "%2e%2e%2f.grist",
    "back\\slash.grist",
    "x".repeat(240),
  ];
  test.concurrent.each(names)("%j", async (name) => {
    const folder = mkdtempSync(join(home, "named-"));
    copyFileSync(WORLD, join(folder, name));
    const asked = await ask({ path: name, cwd: folder });
    expect([asked.code, asked.result?.artifact.format], said(asked)).toEqual([0, "grist"]);
  });

  test("a symlink that the person names is followed", async () => {
    expect((await ask({ path: at("link.grist"), cwd: home })).code).toBe(0);
  });
});

describe("directories", () => {
  test("of something else: unknown under auto, not what --format says otherwise", async () => {
    mkdirSync(at("else"));
    writeFileSync(at("else", "readme.md"), "# Hello\n\nwords, and more words\n");
    const auto = await ask({ path: at("else"), cwd: home });
    expect([auto.code, auto.result?.artifact.format]).toEqual([3, null]);
    expect(said(auto)).toMatch(/--format/);
    for (const format of FORMATS) {
      const { verdict, reasons } = await drillArtifact(format, at("else"), home, null);
      expect([verdict, reasons.join().includes(format)]).toEqual(["failed", true]);
    }
    expect((await ask({ path: at("else"), cwd: home, args: ["--format", "bag"] })).code).toBe(1);
  });

  test("empty ones, and ones of nothing but empty files", async () => {
    mkdirSync(at("empty", "inner"), { recursive: true });
    expect((await ask({ path: at("empty"), cwd: home })).code).toBe(1);
    for (const name of ["flows.json", "a.csv", "bagit.txt"]) writeFileSync(at("empty", name), "");
    const asked = await ask({ path: at("empty"), cwd: home });
    expect([asked.code, /empty/.test(said(asked))]).toEqual([1, true]);
  });

  test("with symlinks out of it, loops and a FIFO: none is followed, and the rest is read", async () => {
    const path = await writeUserDir(at("user-dir"));
    writeFileSync(at("secret"), "root:x:0:0:secret-marker\n");
    symlinkSync(at("secret"), join(path, "lib", "flows", "secret.json"));
    symlinkSync(".", join(path, "lib", "itself"));
    symlinkSync("..", join(path, "lib", "flows", "up"));
    execFileSync("mkfifo", [join(path, "lib", "waiting.json")]);
    const asked = await ask({ path, cwd: home });
    expect([asked.result?.artifact.format, asked.code === 0 || asked.code === 3], said(asked)).toEqual(["node-red", true]);
    expect(said(asked)).not.toContain("secret-marker");
  });

  test.each([
    ["flows.json leads out of it", (place: string) => symlinkSync("/etc/passwd", place)],
    ["flows.json is a FIFO", (place: string) => void execFileSync("mkfifo", [place])],
    ["flows.json is a directory", (place: string) => mkdirSync(place)],
  ])("%s: not read, not verified", async (what, make) => {
    const path = await writeUserDir(at(what), { files: { "flows.json": null } });
    make(join(path, "flows.json"));
    const asked = await ask({ path, cwd: home });
    expect([1, 3], said(asked)).toContain(asked.code);
    expect(said(asked)).not.toContain("root:");
  });

  test("with a name that is not UTF-8", async () => {
    mkdirSync(at("bytes"));
    execFileSync("sh", ["-c", `printf 'id,name\\n1,a\\n2,b\\n' > "$(printf '${at("bytes")}/\\377\\376.csv')"`]);
    const asked = await ask({ path: at("bytes"), cwd: home });
    expect([1, 3], said(asked)).toContain(asked.code);
    expect(said(asked)).toMatch(/name/);
  });

  test("of 100,000 files, and of one more than may be", async () => {
    mkdirSync(at("many"));
    execFileSync("sh", ["-c", `cd '${at("many")}' && seq 100000 | sed 's/$/.json/' | xargs touch && printf '{}' > 1.json`]);
    const many = await ask({ path: at("many"), cwd: home });
    expect(many.code, said(many)).toBe(3);
    writeFileSync(at("many", "last.json"), "");
    const more = await ask({ path: at("many"), cwd: home });
    expect([more.code, /maxEntries/.test(said(more))], said(more)).toEqual([3, true]);
  }, 180_000);

  test("300 levels deep", async () => {
    const deep = at("deep", ...Array.from({ length: 300 }, () => "d"));
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, "a.csv"), "id,name\n1,a\n2,b\n");
    const asked = await ask({ path: at("deep"), cwd: home });
    expect([3, 1], said(asked)).toContain(asked.code);
  });
});

describe(`what may not be read is inconclusive (${isRoot ? "as nobody" : "as this user"})`, () => {
  test("a file", async () => {
    copyFileSync(WORLD, at("closed.grist"));
    chmodSync(at("closed.grist"), 0o000);
    const asked = await ask({ path: at("closed.grist"), cwd: home, ...as });
    expect(asked.code, said(asked)).toBe(3);
    expect(said(asked)).toMatch(/permission|may not be read|denied/);
    expect((await ask({ path: at("closed.grist"), cwd: home, args: ["--format", "grist"], ...as })).code).toBe(3);
  });

  test("a directory, a file in one, a directory in one, and one behind a closed door", async () => {
    for (const name of ["closed", "half", "inner", "door"]) {
      const path = await writeUserDir(at("perm", name));
      execFileSync("chmod", ["-R", "a+rX", path]);
    }
    chmodSync(at("perm"), 0o755);
    chmodSync(at("perm", "closed"), 0o000);
    chmodSync(at("perm", "half", "flows.json"), 0o000);
    chmodSync(at("perm", "inner", "lib"), 0o000);
    chmodSync(at("perm", "door"), 0o000);
    for (const path of [at("perm", "closed"), at("perm", "half"), at("perm", "inner"), at("perm", "door", "flows.json")]) {
      const asked = await ask({ path, cwd: home, ...as });
      expect(asked.code, said(asked)).toBe(3);
      expect(said(asked)).toMatch(/permission|may not be read|denied/);
    }
  });

  test("and what may be read is verified by any user on the same machine", async () => {
    chmodSync(at("plain.grist"), 0o644);
    expect((await ask({ path: at("plain.grist"), cwd: home })).code).toBe(0);
    const asked = await ask({ path: at("plain.grist"), cwd: home, ...as });
    expect(asked.code, said(asked)).toBe(0);
    expect(readFileSync(at("plain.grist")).equals(readFileSync(WORLD))).toBe(true);
  });
});
