/**
 * What every Sandbox keeps to. An implementation's whole test is one call:
 *
 *   sandboxContract("duckdb", { create: (options) => duckdb.create(options), skips: [] });
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContentRecord } from "../../agent/core/content.ts";
import { AgentError } from "../../agent/core/errors.ts";
import type { BulkContent, Content, Row, Sandbox, SampleRequest } from "../../agent/core/ports.ts";
import type { SandboxDefinition } from "../../agent/core/definitions.ts";
import { collection, field, memoryContent, record } from "../doubles/content.ts";

export interface SandboxSuite {
  readonly create: SandboxDefinition["create"];
  readonly skips: readonly { readonly case: string; readonly reason: string }[];
}

export const EVERYTHING: SampleRequest = { strategy: "all", count: 0, rate: 1, seed: "", always: [] };
const LIMITS = { memoryMb: 128, diskMb: 64, threads: 2 };
const never = new AbortController().signal;

/** Short lists, long ones, and one longer than a whole chunk. */
function lengthAt(n: number): number {
  if (n === 77) return 5001;
  return n % 7 === 6 ? 300 : n % 7;
}

/** What two collections' sample kept. */
function chosen(from: Sandbox): Promise<readonly Row[]> {
  return from.query("SELECT 0 AS c, k, n FROM t0 UNION ALL SELECT 1, k, n FROM t1 ORDER BY c, n");
}

const people = collection("people", [
  field("name"),
  field("age", "integer"),
  field("tags", "choices", { options: ["a", "b"] }),
  field("boss", "link", { link: { collection: "people", many: false, reciprocal: null } }),
]);

function peopleRows(count: number): ContentRecord[] {
  return Array.from({ length: count }, (_, n) =>
    record(String(n), [`name ${n}`, String(n), n % 2 === 0 ? ["a", "b"] : null, n === 0 ? null : "0"]),
  );
}

