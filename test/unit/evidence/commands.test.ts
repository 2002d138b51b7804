import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { evidenceShowCommand, evidenceVerifyCommand } from "../../../agent/cli/evidence.ts";
import { createOutput, type Output } from "../../../agent/cli/output.ts";
import { stateInfoCommand, stateRebuildCommand } from "../../../agent/cli/state.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import type { EvidenceEntry } from "../../../agent/core/evidence.ts";
import { openEvidence } from "../../../agent/evidence/log.ts";
import { readEntries } from "../../../agent/evidence/read.ts";
import { verifyEvidence } from "../../../agent/evidence/verify.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { temporaryDirectory } from "../../doubles/temporary.ts";
import { someAlarm, someDrill, someObservation, somePoint, someRun } from "../../doubles/values.ts";

const T = Date.UTC(2026, 0, 15, 12, 0, 0);
const everything: readonly EvidenceEntry[] = [
  { type: "agent.started", at: T, version: "1.0.0", configHash: "a".repeat(64) },
  { type: "config.changed", at: T, configHash: "b".repeat(64), sources: ["crm"] },
  { type: "source.configured", at: T, sourceId: "crm" },
  { type: "points.seen", at: T, sourceId: "crm", points: [somePoint("p1")] },
  { type: "run.reported", at: T, report: someRun("r1") },
  { type: "observations", at: T, observations: [someObservation("p1")] },
  { type: "drill.finished", at: T, drill: someDrill("d1", { verdict: "failed", reasons: ["links.dangling: \u001b[31m3 links"] }) },
  { type: "alarm.changed", at: T, alarm: someAlarm("a1") },
  { type: "leftovers.removed", at: T, count: 1 },
  { type: "head.noted", at: T, head: "c".repeat(64), seq: 3 },
  { type: "state.rebuilt", at: T, entries: 3, movedTo: null, reason: "asked for" },
  { type: "run.reported", at: T, report: someRun("r2", { sourceId: "hr" }) },
];

let directory: string;
let dispose: () => Promise<void>;
let head: string;
let out: Output;
let said: string;

beforeEach(async () => {
  const temporary = await temporaryDirectory();
  ({ dispose } = temporary);
  directory = join(temporary.path, "evidence");
  const clock = fakeClock(T);
  const log = await openEvidence({ directory, clock });
  await log.append(everything.slice(0, -1));
  await clock.advance(3_600_000);
  ({ hash: head } = await log.append(everything.slice(-1)));
  await log.close();
  said = "";
  const write = (text: string): void => {
    said += text;
  };
  out = createOutput({ write, writeError: write, isTty: false, errorIsTty: false, colour: false, columns: 120 });
});
afterEach(() => dispose());

const verify = (given: string | null, output: "text" | "json" = "text"): Promise<number> =>
  evidenceVerifyCommand(
    { head: given, output },
    { out, verify: (hash) => verifyEvidence({ directory, ...(hash === null ? {} : { head: hash }) }) },
  );
const show = (more: Partial<Parameters<typeof evidenceShowCommand>[0]> = {}): Promise<number> =>
  evidenceShowCommand({ since: null, source: null, type: null, output: "text", ...more }, { out, read: () => readEntries(directory, 0) });

