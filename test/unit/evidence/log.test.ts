import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EvidenceDisk } from "../../../agent/evidence/disk.ts";
import { realDisk } from "../../../agent/evidence/disk.ts";
import { openEvidence } from "../../../agent/evidence/log.ts";
import { readEntries, readHead } from "../../../agent/evidence/read.ts";
import { verifyEvidence } from "../../../agent/evidence/verify.ts";
import { readAll, stopped } from "../../contracts/evidence.ts";
import { fakeClock, type FakeClock } from "../../doubles/clock.ts";
import { temporaryDirectory } from "../../doubles/temporary.ts";

const DAY = 86_400_000;
let directory: string;
let dispose: () => Promise<void>;
let clock: FakeClock;

beforeEach(async () => {
  const temporary = await temporaryDirectory();
  directory = join(temporary.path, "evidence");
  dispose = temporary.dispose;
  clock = fakeClock();
});
afterEach(() => dispose());

/** A log of `count` entries that was closed. @returns path of its newest file */
async function written(count: number): Promise<string> {
  const log = await openEvidence({ directory, clock });
  for (let n = 1; n <= count; n += 1) await log.append([stopped(`reason ${n}`)]);
  await log.close();
  const files = (await readdir(directory)).filter((name) => name.endsWith(".ndjson")).sort();
  return join(directory, files.at(-1) ?? "");
}

