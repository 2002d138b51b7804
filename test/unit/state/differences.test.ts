/** Values that differed, on disk: for the agent's user alone, for as long as was said, and gone when asked. */
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Differences } from "../../../agent/core/differences.ts";
import { differencesStore } from "../../../agent/state/differences.ts";
import { fakeClock } from "../../doubles/clock.ts";

const NOW = Date.UTC(2026, 10, 23);
const DAY = 86_400_000;
let home = "";
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-differences-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

function some(sourceId: string, more: Partial<Differences> = {}): Differences {
  const fields = [{ field: "name", backup: "anna", production: "bert" }];
  const times = { backupUpdatedAt: null, productionUpdatedAt: NOW, productionCreatedAt: null };
  const item = {
    collection: "people",
    key: "5",
    result: "mismatch",
    because: "edited before the backup began",
    fields,
    more: 0,
    ...times,
  } as const;
  return {
    version: 1,
    sourceId,
    drillId: "d1",
    pointId: "p1",
    startedAt: NOW,
    comparedAt: NOW,
    expiresAt: NOW + 7 * DAY,
    items: [item],
    more: 0,
    ...more,
  };
}

test("kept for the agent's user alone, one file a source, the newest over the older", async () => {
  const clock = fakeClock(NOW);
  const directory = join(home, "state.db.differences");
  const store = differencesStore(directory, clock);
  expect(await store.of("crm")).toBeNull();
  await store.keep(some("crm"));
  await store.keep(some("crm", { drillId: "d2" }));
  await store.keep(some("../../etc/passwd"));
  expect((await store.of("crm"))?.drillId).toBe("d2");
  const names = await readdir(directory);
  expect(names).toHaveLength(2);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  for (const name of names) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
});

test("what has expired is gone from disk when it is asked for, and by itself", async () => {
  const clock = fakeClock(NOW);
  const store = differencesStore(home, clock);
  await store.keep(some("crm"));
  await store.keep(some("wiki", { expiresAt: NOW + DAY }));
  clock.jump(2 * DAY);
  expect(await store.sweep()).toBe(1);
  clock.jump(6 * DAY);
  expect(await store.of("crm")).toBeNull();
  expect(await readdir(home)).toEqual([]);
});

test("equal again, switched off, or forgotten: nothing stays", async () => {
  const store = differencesStore(home, fakeClock(NOW));
  await store.keep(some("crm"));
  await store.keep(some("crm", { items: [] }));
  expect(await readdir(home)).toEqual([]);
  await store.keep(some("crm", { expiresAt: NOW }));
  expect(await readdir(home)).toEqual([]);
  await store.keep(some("crm"));
  await store.forget("crm");
  expect(await readdir(home)).toEqual([]);
});

test("rubbish in the folder is no difference, and is swept", async () => {
  const store = differencesStore(home, fakeClock(NOW));
  await store.keep(some("crm"));
  const [name = ""] = await readdir(home);
  await writeFile(join(home, name), "{ half");
  expect(await store.of("crm")).toBeNull();
  expect(await store.sweep()).toBe(1);
});
