import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canonicalJson, NO_HASH, parseLine, renderLine } from "../../../agent/evidence/line.ts";
import { openEvidence } from "../../../agent/evidence/log.ts";
import { type EvidenceReport, verifyEvidence } from "../../../agent/evidence/verify.ts";
import { stopped } from "../../contracts/evidence.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { temporaryDirectory } from "../../doubles/temporary.ts";

const DAY = 86_400_000;
const PER_FILE = [4, 1, 5, 3] as const;
const TOTAL = 13;
const FILES = [
  "evidence-2026-01-15.ndjson",
  "evidence-2026-01-16.ndjson",
  "evidence-2026-01-17.ndjson",
  "evidence-2026-01-18.ndjson",
] as const;
const LAST = FILES[3];

/** File → its lines without line ends. */
type Log = Map<string, string[]>;

let root: string;
let dispose: () => Promise<void>;
let original: Log;
let head: string;
let tries = 0;

beforeAll(async () => {
  ({ path: root, dispose } = await temporaryDirectory());
  const clock = fakeClock();
  const log = await openEvidence({ directory: join(root, "original"), clock });
  let n = 0;
  for (const count of PER_FILE) {
    for (let index = 0; index < count; index += 1) await log.append([stopped(`reason ${(n += 1)}: Grüße, "quoted" \\`, n)]);
    await clock.advance(DAY);
  }
  head = log.head().hash;
  await log.close();
  original = new Map();
  for (const file of FILES) original.set(file, (await readFile(join(root, "original", file), "utf8")).trimEnd().split("\n"));
});
afterAll(() => dispose());

async function verifyBytes(files: ReadonlyMap<string, string | Uint8Array>, withHead = true): Promise<EvidenceReport> {
  const directory = join(root, `try-${(tries += 1)}`);
  await mkdir(directory);
  try {
    for (const [file, bytes] of files) await writeFile(join(directory, file), bytes);
    return await verifyEvidence({ directory, ...(withHead ? { head } : {}) });
  } finally {
    await rm(directory, { recursive: true });
  }
}

function bytesOf(log: Log): Map<string, string> {
  return new Map([...log].map(([file, lines]) => [file, lines.map((line) => `${line}\n`).join("")]));
}

const verify = (log: Log, withHead = true): Promise<EvidenceReport> => verifyBytes(bytesOf(log), withHead);
const copy = (): Log => new Map([...original].map(([file, lines]) => [file, [...lines]]));

/** File and index of entry `seq`. */
function whereIs(seq: number): { readonly file: (typeof FILES)[number]; readonly index: number } {
  let before = 0;
  for (const [n, count] of PER_FILE.entries()) {
    const file = FILES[n];
    if (seq <= before + count && file !== undefined) return { file, index: seq - before - 1 };
    before += count;
  }
  throw new Error(`there is no entry ${seq}`);
}

const lineOf = (seq: number): string => original.get(whereIs(seq).file)?.[whereIs(seq).index] ?? "";
function put(log: Log, seq: number, ...lines: string[]): void {
  const { file, index } = whereIs(seq);
  log.get(file)?.splice(index, 1, ...lines);
}

/** Numbers that the problems name, those about the head apart. */
function named(report: EvidenceReport): number[] {
  const seqs = new Set<number>();
  for (const { kind, seq, through } of report.problems) {
    if (kind === "head-mismatch" || seq === null) continue;
    for (let n = seq; n <= (through ?? seq); n += 1) seqs.add(n);
  }
  return [...seqs].sort((a, b) => a - b);
}

const kinds = (report: EvidenceReport): string[] => [...new Set(report.problems.map((problem) => problem.kind))].sort();
const anySeq = fc.integer({ min: 1, max: TOTAL });

