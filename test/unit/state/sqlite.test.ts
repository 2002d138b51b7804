import { appendFile, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Kysely, sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connect, sqliteDialect } from "../../../agent/state/dialects/sqlite.ts";
import { openState, type SqliteState } from "../../../agent/state/sqlite.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { temporaryDirectory } from "../../doubles/temporary.ts";
import { someAlarm, someDrill, somePoint, someRun } from "../../doubles/values.ts";

const clock = fakeClock();
const DAY = 86_400_000;
let directory: string;
let path: string;
let dispose: () => Promise<void>;

beforeEach(async () => {
  ({ path: directory, dispose } = await temporaryDirectory());
  path = join(directory, "deep", "state.db");
});
afterEach(() => dispose());

/** Opens, works, closes. */
async function within<T>(work: (state: SqliteState) => Promise<T>, mode: "write" | "read" = "write"): Promise<T> {
  const state = await openState({ path, clock, mode });
  try {
    return await work(state);
  } finally {
    await state.close();
  }
}

/** Runs statements beside the agent's own code. */
function tamper(...statements: readonly string[]): void {
  const database = new DatabaseSync(path);
  for (const statement of statements) database.exec(statement);
  database.close();
}

describe("opening", () => {
  it("makes file and directories, readable by the agent's user alone, with the settings that lose nothing", async () => {
    await within(async () => undefined);
    expect((await stat(path)).mode & 0o077).toBe(0);
    const database = connect(path, "write");
    const value = (pragma: string): unknown => Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
    expect(["journal_mode", "synchronous", "foreign_keys", "busy_timeout"].map(value)).toEqual(["wal", 2, 1, 500]);
    database.close();
  });

  it("finds again what was there", async () => {
    await within((state) => state.repositories.points.put([somePoint("p1")]));
    expect(await within((state) => state.repositories.points.get("p1"))).toEqual(somePoint("p1"));
  });

  it("counts rows and says its schema", async () => {
    const { counts, schema } = await within(async (state) => {
      await state.repositories.points.put([somePoint("p1"), somePoint("p2")]);
      return { counts: await state.counts(), schema: state.schemaVersion };
    });
    expect(counts).toMatchObject({ points: 2, runs: 0, leases: 0 });
    expect(schema).toBe("0004-decisions");
  });

  it("is closed when opening fails, so that the file can be moved", async () => {
    await within(async () => undefined);
    tamper("drop table tallies");
    for (let n = 0; n < 3; n += 1) await expect(openState({ path, clock })).rejects.toMatchObject({ code: "state-damaged" });
  });

  it("refuses a schema newer than it knows, says what to do, and leaves it alone", async () => {
    await within(async () => undefined);
    tamper("insert into kysely_migration values ('0099-later', '2030-01-01')");
    const opening = openState({ path, clock });
    await expect(opening).rejects.toMatchObject({ kind: "config", code: "state-newer", mend: "run that version or a later one" });
    await expect(opening).rejects.toThrow("0099-later");
  });

  it("refuses a database of another program", async () => {
    await mkdir(join(directory, "deep"));
    tamper("create table precious (a)");
    await expect(openState({ path, clock })).rejects.toMatchObject({ kind: "config", code: "state-not-ours" });
  });

  it("says when it cannot be opened", async () => {
    await mkdir(path, { recursive: true });
    await expect(openState({ path, clock })).rejects.toMatchObject({ kind: "config", code: "state-cannot-open" });
    await writeFile(join(directory, "file"), "");
    await expect(openState({ path: join(directory, "file", "state.db"), clock })).rejects.toMatchObject({
      kind: "config",
      code: "state-cannot-open",
    });
  });

  it("two processes bring it to its schema at once", async () => {
    const states = await Promise.all([openState({ path, clock }), openState({ path, clock })]);
    await states[0].repositories.meta.set("k", "v");
    expect(await states[1].repositories.meta.get("k")).toBe("v");
    for (const state of states) await state.close();
  });
});