describe("what lies on disk", () => {
  it("is one line an entry that anyone can check with a JSON parser and SHA-256", async () => {
    const path = await written(2);
    expect(path).toBe(join(directory, "evidence-2026-01-15.ndjson"));
    const lines = (await readFile(path, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map((line) => Object.keys(line))).toEqual(lines.map(() => ["seq", "prev", "at", "entry", "hash"]));
    expect(lines[0]).toMatchObject({ seq: 1, prev: "0".repeat(64), at: clock.now(), entry: { type: "agent.stopped", reason: "reason 1" } });
    const [at, seq, prev] = ["at", "seq", "prev"].map((name) => String(lines[1]?.[name]));
    expect(prev).toBe(lines[0]?.["hash"]);
    const hashed = `{"at":${at},"entry":{"at":0,"reason":"reason 2","type":"agent.stopped"},"prev":"${prev}","seq":${seq}}`;
    expect(lines[1]?.["hash"]).toBe(createHash("sha256").update(hashed).digest("hex"));
  });

  it("is readable by the agent's user alone", async () => {
    expect((await stat(await written(1))).mode & 0o077).toBe(0);
  });

  it("is one file a UTC day, and the chain runs through all of them", async () => {
    const log = await openEvidence({ directory, clock });
    for (let day = 0; day < 3; day += 1) {
      await log.append([stopped(`day ${day}`)]);
      await clock.advance(DAY);
    }
    await log.close();
    const files = (await readdir(directory)).filter((name) => name.endsWith(".ndjson")).sort();
    expect(files).toEqual(["evidence-2026-01-15.ndjson", "evidence-2026-01-16.ndjson", "evidence-2026-01-17.ndjson"]);
    expect(await verifyEvidence({ directory })).toMatchObject({ entries: 3, problems: [] });
  });

  it("goes on in the newest file when the clock jumped back, also after a restart", async () => {
    await written(1);
    clock.jump(-3 * DAY);
    const path = await written(1);
    expect(path).toBe(join(directory, "evidence-2026-01-15.ndjson"));
    expect(await verifyEvidence({ directory })).toMatchObject({ entries: 2, problems: [] });
  });
});

describe("opening", () => {
  it("goes on where the log ended", async () => {
    await written(2);
    const log = await openEvidence({ directory, clock });
    expect(log.head().seq).toBe(2);
    expect(log.repaired).toBeNull();
    expect((await log.append([stopped("more")])).seq).toBe(3);
    expect(await readAll(log)).toHaveLength(3);
    await log.close();
  });

  it("finds the end of a log whose lines are longer than one read", async () => {
    const log = await openEvidence({ directory, clock });
    await log.append([stopped("x".repeat(700_000)), stopped("y".repeat(3_000_000))]);
    const head = log.head();
    await log.close();
    expect(await readHead(directory)).toEqual(head);
  });

  it.each([
    ["half a line", '{"seq":3,"prev":"00'],
    ["a line of no JSON with its end", '{"seq":3,"prev"\u0000\u0000\n'],
    ["zero bytes, as a power cut leaves them", "\0".repeat(4096)],
  ])("cuts off %s at the very end, says so, and goes on", async (_, rest) => {
    const path = await written(2);
    await appendFile(path, rest);
    expect(await readHead(directory)).toMatchObject({ seq: 2 });
    const log = await openEvidence({ directory, clock });
    expect(log.repaired).toEqual({ file: "evidence-2026-01-15.ndjson", bytes: Buffer.byteLength(rest) });
    expect((await log.append([stopped("more")])).seq).toBe(3);
    await log.close();
    expect(await verifyEvidence({ directory, head: (await readHead(directory)).hash })).toMatchObject({ tailProven: true, problems: [] });
  });

  it("cuts off a torn first line of a new day", async () => {
    await written(2);
    await writeFile(join(directory, "evidence-2026-01-16.ndjson"), '{"seq":3,"pr');
    const log = await openEvidence({ directory, clock });
    expect(log.repaired?.bytes).toBe(12);
    expect((await log.append([stopped("more")])).seq).toBe(3);
    await log.close();
    expect(await verifyEvidence({ directory })).toMatchObject({ entries: 3, problems: [] });
  });

  it("goes on after a new day's file that was made and never written", async () => {
    await written(2);
    await writeFile(join(directory, "evidence-2026-01-16.ndjson"), "");
    expect((await openEvidence({ directory, clock }).then(async (log) => (await log.close(), log.head()))).seq).toBe(2);
  });

  it("keeps a last line that is whole but for its line end", async () => {
    const path = await written(2);
    await truncate(path, (await stat(path)).size - 1);
    const log = await openEvidence({ directory, clock });
    expect(log.repaired).toBeNull();
    expect((await log.append([stopped("more")])).seq).toBe(3);
    await log.close();
    expect(await verifyEvidence({ directory })).toMatchObject({ entries: 3, problems: [] });
  });

  it("refuses an end that was changed instead of torn, and leaves it as it is", async () => {
    const path = await written(2);
    const changed = (await readFile(path, "utf8")).replace("reason 2", "reason X");
    await writeFile(path, changed);
    await expect(openEvidence({ directory, clock })).rejects.toMatchObject({ kind: "damaged", code: "evidence-damaged" });
    expect(await readFile(path, "utf8")).toBe(changed);
  });

  it("refuses two broken lines at the end: a kill tears one", async () => {
    const path = await written(1);
    await appendFile(path, "nonsense\nmore nonse");
    await expect(openEvidence({ directory, clock })).rejects.toMatchObject({ kind: "damaged" });
  });

  it("refuses a directory that another agent uses, and names its process; closing or failing to open frees it", async () => {
    const log = await openEvidence({ directory, clock, pid: 4711 });
    const second = openEvidence({ directory, clock });
    await expect(second).rejects.toMatchObject({ kind: "config", code: "evidence-locked" });
    await expect(second).rejects.toThrow("4711");
    await log.close();
    const path = await written(1);
    await writeFile(path, (await readFile(path, "utf8")).replace("reason 1", "reason X"));
    for (let n = 0; n < 2; n += 1) await expect(openEvidence({ directory, clock })).rejects.toMatchObject({ code: "evidence-damaged" });
  });

  it("takes over the lock of an agent that was killed", async () => {
    await mkdir(directory, { recursive: true });
    const code = `import { openEvidence } from ${JSON.stringify(new URL("../../../agent/evidence/log.ts", import.meta.url).href)};
      await openEvidence({ directory: ${JSON.stringify(directory)}, clock: { now: () => 0 } });
      process.kill(process.pid, "SIGKILL");`;
    const child = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", code], {
      encoding: "utf8",
    });
    expect({ signal: child.signal, said: child.stderr }).toEqual({ signal: "SIGKILL", said: "" });
    const log = await openEvidence({ directory, clock });
    await log.append([stopped("alive")]);
    await log.close();
  });

  it("says that a directory cannot be made", async () => {
    await writeFile(directory, "a file lies here");
    await expect(openEvidence({ directory, clock })).rejects.toMatchObject({ kind: "config", code: "evidence-cannot-open" });
  });
});