describe("an untouched log", () => {
  it("verifies, and with its head the end is proven", async () => {
    expect(await verify(original)).toEqual({
      entries: TOTAL,
      head: { seq: TOTAL, hash: head },
      tailProven: true,
      provenThrough: TOTAL,
      problems: [],
      untold: 0,
    });
  });

  it("has an unproven end without a head", async () => {
    expect(await verify(original, false)).toMatchObject({ entries: TOTAL, tailProven: false, provenThrough: null, problems: [] });
  });

  it("is proven up to the entry of an older head, in whatever case it is written", async () => {
    const older = parseLine(Buffer.from(lineOf(9)))?.hash ?? "";
    const report = await verifyEvidence({ directory: join(root, "original"), head: older.toUpperCase() });
    expect(report).toMatchObject({ tailProven: false, provenThrough: 9, problems: [] });
  });

  it("may be empty", async () => {
    expect(await verifyBytes(new Map(), false)).toMatchObject({ entries: 0, head: { seq: 0, hash: NO_HASH }, problems: [] });
    expect(kinds(await verifyBytes(new Map()))).toEqual(["head-mismatch"]);
  });
});

describe("a single tampering is found and its entry named", () => {
  it("any byte changed to any other", async () => {
    const property = fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.constantFrom(...FILES), async (place, flip, file) => {
      const bytes = new Map([...bytesOf(original)].map(([name, text]) => [name, Buffer.from(text)]));
      const changed = bytes.get(file) ?? Buffer.alloc(0);
      const at = place % changed.length;
      const seqs = entriesAt(file, changed, at);
      changed[at] = (changed[at] ?? 0) ^ flip;
      const report = await verifyBytes(bytes);
      expect(named(report)).toEqual(seqs);
      expect(kinds(report).every((kind) => ["changed", "missing", "torn", "foreign", "head-mismatch"].includes(kind))).toBe(true);
    });
    await fc.assert(property, { numRuns: 300, seed: 20_261_123 });
  });

  /** The entry a byte belongs to; a line end that goes joins it with the next one, and at the end of a file with none. */
  function entriesAt(file: string, bytes: Buffer, at: number): number[] {
    const before = FILES.slice(0, FILES.indexOf(file as (typeof FILES)[number])).reduce((sum, _, n) => sum + (PER_FILE[n] ?? 0), 0);
    const seq = before + bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
    const joins = bytes[at] === 0x0a && at < bytes.length - 1;
    return joins ? [seq, seq + 1] : [seq];
  }

  it("any byte removed or added", async () => {
    const property = fc.asyncProperty(
      fc.nat(),
      fc.nat({ max: 255 }),
      fc.boolean(),
      fc.constantFrom(...FILES),
      async (place, byte, adds, file) => {
        const bytes = new Map([...bytesOf(original)].map(([name, text]) => [name, Buffer.from(text)]));
        const before = bytes.get(file) ?? Buffer.alloc(0);
        const at = place % before.length;
        const seqs = entriesAt(file, before, at);
        bytes.set(file, Buffer.concat([before.subarray(0, at), Buffer.from(adds ? [byte] : []), before.subarray(at + (adds ? 0 : 1))]));
        const report = await verifyBytes(bytes);
        expect(report.problems).not.toEqual([]);
        // A line end added before a line makes a line of its own, that belongs to no entry.
        const empty = adds && byte === 0x0a && (at === 0 || before[at - 1] === 0x0a || before[at] === 0x0a);
        expect(named(report)).toEqual(empty ? [] : adds ? seqs.slice(0, 1) : seqs);
        expect(kinds(report).join() === "foreign").toBe(empty);
      },
    );
    await fc.assert(property, { numRuns: 300, seed: 7 });
  });

  it("an entry changed together with its hash, by the entry after it; the last one only by the head", async () => {
    const property = fc.asyncProperty(anySeq, fc.string(), async (seq, reason) => {
      const line = parseLine(Buffer.from(lineOf(seq)));
      const log = copy();
      put(log, seq, renderLine(seq, line?.prev ?? "", line?.at ?? 0, canonicalJson(stopped(`forged ${reason}`))).text);
      const report = await verify(log);
      expect(named(report)).toEqual(seq === TOTAL ? [] : [seq]);
      expect(kinds(report)).toEqual([seq === TOTAL ? "head-mismatch" : "changed"]);
      expect(named(await verify(log, false))).toEqual(seq === TOTAL ? [] : [seq]);
    });
    await fc.assert(property, { numRuns: 60, seed: 1 });
  });

  it("an entry given another number together with its hash", async () => {
    const property = fc.asyncProperty(fc.integer({ min: 2, max: TOTAL - 2 }), fc.integer({ min: 1, max: 9999 }), async (seq, other) => {
      fc.pre(seq !== other);
      const line = parseLine(Buffer.from(lineOf(seq)));
      const log = copy();
      put(log, seq, renderLine(other, line?.prev ?? "", 0, canonicalJson(stopped("forged"))).text);
      expect(named(await verify(log))).toContain(seq);
    });
    await fc.assert(property, { numRuns: 100, seed: 11 });
  });

  it("everything from an entry on written anew shows in the head alone", async () => {
    const log = copy();
    let prev = parseLine(Buffer.from(lineOf(6)))?.prev ?? "";
    for (let seq = 6; seq <= TOTAL; seq += 1) {
      const { text, hash } = renderLine(seq, prev, 0, canonicalJson(stopped(seq === 6 ? "forged" : `reason ${seq}`)));
      put(log, seq, text);
      prev = hash;
    }
    expect((await verify(log, false)).problems).toEqual([]);
    expect(kinds(await verify(log))).toEqual(["head-mismatch"]);
  });

  it("a line removed; the last one only with the head", async () => {
    const property = fc.asyncProperty(anySeq, async (seq) => {
      const log = copy();
      put(log, seq);
      const report = await verify(log);
      expect(named(report)).toEqual(seq === TOTAL ? [] : [seq]);
      expect(kinds(report)).toEqual([seq === TOTAL ? "head-mismatch" : "missing"]);
      expect((await verify(log, false)).problems.length).toBe(seq === TOTAL ? 0 : 1);
    });
    await fc.assert(property, { numRuns: 40, seed: 2 });
  });

  it("two lines that changed places", async () => {
    const property = fc.asyncProperty(anySeq, anySeq, async (one, other) => {
      fc.pre(one < other);
      const log = copy();
      put(log, one, lineOf(other));
      put(log, other, lineOf(one));
      const report = await verify(log);
      const seqs = named(report);
      expect(seqs).toEqual(expect.arrayContaining([one, other]));
      // Three neighbours in reverse: each of them is as much out of order as the others.
      expect(seqs.filter((seq) => other - one !== 2 || seq !== one + 1)).toEqual([one, other]);
      expect(kinds(report)).toContain("reordered");
    });
    await fc.assert(property, { numRuns: 120, seed: 3 });
  });

  it("a line moved elsewhere", async () => {
    const property = fc.asyncProperty(anySeq, anySeq, async (from, to) => {
      fc.pre(from !== to);
      const log = copy();
      if (to > from) put(log, to, lineOf(to), lineOf(from));
      else put(log, to, lineOf(from), lineOf(to));
      const { file } = whereIs(from);
      const own = log.get(file) ?? [];
      const places = own.flatMap((line, index) => (line === lineOf(from) ? [index] : []));
      // Where it was: after its new place when it moved up within its file.
      own.splice((to < from ? places.at(-1) : places[0]) ?? 0, 1);
      const report = await verify(log);
      const neighbours = Math.abs(from - to) === 1;
      expect(named(report)).toEqual(neighbours ? [Math.min(from, to), Math.max(from, to)] : [from]);
      expect(kinds(report)).toContain("reordered");
    });
    await fc.assert(property, { numRuns: 120, seed: 4 });
  });

  it("a line that lies there twice", async () => {
    const property = fc.asyncProperty(anySeq, anySeq, async (seq, at) => {
      const log = copy();
      put(log, at, lineOf(at), lineOf(seq));
      const report = await verify(log);
      expect(named(report)).toEqual([seq]);
      expect(kinds(report)).toEqual(["duplicate"]);
    });
    await fc.assert(property, { numRuns: 120, seed: 5 });
  });

  it("a line that is none of ours", async () => {
    const property = fc.asyncProperty(anySeq, fc.string({ maxLength: 40 }), async (at, text) => {
      fc.pre(!text.includes("\n"));
      const log = copy();
      put(log, at, text, lineOf(at));
      const report = await verify(log);
      expect(kinds(report)).toEqual(["foreign"]);
      const { file, index } = whereIs(at);
      expect(report.problems).toMatchObject([{ file, line: index + 1, seq: null }]);
    });
    await fc.assert(property, { numRuns: 60, seed: 6 });
  });

  it("a file cut anywhere; at the end of the log between two lines only with the head", async () => {
    const property = fc.asyncProperty(fc.constantFrom(...FILES), fc.nat(), async (file, place) => {
      const bytes = new Map([...bytesOf(original)].map(([name, text]) => [name, Buffer.from(text)]));
      const whole = bytes.get(file) ?? Buffer.alloc(0);
      const cut = whole.subarray(0, place % whole.length);
      bytes.set(file, cut);
      const report = await verifyBytes(bytes);
      const first = entriesAt(file, whole, cut.length)[0] ?? 0;
      const clean = cut.length === 0 || cut.at(-1) === 0x0a;
      const ofFile = FILES.indexOf(file);
      const end = PER_FILE.slice(0, ofFile + 1).reduce((sum, count) => sum + count, 0);
      const lost = Array.from({ length: end - first + 1 }, (_, n) => first + n);
      const shown = file !== LAST ? lost : clean ? [] : lost.slice(0, 1);
      expect(named(report)).toEqual(shown);
      // A last line that lacks nothing but its end is the head all the same.
      const wholeLine = whole[cut.length] === 0x0a && first === TOTAL;
      expect(kinds(report).includes("head-mismatch")).toBe(file === LAST && !wholeLine);
      expect(named(await verifyBytes(bytes, false))).toEqual(shown);
    });
    await fc.assert(property, { numRuns: 200, seed: 8 });
  });

  it.each(FILES)("file %s removed", async (file) => {
    const log = copy();
    const seqs = Array.from({ length: TOTAL }, (_, n) => n + 1).filter((seq) => whereIs(seq).file === file);
    log.delete(file);
    const report = await verify(log);
    expect(named(report)).toEqual(file === LAST ? [] : seqs);
    expect(kinds(report)).toEqual([file === LAST ? "head-mismatch" : "missing"]);
    expect(report.problems).toHaveLength(1);
  });

  it("two files that changed names", async () => {
    const property = fc.asyncProperty(fc.nat({ max: 3 }), fc.nat({ max: 3 }), async (one, other) => {
      fc.pre(one < other);
      const files = [FILES[one], FILES[other]] as const;
      const log = copy();
      log.set(files[0] ?? "", original.get(files[1] ?? "") ?? []);
      log.set(files[1] ?? "", original.get(files[0] ?? "") ?? []);
      const report = await verify(log);
      expect(kinds(report)).toEqual(["reordered"]);
      const within = Array.from({ length: TOTAL }, (_, n) => n + 1).filter((seq) => {
        const at = FILES.indexOf(whereIs(seq).file);
        return at >= one && at <= other;
      });
      expect(within).toEqual(expect.arrayContaining(named(report)));
      const lighter = (PER_FILE[one] ?? 0) < (PER_FILE[other] ?? 0) ? files[0] : files[1];
      expect(named(report)).toEqual(expect.arrayContaining(within.filter((seq) => whereIs(seq).file === lighter)));
    });
    await fc.assert(property, { numRuns: 20, seed: 9 });
  });

  it.each(["evidence-2020-01-01.ndjson", "evidence-2026-01-19.ndjson"])("a file copied to %s", async (name) => {
    for (const file of FILES) {
      const log = copy();
      log.set(name, original.get(file) ?? []);
      const report = await verify(log);
      expect(kinds(report)).toEqual(["duplicate"]);
      expect(named(report).every((seq) => whereIs(seq).file === file)).toBe(true);
      expect(named(report)).toHaveLength(original.get(file)?.length ?? 0);
    }
  });

  it("a file that only looks like one of the log", async () => {
    const log = copy();
    log.set("evidence-2026-1-15.ndjson", []);
    expect((await verify(log)).problems).toMatchObject([{ kind: "foreign", file: "evidence-2026-1-15.ndjson" }]);
  });
});

