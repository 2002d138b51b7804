import { copyFile, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EvidenceEntry } from "../../../agent/core/evidence.ts";
import { type OpenedState, openStateOrRebuild, rebuildState } from "../../../agent/engine/recorder/rebuild.ts";
import { setStateAside } from "../../../agent/state/aside.ts";
import { openState, type SqliteState } from "../../../agent/state/sqlite.ts";
import { fakeClock, type FakeClock } from "../../doubles/clock.ts";
import { dumpState } from "../../doubles/dump.ts";
import { memoryEvidence, type MemoryEvidence } from "../../doubles/evidence.ts";
import { memoryTelemetry, type MemoryTelemetry } from "../../doubles/telemetry.ts";
import { temporaryDirectory } from "../../doubles/temporary.ts";
import { someDrill, somePoint, someRun } from "../../doubles/values.ts";

let directory: string;
let path: string;
let dispose: () => Promise<void>;
let clock: FakeClock;
let evidence: MemoryEvidence;
let telemetry: MemoryTelemetry;
let problems: string[];

beforeEach(async () => {
  ({ path: directory, dispose } = await temporaryDirectory());
  path = join(directory, "state.db");
  clock = fakeClock();
  evidence = memoryEvidence(clock);
  telemetry = memoryTelemetry(clock);
  problems = [];
});
afterEach(() => dispose());

const deps = () => ({
  evidence,
  clock,
  telemetry,
  platformOf: () => "grist" as const,
  openState: () => openState({ path, clock }),
  setStateAside: () => setStateAside(path, clock.now()),
  verify: async () => problems,
});

const entries: readonly EvidenceEntry[] = [
  { type: "source.configured", at: 1, sourceId: "crm" },
  { type: "points.seen", at: 2, sourceId: "crm", points: Array.from({ length: 300 }, (_, n) => somePoint(`p${n}`)) },
  { type: "run.reported", at: 3, report: someRun("r1") },
  { type: "drill.finished", at: 4, drill: someDrill("d1") },
];

/** A state that follows `entries`, closed. @returns what it held */
async function filled(): Promise<unknown> {
  const { state, recorder, rebuilt } = await openStateOrRebuild(deps());
  expect(rebuilt).toBeNull();
  await recorder.record(entries);
  const dump = await dumpState(state, ["crm"]);
  await state.close();
  return dump;
}

async function heldBy(opened: OpenedState<SqliteState>): Promise<Record<string, unknown>> {
  const dump = (await dumpState(opened.state, ["crm"])) as Record<string, unknown>;
  await opened.state.close();
  return dump;
}

/** What depends on how many entries there are, and so on the note of the rebuild itself. */
function withoutCount(dump: unknown): unknown {
  const { words: _words, tallies, ...rest } = dump as { words: unknown; tallies: { metric: string }[] };
  return { ...rest, tallies: tallies.filter((tally) => tally.metric !== "restorewatch_evidence_entries_total") };
}

