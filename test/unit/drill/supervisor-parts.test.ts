/** The small pure parts of the supervisor, and the work directories. */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readGrants } from "../../../agent/engine/drill-child/command.ts";
import { troubleOfEnd } from "../../../agent/engine/drill-child/ending.ts";
import { NO_TOOLS, probeIsolation, wrapCommand } from "../../../agent/engine/drill-child/isolation.ts";
import { lineReader } from "../../../agent/engine/drill-child/lines.ts";
import { createWorkDir, sweepLeftovers } from "../../../agent/engine/drill-child/workdirs.ts";

describe("why a child ended", () => {
  test.each([
    [{ exitCode: null, signal: "SIGSEGV", spoke: true, lastWords: "" }, "child-crashed"],
    [{ exitCode: 139, signal: null, spoke: true, lastWords: "" }, "child-crashed"],
    [{ exitCode: null, signal: "SIGABRT", spoke: true, lastWords: "terminate called: std::bad_alloc" }, "child-out-of-memory"],
    [{ exitCode: 134, signal: null, spoke: true, lastWords: "FATAL ERROR: JavaScript heap out of memory" }, "child-out-of-memory"],
    [{ exitCode: null, signal: "SIGKILL", spoke: true, lastWords: "" }, "child-out-of-memory"],
    [{ exitCode: 137, signal: null, spoke: false, lastWords: "" }, "child-out-of-memory"],
    [{ exitCode: null, signal: "SIGXFSZ", spoke: true, lastWords: "" }, "child-out-of-disk"],
    [{ exitCode: 1, signal: null, spoke: true, lastWords: "Error: ENOSPC" }, "child-out-of-disk"],
    [{ exitCode: 1, signal: null, spoke: false, lastWords: "unshare failed: Operation not permitted" }, "child-not-started"],
    [{ exitCode: 1, signal: null, spoke: true, lastWords: "" }, "child-ended-early"],
    [{ exitCode: 0, signal: null, spoke: false, lastWords: "" }, "child-ended-early"],
  ])("%j is %s", (end, code) => {
    const trouble = troubleOfEnd(end);
    expect(trouble.code).toBe(code);
    expect(trouble.message).toMatch(/^The drill's process .+\.$/);
  });
});

describe("lines out of a stream", () => {
  test("are the same however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "grapheme" }).map((line) => line.replaceAll("\n", " "))),
        fc.integer({ min: 1, max: 7 }),
        (lines, step) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
          const got: string[] = [];
          const reader = lineReader({ lineBytes: 1e6, totalBytes: 1e6, lines: 1e6 }, (line) => got.push(line));
          for (let at = 0; at < bytes.length; at += step) expect(reader.push(bytes.subarray(at, at + step))).toBe(true);
          expect(got).toEqual(lines);
        },
      ),
    );
  });

  test.each([
    ["a line too long", { lineBytes: 5, totalBytes: 100, lines: 100 }, "123456\n"],
    ["a line too long that does not end", { lineBytes: 5, totalBytes: 100, lines: 100 }, "123456"],
    ["too many bytes", { lineBytes: 50, totalBytes: 10, lines: 100 }, "1234\n1234\n1234\n"],
    ["too many lines", { lineBytes: 50, totalBytes: 100, lines: 2 }, "1\n2\n3\n"],
  ])("%s stops it for good", (_, bounds, text) => {
    const got: string[] = [];
    const reader = lineReader(bounds, (line) => got.push(line));
    expect(text.split("").every((char) => reader.push(Buffer.from(char)))).toBe(false);
    const before = got.length;
    expect(reader.push(Buffer.from("9\n"))).toBe(false);
    expect(got).toHaveLength(before);
  });
});