describe("several tamperings", () => {
  it("are all named, each by its own kind and place", async () => {
    const log = copy();
    put(log, 13, lineOf(13), lineOf(13));
    put(log, 11, lineOf(8));
    put(log, 8, lineOf(11));
    put(log, 6);
    put(log, 2, lineOf(2).replace("reason", "REASON"));
    const report = await verify(log);
    expect(report.problems.map(({ kind, seq, file, line }) => [kind, seq, file.slice(9, 19), line])).toEqual([
      ["changed", 2, "2026-01-15", 2],
      ["missing", 6, "2026-01-17", 1],
      ["reordered", 8, "2026-01-18", 1],
      ["reordered", 11, "2026-01-17", 2],
      ["duplicate", 13, "2026-01-18", 4],
    ]);
    expect(report.problems.map((problem) => problem.sentence)).toEqual([
      "Entry 2 (evidence-2026-01-15.ndjson line 2) was changed after it was written.",
      "Entry 6 is missing: it should lie before evidence-2026-01-17.ndjson line 1.",
      "Entry 8 is out of order at evidence-2026-01-18.ndjson line 1.",
      "Entry 11 is out of order at evidence-2026-01-17.ndjson line 2.",
      "Entry 13 lies there once more at evidence-2026-01-18.ndjson line 4.",
    ]);
  });

  it("neighbours changed together are each named", async () => {
    const log = copy();
    for (const seq of [7, 8, 9]) put(log, seq, lineOf(seq).replace("Grüße", "Gruesse"));
    expect(named(await verify(log))).toEqual([7, 8, 9]);
  });

  it("any set of changed and removed entries is named exactly", async () => {
    const property = fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: TOTAL - 1 }), { minLength: 1, maxLength: 8 }),
      fc.nat(),
      async (seqs, bits) => {
        const log = copy();
        for (const seq of [...seqs].sort((a, b) => b - a)) {
          if (((bits >> seq) & 1) === 0) put(log, seq);
          else put(log, seq, lineOf(seq).replace("reason", "REASON"));
        }
        expect(named(await verify(log))).toEqual([...seqs].sort((a, b) => a - b));
      },
    );
    await fc.assert(property, { numRuns: 150, seed: 10 });
  });
});

it("reads a long log in little memory and time", async () => {
  const directory = join(root, "long");
  await mkdir(directory);
  let prev = NO_HASH;
  const lines: string[] = [];
  for (let seq = 1; seq <= 50_000; seq += 1) {
    const { text, hash } = renderLine(seq, prev, seq, canonicalJson(stopped("x".repeat(200), seq)));
    lines.push(text);
    prev = hash;
  }
  lines[30_000] = (lines[30_000] ?? "").replace("xxx", "xyx");
  await writeFile(join(directory, "evidence-2026-01-15.ndjson"), lines.map((line) => `${line}\n`).join(""));
  const report = await verifyEvidence({ directory, head: prev });
  expect(report.entries).toBe(49_999);
  expect(report.problems.map(({ kind, seq }) => [kind, seq])).toEqual([["changed", 30_001]]);
  expect((await readdir(directory)).length).toBe(1);
});
