/** The contract every EvidenceLog keeps. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EvidenceEntry } from "../../agent/core/evidence.ts";
import type { Clock, EvidenceLog } from "../../agent/core/ports.ts";
import { fakeClock, type FakeClock } from "../doubles/clock.ts";
import { someDrill, someObservation, somePoint, someRun } from "../doubles/values.ts";

export interface EvidenceSuite {
  readonly name: string;
  create(clock: Clock): Promise<{ readonly log: EvidenceLog; readonly dispose: () => Promise<void> }>;
}

export async function readAll(log: EvidenceLog, after = 0): Promise<{ seq: number; hash: string; entry: EvidenceEntry }[]> {
  const found: { seq: number; hash: string; entry: EvidenceEntry }[] = [];
  for await (const { seq, hash, entry } of log.read(after)) found.push({ seq, hash, entry });
  return found;
}

export function stopped(reason: string, at = 0): EvidenceEntry {
  return { type: "agent.stopped", at, reason };
}

export function evidenceContract(suite: EvidenceSuite): void {
  describe(`evidence contract: ${suite.name}`, () => {
    let clock: FakeClock;
    let log: EvidenceLog;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      clock = fakeClock();
      ({ log, dispose } = await suite.create(clock));
    });
    afterEach(() => dispose());

    it("begins empty, with a head of zeros", async () => {
      expect(log.head()).toEqual({ seq: 0, hash: "0".repeat(64) });
      expect(await readAll(log)).toEqual([]);
    });

    it("numbers entries from 1 and resolves with the head after the last of them", async () => {
      const first = await log.append([stopped("a"), stopped("b")]);
      expect(first.seq).toBe(2);
      expect(first.hash).toMatch(/^[0-9a-f]{64}$/);
      expect(log.head()).toEqual(first);
      const second = await log.append([stopped("c")]);
      expect(second.seq).toBe(3);
      expect(second.hash).not.toBe(first.hash);
    });

    it("appending nothing changes nothing", async () => {
      const head = await log.append([stopped("a")]);
      expect(await log.append([])).toEqual(head);
      expect(await readAll(log)).toHaveLength(1);
    });

    it("gives back every entry as it was, in order, with the hash that was told at its append", async () => {
      const entries: EvidenceEntry[] = [
        { type: "points.seen", at: 1, sourceId: "crm", points: [somePoint("p1", { path: "crm/Straße 💾\n\u0000.grist" })] },
        { type: "run.reported", at: 2, report: someRun("r1", { message: 'said "done" \\ \u2028' }) },
        { type: "observations", at: 3, observations: [someObservation("p1", { value: 1e-9 })] },
        { type: "drill.finished", at: 4, drill: someDrill("d1") },
      ];
      const heads = [];
      for (const entry of entries) heads.push(await log.append([entry]));
      const read = await readAll(log);
      expect(read.map((one) => one.entry)).toEqual(entries);
      expect(read.map(({ seq, hash }) => ({ seq, hash }))).toEqual(heads);
    });

    it("reads what comes after a number only", async () => {
      await log.append([stopped("a"), stopped("b"), stopped("c")]);
      expect((await readAll(log, 1)).map((one) => one.seq)).toEqual([2, 3]);
      expect(await readAll(log, 3)).toEqual([]);
    });

    it("keeps what an entry was when it was appended", async () => {
      const entry = { type: "agent.stopped" as const, at: 1, reason: "before" };
      const appended = log.append([entry]);
      entry.reason = "after";
      await appended;
      expect((await readAll(log))[0]?.entry).toEqual({ type: "agent.stopped", at: 1, reason: "before" });
    });

    it("keeps appends that come at once in the order they came, each of them together", async () => {
      const heads = await Promise.all(Array.from({ length: 50 }, (_, n) => log.append([stopped(`${n}a`), stopped(`${n}b`)])));
      expect(heads.map((head) => head.seq)).toEqual(Array.from({ length: 50 }, (_, n) => 2 * n + 2));
      const reasons = (await readAll(log)).map(({ entry }) => (entry.type === "agent.stopped" ? entry.reason : ""));
      expect(reasons).toEqual(Array.from({ length: 50 }, (_, n) => [`${n}a`, `${n}b`]).flat());
    });

    it("goes on over midnight and when the clock jumps back", async () => {
      await log.append([stopped("today")]);
      await clock.advance(86_400_000);
      await log.append([stopped("tomorrow")]);
      clock.jump(-10 * 86_400_000);
      await log.append([stopped("last week")]);
      const reasons = (await readAll(log)).map(({ entry }) => (entry.type === "agent.stopped" ? entry.reason : ""));
      expect(reasons).toEqual(["today", "tomorrow", "last week"]);
    });

    it("refuses to append once it is closed, and can be closed twice", async () => {
      const last = log.append([stopped("a")]);
      await log.close();
      expect((await last).seq).toBe(1);
      await log.close();
      await expect(log.append([stopped("b")])).rejects.toMatchObject({ code: "evidence-closed" });
    });
  });
}