describe("evidence verify", () => {
  it("says that the log is sound, and that its end is unproven without a head", async () => {
    expect(await verify(null)).toBe(0);
    expect(said).toContain("✓ sound  12 entries");
    expect(said).toContain("not proven: give a head noted elsewhere with --head");
  });

  it("says that the end is proven with its head, and how far an older head proves it", async () => {
    expect(await verify(head)).toBe(0);
    expect(said).toContain("The log ends with the head given");
    const [, line = "{}"] = (await readFile(join(directory, "evidence-2026-01-15.ndjson"), "utf8")).split("\n");
    expect(await verify((JSON.parse(line) as { hash: string }).hash)).toBe(0);
    expect(said).toContain("Proven up to entry 2 by the head given; what came after it (10 entries here) is unproven.");
  });

  it("names what was changed and where, and exits with 1", async () => {
    const file = join(directory, "evidence-2026-01-15.ndjson");
    await writeFile(file, (await readFile(file, "utf8")).replace('"failed"', '"verified"'));
    expect(await verify(null)).toBe(1);
    expect(said).toContain("✗ evidence-2026-01-15.ndjson:7 Entry 7 (evidence-2026-01-15.ndjson line 7) was changed after it was written.");
    expect(said).toContain("✗ broken  11 entries");
  });

  it("prints the same as JSON", async () => {
    expect(await verify(head, "json")).toBe(0);
    expect(JSON.parse(said)).toEqual({
      schema: "restorewatch.evidence/v1",
      sound: true,
      entries: 12,
      head: { seq: 12, hash: head },
      tailProven: true,
      provenThrough: 12,
      problems: [],
      untold: 0,
    });
  });

  it("finds a cut-off end with the head, and refuses what is no head", async () => {
    const file = join(directory, "evidence-2026-01-15.ndjson");
    const lines = (await readFile(file, "utf8")).split("\n");
    await writeFile(file, `${lines.slice(0, 5).join("\n")}\n`);
    expect(await verify(null)).toBe(0);
    expect(await verify(head)).toBe(1);
    expect(said).toContain(`No entry has the hash ${head}: the log ends at entry 5`);
    expect(await verify("latest")).toBe(2);
  });

  it("does not call a log sound that it could not find", async () => {
    directory = join(directory, "elsewhere");
    expect(await verify(null)).not.toBe(0);
    expect(said).toContain("There is no evidence at");
    await mkdir(directory);
    expect(await verify(null)).toBe(0);
    expect(said).toContain("0 entries");
  });
});

describe("evidence show", () => {
  it("prints every kind of entry in a line of its own, without control characters", async () => {
    expect(await show()).toBe(0);
    const lines = said.trimEnd().split("\n");
    expect(lines).toHaveLength(everything.length);
    expect(lines.every((line) => !/undefined|\[object/.test(line) && !line.includes("\u001b"))).toBe(true);
    expect(lines[6]).toContain("crm: failed, crm/p1.grist: links.dangling:");
  });

  it("prints only the newest so many, of those that were asked for", async () => {
    expect(await show({ source: "crm", last: "2" })).toBe(0);
    const lines = said.trimEnd().split("\n");
    expect(lines.map((line) => Number(line.slice(0, 6)))).toEqual([7, 8]);
    said = "";
    expect(await show({ last: "0" })).toBe(2);
    expect(await show({ last: "many" })).toBe(2);
  });

  it("picks by time, source and type", async () => {
    expect(await show({ since: "2026-01-15T12:30:00Z" })).toBe(0);
    expect(said).toMatch(/^ +12 .*hr: backup run reported success\n$/);
    said = "";
    expect(await show({ source: "crm" })).toBe(0);
    expect(
      said
        .trimEnd()
        .split("\n")
        .map((line) => Number(line.slice(0, 6))),
    ).toEqual([2, 3, 4, 5, 6, 7, 8]);
    said = "";
    expect(await show({ type: "run.reported", output: "json" })).toBe(0);
    expect(
      said
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { seq: number; entry: EvidenceEntry }),
    ).toMatchObject([
      { seq: 5, at: "2026-01-15T12:00:00.000Z", entry: everything[4] },
      { seq: 12, at: "2026-01-15T13:00:00.000Z", entry: everything[11] },
    ]);
  });

  it("refuses a time that is none", async () => {
    expect(await show({ since: "yesterday" })).toBe(2);
    expect(said).toContain("is not a time");
  });
});

describe("state", () => {
  it("info says how much is there and how far it follows the evidence", async () => {
    const info = async () => ({ path: "/x/state.db", bytes: 8192, schemaVersion: "0001-begin", rows: { points: 3 }, follows: 12 });
    expect(await stateInfoCommand("text", { out, info })).toBe(0);
    expect(said).toMatch(/state\.db: .*schema 0001-begin, follows 12 evidence entries\n {2}points +3\n/);
    said = "";
    expect(await stateInfoCommand("json", { out, info })).toBe(0);
    expect(JSON.parse(said)).toMatchObject({ schema: "restorewatch.state/v1", follows: 12, rows: { points: 3 } });
  });

  it("rebuild says what it did, and what kept it from doing it", async () => {
    expect(await stateRebuildCommand("text", { out, rebuild: async () => ({ entries: 12, aside: "/x/old.db" }) })).toBe(0);
    expect(said).toBe("Made the state anew from 12 evidence entries; the former one lies at /x/old.db.\n");
    const locked = async () => {
      throw new AgentError("config", "evidence-locked", "Another agent uses this directory.", { mend: "stop it first" });
    };
    expect(await stateRebuildCommand("text", { out, rebuild: locked })).toBe(2);
    expect(said).toContain("Another agent uses this directory");
  });
});