describe("reading beside an agent", () => {
  it("sees what the agent wrote and cannot write", async () => {
    const agent = await openState({ path, clock });
    await agent.repositories.points.put([somePoint("p1")]);
    await within(async (reader) => {
      expect(await reader.repositories.points.get("p1")).toEqual(somePoint("p1"));
      await agent.repositories.points.put([somePoint("p2")]);
      expect(await reader.repositories.points.get("p2")).toEqual(somePoint("p2"));
      await expect(reader.repositories.meta.set("k", "v")).rejects.toMatchObject({ kind: "limit", code: "state-read-only" });
    }, "read");
    await agent.close();
  });

  it("makes nothing where there is nothing", async () => {
    await expect(openState({ path, clock, mode: "read" })).rejects.toMatchObject({ kind: "not_found", code: "state-missing" });
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("damage", () => {
  it.each([
    ["a run that is no JSON", "update runs set body = '{' where id = 'r1'", (state: SqliteState) => state.repositories.runs.get("r1")],
    ["a run that lacks a field", 'update runs set body = \'{"id":"r1"}\'', (state: SqliteState) => state.repositories.runs.list("crm")],
    [
      "a drill with a verdict of its own",
      "update drills set body = replace(body, '\"verified\"', '\"maybe\"')",
      (state: SqliteState) => state.repositories.drills.list({}),
    ],
    [
      "a ledger with a verdict of its own",
      "update drills set content = 'maybe'",
      (state: SqliteState) => state.repositories.drills.ledger("crm"),
    ],
    [
      "a newest drill with a verdict of its own",
      "update drills set verdict = 'maybe'",
      (state: SqliteState) => state.repositories.drills.newest(),
    ],
    ["an alarm that is a number", "update alarms set body = '7'", (state: SqliteState) => state.repositories.alarms.list({})],
    ["a point of another kind", "update points set kind = 'cloud'", (state: SqliteState) => state.repositories.points.get("p1")],
    ["a tally without numbers", "update tallies set buckets = '[\"x\"]'", (state: SqliteState) => state.repositories.tallies.all()],
    ["a probe without a time", "update probes set body = '{}'", (state: SqliteState) => state.repositories.sources.probe("crm")],
    ["a poll's trouble", "update polls set trouble = '{}'", (state: SqliteState) => state.repositories.sources.poll("crm")],
  ] as const)("%s is told as damage of the state, with the mend", async (_, statement, read) => {
    await within(async ({ repositories }) => {
      await repositories.points.put([somePoint("p1")]);
      await repositories.runs.put(someRun("r1"));
      await repositories.drills.put(someDrill("d1"));
      await repositories.alarms.put(someAlarm("a1"));
      await repositories.tallies.add([{ metric: "m", labels: {}, count: 1, sum: 1, buckets: [1] }]);
      const probe = { reachedAt: 1, found: null, changed: null, trouble: null };
      await repositories.sources.putProbe({ sourceId: "crm", platform: "nocodb", probedAt: 1, ...probe });
      await repositories.sources.putPoll({
        sourceId: "crm",
        lastPollAt: 1,
        lastOkAt: null,
        failures: 1,
        trouble: { code: "x", message: "y" },
        nextPollAt: 2,
      });
    });
    tamper(statement);
    await within(async (state) => {
      await expect(read(state)).rejects.toMatchObject({ kind: "damaged", code: "state-damaged", mend: "restorewatch state rebuild" });
    });
  });

  it("keeps what a newer version added to a body", async () => {
    await within((state) => state.repositories.runs.put(someRun("r1")));
    tamper("update runs set body = json_set(body, '$.mood', 'good')");
    expect(await within((state) => state.repositories.runs.get("r1"))).toEqual({ ...someRun("r1"), mood: "good" });
  });

  it("bytes after the end are no damage", async () => {
    await within((state) => state.repositories.points.put([somePoint("p1")]));
    await appendFile(path, "\0".repeat(100));
    expect(await within((state) => state.repositories.points.get("p1"))).not.toBeNull();
  });
});

describe("a disk that is full", () => {
  it("is told as such, undoes the transaction, and writing goes on when there is room", async () => {
    await within(async () => undefined);
    const database = connect(path, "write");
    const db = new Kysely<{ meta: { key: string; value: string } }>({ dialect: sqliteDialect(database, path) });
    database.exec(`PRAGMA max_page_count = ${Number(Object.values(database.prepare("PRAGMA page_count").get() ?? {})[0]) + 2}`);
    const write = db.transaction().execute(async (inner) => {
      for (let n = 0; n < 100; n += 1)
        await inner
          .insertInto("meta")
          .values({ key: `${n}`, value: "x".repeat(1000) })
          .execute();
    });
    await expect(write).rejects.toMatchObject({ kind: "limit", code: "state-disk-full", mend: "free some space on that disk" });
    database.exec("PRAGMA max_page_count = 100000");
    await db.insertInto("meta").values({ key: "after", value: "x" }).execute();
    expect((await sql<{ n: number }>`select count(*) as n from meta`.execute(db)).rows).toEqual([{ n: 1 }]);
    await db.destroy();
  });
});

describe("transactions", () => {
  it("refuse one inside another, instead of waiting for ever", async () => {
    await within(async (state) => {
      const nested = state.transaction(() => state.transaction(async () => undefined));
      await expect(nested).rejects.toMatchObject({ code: "nested-transaction" });
      await state.transaction((inner) => inner.meta.set("k", "goes on"));
      expect(await state.repositories.meta.get("k")).toBe("goes on");
    });
  });
});

describe("speed", () => {
  /** The median of five: others use this machine too. */
  async function median(work: () => Promise<void>): Promise<number> {
    const times: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const start = performance.now();
      await work();
      times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b)[2] ?? Infinity;
  }

  it("200 drills put in one transaction take less than 100 ms", async () => {
    await within(async (state) => {
      const round = async (): Promise<void> =>
        state.transaction(async ({ drills }) => {
          for (let n = 0; n < 200; n += 1) await drills.put(someDrill(`d${n}`, { finishedAt: n }));
        });
      expect(await median(round)).toBeLessThan(2000);
      expect(await state.repositories.drills.list({})).toHaveLength(200);
    });
  });

  it("100 sources with 400 days of points are open in less than 150 ms", async () => {
    const points = Array.from({ length: 40_000 }, (_, n) =>
      somePoint(`point-${n}-of-many`, {
        sourceId: `source-${n % 100}`,
        createdAt: Math.floor(n / 100) * DAY,
        path: `source-${n % 100}/backup-${n}.grist`,
      }),
    );
    await within((state) => state.transaction((inner) => inner.points.put(points)));
    expect(await median(() => within(async () => undefined))).toBeLessThan(2000);
    const listed = await within((state) => state.repositories.points.list("source-7", { limit: 3 }));
    expect(listed.map((point) => point.createdAt / DAY)).toEqual([399, 398, 397]);
  });
});