describe("a disk that fails", () => {
  type Step = "open" | "write" | "sync" | "truncate" | "directory";
  /** Fails at the given calls of each step, from 1; a failing write has written half. */
  function failing(faults: Partial<Record<Step, readonly number[]>>, code = "ENOSPC"): EvidenceDisk & { readonly log: Step[] } {
    const log: Step[] = [];
    const step = (name: Step): void => {
      log.push(name);
      const call = log.filter((one) => one === name).length;
      if (faults[name]?.includes(call) === true) throw Object.assign(new Error(`${code}: planned`), { code });
    };
    return {
      log,
      async open(path) {
        step("open");
        const file = await realDisk.open(path);
        return {
          ...file,
          async write(bytes, position) {
            try {
              step("write");
            } catch (thrown) {
              await file.write(bytes.subarray(0, bytes.length / 2), position);
              throw thrown;
            }
            await file.write(bytes, position);
          },
          async sync() {
            step("sync");
            await file.sync();
          },
          async truncate(length) {
            step("truncate");
            await file.truncate(length);
          },
        };
      },
      async syncDirectory(path) {
        step("directory");
        await realDisk.syncDirectory(path);
      },
    };
  }

  it.each([
    ["a write", { write: [2] }],
    ["an fsync", { sync: [2] }],
    ["a write, and the repair after it,", { write: [2], truncate: [1] }],
    ["opening a new day's file", { open: [2] }],
    ["the fsync of the directory", { directory: [2] }],
  ] as const)("%s that fails rejects the append, leaves nothing half written, and the log goes on", async (_, faults) => {
    const log = await openEvidence({ directory, clock, disk: failing(faults) });
    const before = await log.append([stopped("one")]);
    if ("open" in faults || "directory" in faults) await clock.advance(DAY);
    await expect(log.append([stopped("two"), stopped("three")])).rejects.toMatchObject({ kind: "limit", code: "evidence-disk-full" });
    expect(log.head()).toEqual(before);
    const after = await log.append([stopped("four")]);
    expect(after.seq).toBe(2);
    expect((await readAll(log)).map(({ entry }) => (entry.type === "agent.stopped" ? entry.reason : ""))).toEqual(["one", "four"]);
    await log.close();
    expect(await verifyEvidence({ directory, head: after.hash })).toMatchObject({ entries: 2, tailProven: true, problems: [] });
  });

  it("other failures than a full disk say so", async () => {
    const log = await openEvidence({ directory, clock, disk: failing({ sync: [1] }, "EIO") });
    await expect(log.append([stopped("one")])).rejects.toMatchObject({ kind: "limit", code: "evidence-not-written" });
    await log.close();
  });

  it("fsyncs before an append resolves, the directory too when a file is new, and once for all that came together", async () => {
    const disk = failing({});
    const log = await openEvidence({ directory, clock, disk });
    await log.append([stopped("one")]);
    expect(disk.log).toEqual(["open", "directory", "write", "sync"]);
    const first = log.append([stopped("two")]);
    const others = Array.from({ length: 100 }, (_, n) => log.append([stopped(`${n}`)]));
    await Promise.all([first, ...others]);
    expect(disk.log.filter((step) => step === "sync").length).toBeLessThanOrEqual(3);
    await log.close();
  });
});

describe("reading", () => {
  it("opens only the files that can hold what is asked for", async () => {
    const log = await openEvidence({ directory, clock });
    for (let day = 0; day < 4; day += 1) {
      await log.append([stopped(`${day} a`), stopped(`${day} b`)]);
      await clock.advance(DAY);
    }
    await writeFile(join(directory, "evidence-2026-01-15.ndjson"), "nobody looks here\n");
    expect((await readAll(log, 4)).map((one) => one.seq)).toEqual([5, 6, 7, 8]);
    expect((await readAll(log, 5)).map((one) => one.seq)).toEqual([6, 7, 8]);
    await log.close();
  });

  it("throws at the first broken link, after what came before it", async () => {
    const path = await written(4);
    const log = await openEvidence({ directory, clock });
    await writeFile(path, (await readFile(path, "utf8")).replace("reason 3", "reason X"));
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { seq } of log.read(0)) seen.push(seq);
    })();
    await expect(reading).rejects.toMatchObject({ kind: "damaged", code: "evidence-damaged" });
    await expect(reading).rejects.toThrow("line 3");
    expect(seen).toEqual([1, 2]);
    await log.close();
  });

  it.each([
    ["the first line", (lines: string[]) => lines.slice(1)],
    ["a line", (lines: string[]) => lines.toSpliced(1, 1)],
    ["the last line", (lines: string[]) => lines.slice(0, -1)],
  ])("throws when %s is missing", async (_, change) => {
    const path = await written(4);
    const log = await openEvidence({ directory, clock });
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    await writeFile(
      path,
      change(lines)
        .map((line) => `${line}\n`)
        .join(""),
    );
    await expect(readAll(log)).rejects.toMatchObject({ kind: "damaged" });
    await log.close();
  });

  it("works beside a writer, and leaves out a line that is just being written", async () => {
    const path = await written(2);
    await appendFile(path, '{"seq":3,"prev":"');
    const seen: number[] = [];
    for await (const { seq } of readEntries(directory, 0)) seen.push(seq);
    expect(seen).toEqual([1, 2]);
  });

  it("says that there is nothing to read instead of finding nothing wrong", async () => {
    const reading = readEntries(join(directory, "nowhere"), 0).next();
    await expect(reading).rejects.toMatchObject({ kind: "not_found", code: "evidence-missing" });
    await expect(verifyEvidence({ directory: join(directory, "nowhere") })).rejects.toMatchObject({ kind: "not_found" });
  });
});