describe("at start", () => {
  it("a sound state is opened as it is, and what it missed is applied", async () => {
    const before = await filled();
    const opened = await openStateOrRebuild(deps());
    expect(opened).toMatchObject({ replayed: 0, rebuilt: null });
    expect(await heldBy(opened)).toEqual(before);
    await evidence.append([{ type: "run.reported", at: 9, report: someRun("missed") }]);
    const again = await openStateOrRebuild(deps());
    expect(again.replayed).toBe(1);
    await again.state.close();
  });

  it("a state that was never there is made from all evidence", async () => {
    await evidence.append(entries);
    const opened = await openStateOrRebuild(deps());
    expect(opened).toMatchObject({ replayed: 4, rebuilt: null });
    await opened.state.close();
  });

  const damages: readonly (readonly [string, (file: string) => Promise<void>])[] = [
    ["is no database", (file) => writeFile(file, "this is no database, but somebody's shopping list".repeat(200))],
    ["was cut in half", async (file) => truncate(file, Math.floor((await stat(file)).size / 2 / 4096) * 4096)],
    ["was cut within its first page", (file) => truncate(file, 1000)],
    ["has pages of nonsense", (file) => overwrite(file, 4096, 8)],
  ];
  it.each(damages)("a database that %s is set aside and made anew from the evidence", async (_, damage) => {
    const before = await filled();
    await damage(path);
    const opened = await openStateOrRebuild(deps());
    expect(opened.rebuilt).toMatchObject({ movedTo: `${path}.damaged-20260115T120000Z`, entries: 4 });
    expect(evidence.entries.at(-1)).toMatchObject({ type: "state.rebuilt", entries: 4, movedTo: `${path}.damaged-20260115T120000Z` });
    expect(telemetry.logs).toMatchObject([{ level: "warn", message: "state was rebuilt from the evidence" }]);
    expect(withoutCount(await heldBy(opened))).toEqual(withoutCount(before));
    expect(await readdir(directory)).toContain("state.db.damaged-20260115T120000Z");
    expect((await openStateOrRebuild(deps()).then(async (after) => (await after.state.close(), after))).rebuilt).toBeNull();
  });

  it("an emptied database is a new one, and follows the evidence again", async () => {
    const before = await filled();
    await truncate(path, 0);
    const opened = await openStateOrRebuild(deps());
    expect(opened.replayed).toBe(4);
    expect(await heldBy(opened)).toEqual(before);
  });

  it("does not rebuild from evidence that does not verify, and leaves the database where it is", async () => {
    await filled();
    await overwrite(path, 0, 4);
    problems = ["Entry 3 is missing."];
    const opening = openStateOrRebuild(deps());
    await expect(opening).rejects.toMatchObject({ kind: "damaged", code: "state-and-evidence-damaged" });
    await expect(opening).rejects.toThrow("Entry 3 is missing.");
    expect((await readdir(directory)).filter((name) => name.includes("damaged"))).toEqual([]);
  });

  it("does not rebuild when evidence lost its end: that would lose what only state still knows", async () => {
    await filled();
    evidence.forget(1);
    await expect(openStateOrRebuild(deps())).rejects.toMatchObject({ code: "state-disagrees" });
    expect((await readdir(directory)).filter((name) => name.includes("damaged"))).toEqual([]);
  });

  it("does not touch another program's database", async () => {
    const other = join(directory, "other.db");
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(other);
    database.exec("create table precious (a)");
    database.close();
    await copyFile(other, path);
    await expect(openStateOrRebuild(deps())).rejects.toMatchObject({ kind: "config", code: "state-not-ours" });
    expect(await stat(path).then((stats) => stats.size)).toBe((await stat(other)).size);
  });
});

describe("asked for", () => {
  it("a sound state is set aside too, and the new one holds the same", async () => {
    const before = await filled();
    const opened = await rebuildState(deps(), "asked for on the command line");
    expect(opened.rebuilt).toEqual({ movedTo: `${path}.damaged-20260115T120000Z`, entries: 4, reason: "asked for on the command line" });
    expect(withoutCount(await heldBy(opened))).toEqual(withoutCount(before));
  });

  it("each old one keeps a name of its own", async () => {
    await filled();
    for (let n = 0; n < 2; n += 1) await (await rebuildState(deps(), "again")).state.close();
    const names = (await readdir(directory)).filter((name) => name.includes("damaged")).sort();
    expect(names).toEqual(["state.db.damaged-20260115T120000Z", "state.db.damaged-20260115T120000Z-2"]);
  });

  it("accepts evidence as it is, also when state knew more", async () => {
    await filled();
    evidence.forget(1);
    const opened = await rebuildState(deps(), "asked for");
    expect(opened.rebuilt.entries).toBe(3);
    expect(await opened.state.repositories.drills.list({})).toEqual([]);
    await opened.state.close();
  });
});

async function overwrite(file: string, from: number, pages: number): Promise<void> {
  const { open } = await import("node:fs/promises");
  const handle = await open(file, "r+");
  try {
    await handle.write(Buffer.alloc(pages * 4096, "nonsense"), 0, pages * 4096, from);
  } finally {
    await handle.close();
  }
}