export function sandboxContract(name: string, suite: SandboxSuite): void {
  const run = (title: string, body: () => Promise<void>): void => {
    const skip = suite.skips.find((entry) => entry.case === title);
    // oxlint-disable-next-line vitest/expect-expect, vitest/no-conditional-tests, vitest/valid-title -- every body below asserts
    if (skip === undefined) test(title, body);
    // oxlint-disable-next-line vitest/no-conditional-tests -- a case left out says why
    else test(`${title} (left out: ${skip.reason})`, () => expect(skip.reason).not.toBe(""));
  };

  describe(`sandbox contract: ${name}`, () => {
    let directory = "";
    let outside = "";
    let sandbox: Sandbox;
    beforeEach(async () => {
      const base = await mkdtemp(join(tmpdir(), "rw-sandbox-"));
      directory = join(base, "own");
      outside = join(base, "outside");
      await mkdir(directory);
      await mkdir(outside);
      sandbox = suite.create();
    });
    afterEach(async () => {
      await sandbox.dispose();
      await rm(join(directory, ".."), { recursive: true, force: true });
    });
    const load = async (content: Content, sample: SampleRequest = EVERYTHING) => {
      await sandbox.provision(directory, LIMITS);
      return sandbox.load(content, sample, never);
    };

    run("loads every record with its key, order, times and values", async () => {
      const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
      const rows = [
        record("r1", ["Ann", "12345678901234567890", ["a", "b"], null], { createdAt: at, updatedAt: null }),
        record("r2", [null, null, null, "r1"]),
      ];
      const report = await load(memoryContent({ collections: [people], rows: { people: rows } }));
      const [table] = report.tables;
      expect(table).toMatchObject({ read: 2, loaded: 2, keyed: 2 });
      expect([report.population, report.checked]).toEqual([2, 2]);
      expect(table?.columns.map((column) => [column.field.id, column.column, column.list])).toEqual([
        ["name", "c0", false],
        ["age", "c1", false],
        ["tags", "c2", true],
        ["boss", "c3", false],
      ]);
      expect(await sandbox.query(`SELECT * FROM ${table?.table} ORDER BY n`)).toEqual([
        {
          k: "r1",
          n: 0,
          created_at: "2026-01-02T03:04:05.678Z",
          updated_at: null,
          c0: "Ann",
          c1: "12345678901234567890",
          c2: ["a", "b"],
          c3: null,
        },
        { k: "r2", n: 1, created_at: null, updated_at: null, c0: null, c1: null, c2: null, c3: "r1" },
      ]);
      expect(await sandbox.query(`SELECT k, n FROM ${table?.keys} ORDER BY n`)).toEqual([
        { k: "r1", n: 0 },
        { k: "r2", n: 1 },
      ]);
    });

    run("keeps text as it is: quotes, line ends, NUL, emoji, long", async () => {
      const texts = ['it\'s "so"', "a\r\nb", "a\u0000b", "😀 ünïcödé", "x".repeat(300_000), "   "];
      const only = collection("notes", [field("text")]);
      const report = await load(memoryContent({ collections: [only], rows: { notes: texts.map((text, n) => record(String(n), [text])) } }));
      const rows = await sandbox.query(`SELECT c0 FROM ${report.tables[0]?.table} ORDER BY n`);
      expect(rows.map((row) => row["c0"])).toEqual(texts);
    });

    run("keeps lists of every length in their rows, across batches", async () => {
      const only = collection("lists", [field("refs", "links", { link: { collection: "lists", many: true, reciprocal: null } })]);
      const rows = Array.from({ length: 5000 }, (_, n) => record(String(n), [Array.from({ length: lengthAt(n) }, (__, i) => `${n}-${i}`)]));
      const report = await load(memoryContent({ collections: [only], rows: { lists: rows }, batch: 700 }));
      const wrong = await sandbox.query(
        `SELECT k FROM ${report.tables[0]?.table} WHERE coalesce(len(c0), 0) <> CASE WHEN n = 77 THEN 5001 WHEN n % 7 = 6 THEN 300 ELSE n % 7 END
         OR (n % 7 <> 0 AND (c0[1] <> k || '-0' OR c0[-1] <> k || '-' || (len(c0) - 1)))`,
      );
      expect(wrong).toEqual([]);
    });

    run("makes empty values NULL, and keeps what does not fit its type", async () => {
      const report = await load(
        memoryContent({
          collections: [people],
          rows: { people: [record("1", ["", "not a number", [], null]), record("2", ["x", "1", "raw", null])] },
        }),
      );
      expect(await sandbox.query(`SELECT c0, c1, c2 FROM ${report.tables[0]?.table} ORDER BY n`)).toEqual([
        { c0: null, c1: "not a number", c2: null },
        { c0: "x", c1: "1", c2: ["raw"] },
      ]);
    });

    run("keeps duplicate keys, collections without records and names that are not words", async () => {
      const odd = collection('odd "name"; DROP TABLE t0', [field("a'b; --")]);
      const report = await load(
        memoryContent({ collections: [people, odd], rows: { [odd.id]: [record("same", ["1"]), record("same", ["2"])] } }),
      );
      expect(report.tables.map((table) => [table.read, table.loaded, table.keyed])).toEqual([
        [0, 0, 0],
        [2, 2, 2],
      ]);
    });

    run("does not count computed collections as items", async () => {
      const derived = collection("summary", [field("x")], { computed: true });
      const report = await load(
        memoryContent({ collections: [people, derived], rows: { people: peopleRows(3), summary: [record("1", ["x"])] } }),
      );
      expect([report.population, report.checked]).toEqual([3, 3]);
    });

    run("keeps exactly the wanted number over all collections, the same for the same seed, and every key", async () => {
      const other = collection("other", [field("x")]);
      const content = memoryContent({
        collections: [people, other],
        rows: { people: peopleRows(500), other: Array.from({ length: 300 }, (_, n) => record(`o${n % 100}`, ["x"])) },
      });
      const sample: SampleRequest = { strategy: "count", count: 100, rate: 0, seed: "abcd", always: [] };
      const report = await load(content, sample);
      expect([report.population, report.checked]).toEqual([800, 100]);
      expect(report.tables.map((table) => table.keyed)).toEqual([500, 300]);
      const first = await chosen(sandbox);
      const again = suite.create();
      const second = suite.create();
      try {
        await mkdir(join(directory, "again"));
        await again.provision(join(directory, "again"), LIMITS);
        await again.load(content, sample, never);
        expect(await chosen(again)).toEqual(first);
        await mkdir(join(directory, "second"));
        await second.provision(join(directory, "second"), LIMITS);
        await second.load(content, { ...sample, seed: "abce" }, never);
        expect(await chosen(second)).not.toEqual(first);
      } finally {
        await again.dispose();
        await second.dispose();
      }
    });

    run("a sample larger than the population is the population", async () => {
      const report = await load(memoryContent({ collections: [people], rows: { people: peopleRows(20) } }), {
        strategy: "count",
        count: 1000,
        rate: 0,
        seed: "00",
        always: [],
      });
      expect([report.population, report.checked]).toEqual([20, 20]);
    });

    run("keeps about the wanted rate, and always what was named", async () => {
      const content = memoryContent({ collections: [people], rows: { people: peopleRows(4000) } });
      const report = await load(content, {
        strategy: "rate",
        count: 0,
        rate: 0.1,
        seed: "77",
        always: [
          { collection: "people", key: "17" },
          { collection: "people", key: "no such key" },
          { collection: "elsewhere", key: "18" },
        ],
      });
      expect(report.population).toBe(4000);
      // Five standard deviations around 400.
      expect(report.checked).toBeGreaterThan(305);
      expect(report.checked).toBeLessThan(495);
      expect(await sandbox.query("SELECT k FROM t0 WHERE k = '17'")).toEqual([{ k: "17" }]);
    });

    run("answers in plain values, with parameters and a bound on rows", async () => {
      await sandbox.provision(directory, LIMITS);
      expect(
        await sandbox.query(
          "SELECT $1::VARCHAR AS a, $2 + 1 AS b, $3 AS c, $4::VARCHAR AS d, 9007199254740993 AS e, 1.50::DECIMAL(10, 2) AS f, DATE '2026-01-02' AS g, [1, NULL] AS h",
          ["x'y", 41, true, null],
        ),
      ).toEqual([{ a: "x'y", b: 42, c: true, d: null, e: 9007199254740993n, f: "1.50", g: "2026-01-02", h: ["1", null] }]);
      expect(await sandbox.query("SELECT range AS n FROM range(100000)", [], { maxRows: 3 })).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
      expect(await sandbox.query("SELECT range AS n FROM range(100000)")).toHaveLength(10_000);
    });

    run("an abort ends a running query at once, and only that one", async () => {
      await sandbox.provision(directory, LIMITS);
      const controller = new AbortController();
      const slow = sandbox.query("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 7", [], {
        signal: controller.signal,
      });
      const next = sandbox.query("SELECT 1 AS one");
      setTimeout(() => controller.abort(), 50);
      await expect(slow).rejects.toMatchObject({ kind: "transient", code: "aborted" });
      expect(await next).toEqual([{ one: 1 }]);
      await expect(sandbox.query("SELECT 1", [], { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    });

    run("an abort ends a load", async () => {
      const controller = new AbortController();
      const content = memoryContent({ collections: [people] });
      const endless: Content = {
        ...content,
        async *records() {
          for (let n = 0; ; n += 1) {
            if (n === 3) controller.abort();
            yield [record(String(n), [null, null, null, null])];
          }
        },
      };
      await sandbox.provision(directory, LIMITS);
      await expect(sandbox.load(endless, EVERYTHING, controller.signal)).rejects.toMatchObject({ name: "AbortError" });
    });

    run("passes on what the reader throws", async () => {
      const broken: Content = {
        ...memoryContent({ collections: [people] }),
        async *records() {
          yield [record("1", [null, null, null, null])];
          throw new AgentError("damaged", "page-broken", "A page is broken.");
        },
      };
      await expect(load(broken)).rejects.toMatchObject({ kind: "damaged", code: "page-broken" });
    });

    run("nothing outside its directory can be read, written or attached, and the lock holds", async () => {
      const secret = join(outside, "secret.csv");
      await writeFile(secret, "a\n1\n");
      await sandbox.provision(directory, LIMITS);
      for (const sql of [
        `SELECT * FROM read_csv('${secret}')`,
        `SELECT * FROM read_text('/etc/passwd')`,
        `SELECT * FROM glob('${outside}/*')`,
        `COPY (SELECT 1) TO '${join(outside, "out.csv")}'`,
        `ATTACH '${join(outside, "other.db")}'`,
        `ATTACH '${join(outside, "other.sqlite")}' (TYPE sqlite)`,
        `SELECT * FROM read_csv('${join(directory, "..", "outside", "secret.csv")}')`,
        "SET enable_external_access = true",
        "SET memory_limit = '8GB'",
        "SET threads = 64",
        "INSTALL httpfs",
        "LOAD sqlite",
      ]) {
        await expect(sandbox.query(sql)).rejects.toBeInstanceOf(AgentError);
      }
      expect(await readdir(outside)).toEqual(["secret.csv"]);
    });

    run("reads the paths it was created with, and no others", async () => {
      const file = join(outside, "part.csv");
      await writeFile(file, "a\n1\n");
      await writeFile(join(outside, "other.csv"), "a\n1\n");
      sandbox = suite.create({ readPaths: [file] });
      await sandbox.provision(directory, LIMITS);
      expect(await sandbox.query(`SELECT a FROM read_csv('${file}')`)).toEqual([{ a: 1 }]);
      await expect(sandbox.query(`SELECT a FROM read_csv('${join(outside, "other.csv")}')`)).rejects.toBeInstanceOf(AgentError);
    });

    run("bulk files give the same rows as the stream of records", async () => {
      const things = collection("things", [
        field("t"),
        field("n", "decimal"),
        field("b", "boolean"),
        field("at", "timestamp"),
        field("d", "date"),
        field("l", "choices"),
      ]);
      const lines = [
        { id: "1", t: "a", n: "12345678901234567.89", b: 1, at: "2026-01-02T03:04:05+02:00", d: "2026-01-02", l: ["z", "a", "z"] },
        { id: "2", t: "", n: "not a number", b: "maybe", at: "yesterday", d: null, l: [] },
        { id: "3", t: 'q"uo\nte', b: false, at: "2026-01-02T03:04:05.678Z" },
      ];
      const file = join(directory, "part.ndjson");
      await writeFile(file, lines.map((line) => JSON.stringify(line)).join("\n"));
      const rows = [
        record("1", ["a", "12345678901234567.89", "true", "2026-01-02T01:04:05.000Z", "2026-01-02", ["a", "z"]]),
        record("2", [null, "not a number", "maybe", "yesterday", null, null]),
        record("3", ['q"uo\nte', null, "false", "2026-01-02T03:04:05.678Z", null, null]),
      ];
      const stream = memoryContent({ collections: [things, { ...things, id: "again" }], rows: { things: rows } });
      const bulk: Content & BulkContent = {
        ...stream,
        bulk: (id) =>
          id === "again"
            ? { files: [file], kind: "ndjson", columns: things.fields.map((one) => ({ field: one.id, source: one.id })), keySource: "id" }
            : null,
      };
      const report = await load(bulk);
      expect(report.tables.map((table) => [table.read, table.loaded])).toEqual([
        [3, 3],
        [3, 3],
      ]);
      expect(await sandbox.query("SELECT * FROM t1 ORDER BY n")).toEqual(await sandbox.query("SELECT * FROM t0 ORDER BY n"));
    });

    run("disk used up is a limit of ours, not a finding", async () => {
      const wide = collection("wide", [field("x")]);
      const content: Content = {
        ...memoryContent({ collections: [wide] }),
        async *records() {
          for (let n = 0; n < 400; n += 1)
            yield [record(String(n), [Array.from({ length: 20_000 }, (_, i) => (n * 7919 * i).toString(36)).join("")])];
        },
      };
      await sandbox.provision(directory, { ...LIMITS, memoryMb: 32, diskMb: 4 });
      await expect(sandbox.load(content, EVERYTHING, never)).rejects.toMatchObject({ kind: "limit", code: "sandbox-disk" });
    });

    run("memory used up is a limit of ours, and the message holds no value", async () => {
      await sandbox.provision(directory, { memoryMb: 32, diskMb: 1, threads: 1 });
      const failure = sandbox.query("SELECT count(DISTINCT md5(range::VARCHAR) || 'secret-value') FROM range(20000000)");
      await expect(failure).rejects.toMatchObject({ kind: "limit" });
      const conversion = sandbox.query("SELECT ('secret-' || range::VARCHAR)::INTEGER FROM range(3)");
      await expect(conversion).rejects.toSatisfy((error: Error) => !inspect(error).includes("secret"));
    });

    run("dispose leaves nothing, works at any time, twice, and under a running query", async () => {
      const unused = suite.create();
      await unused.dispose();
      await load(memoryContent({ collections: [people], rows: { people: peopleRows(100) } }));
      const running = sandbox.query("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 7");
      await Promise.all([expect(running).rejects.toBeInstanceOf(AgentError), sandbox.dispose(), sandbox.dispose()]);
      await sandbox.dispose();
      expect(await readdir(directory)).toEqual([]);
      await expect(sandbox.query("SELECT 1")).rejects.toMatchObject({ code: "sandbox-not-ready" });
    });

    run("serves one drill only", async () => {
      await sandbox.provision(directory, LIMITS);
      await expect(sandbox.provision(directory, LIMITS)).rejects.toMatchObject({ code: "sandbox-used-twice" });
    });
  });
}