describe("grants", () => {
  test("a folder whose name begins another grant's can still be listed by Node", async () => {
    const base = await mkdtemp(join(tmpdir(), "rw-grants-"));
    try {
      await mkdir(join(base, "flows"));
      await mkdir(join(base, "flows.work"));
      await writeFile(join(base, "flows/a"), "");
      await writeFile(join(base, "script.cjs"), `process.stdout.write(String(require("fs").readdirSync(process.argv[2])))`);
      const grants = readGrants([join(base, "script.cjs"), join(base, "flows"), join(base, "flows.work")]);
      const flags = grants.map((path) => `--allow-fs-read=${path}`);
      const { stdout } = spawnSync(process.execPath, ["--permission", ...flags, join(base, "script.cjs"), join(base, "flows")], {
        encoding: "utf8",
      });
      expect(stdout).toBe("a");
    } finally {
      await rm(base, { recursive: true });
    }
  });

  test("others are granted as they are, once", () => {
    expect(readGrants(["/a/b", "/a/b/", "/c"])).toEqual(["/a/b", "/c"]);
  });
});

describe("isolation", () => {
  test("nothing is claimed that was not obtained: without tools the network and the memory are open", async () => {
    const report = await probeIsolation(process.execPath, ["/no/such/folder"]);
    expect(report).toMatchObject({
      process: true,
      network: false,
      memoryLimit: false,
      tools: { unshare: null, prlimit: null, setpriv: null },
    });
    expect(report.notes.filter((note) => note.includes("not installed"))).toHaveLength(3);
  });

  test("a tool that fails is left out, and the others are kept", async () => {
    const base = await mkdtemp(join(tmpdir(), "rw-tools-"));
    try {
      await writeFile(join(base, "unshare"), "#!/bin/sh\necho not permitted >&2\nexit 1\n", { mode: 0o755 });
      const report = await probeIsolation(process.execPath, [base]);
      expect(report).toMatchObject({ network: false, tools: { unshare: null } });
      expect(report.permissions).toBe(true);
      expect(report.notes.join(" ")).toContain("unshare is not permitted here");
    } finally {
      await rm(base, { recursive: true });
    }
  });

  test("a Node that cannot be started gives nothing but a process", async () => {
    expect(await probeIsolation("/no/such/node", [])).toMatchObject({
      permissions: false,
      network: false,
      memoryLimit: false,
      tools: NO_TOOLS,
    });
  });

  test("the tools wrap each other in order", () => {
    const tools = { unshare: "/u", prlimit: "/p", setpriv: "/s", permissions: true };
    expect(wrapCommand(tools, ["node", "x"], 10, 20).join(" ")).toBe(
      "/u -rn -- /p --data=10 --fsize=20 --core=0 -- /s --pdeathsig KILL -- node x",
    );
    expect(wrapCommand(NO_TOOLS, ["node", "x"], 10, 20)).toEqual(["node", "x"]);
  });
});

describe("work directories", () => {
  let base = "";
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "rw-work-"));
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  test("are each their own, private, and removed twice without complaint", async () => {
    const [one, two] = [await createWorkDir(join(base, "new"), "../a b"), await createWorkDir(join(base, "new"), "../a b")];
    expect(one.path).not.toBe(two.path);
    expect((await stat(one.path)).mode & 0o777).toBe(0o700);
    expect(one.path.startsWith(join(base, "new", "drill-"))).toBe(true);
    await writeFile(join(one.path, "left"), "x");
    await one.remove();
    await one.remove();
    await two.remove();
    expect(await readdir(join(base, "new"))).toEqual([]);
  });

  test("those of dead processes are swept and counted; those of living ones and all else are left", async () => {
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    await mkdir(join(base, `drill-x-aaaaaa-${dead}`, "sandbox"), { recursive: true });
    await mkdir(join(base, `drill-y-bbbbbb-${process.ppid}`));
    await mkdir(join(base, "drill-not-ours"));
    await writeFile(join(base, "evidence.ndjson"), "");
    expect(await sweepLeftovers(base)).toEqual({ removed: 1, failed: 0 });
    expect(await readdir(base)).toEqual(["drill-not-ours", `drill-y-bbbbbb-${process.ppid}`, "evidence.ndjson"]);
    expect(await sweepLeftovers(join(base, "nowhere"))).toEqual({ removed: 0, failed: 0 });
  });
});
