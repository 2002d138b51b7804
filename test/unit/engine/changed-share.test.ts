/** A share of changed items far above the source's own history is a finding of its own: a person should look, and nothing has failed by it. */
import { expect, test } from "vitest";
import { sourceStatus } from "../../../agent/core/status.ts";
import type { Alarm, DrillRecord } from "../../../agent/core/values.ts";
import { detect, paperName } from "../../../agent/engine/detections.ts";
import { drillObservations } from "../../../agent/engine/drill-observations.ts";
import { seededRandom } from "../../../agent/kit/random.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { someDrill, somePoint } from "../../doubles/values.ts";

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 6);
const own = policy("crm", { verify: { ...policy().verify, layers: ["artifact", "content", "live"] } });

function drill(day: number, share: number): DrillRecord {
  const changed = Math.round(400 * share);
  return someDrill(`d${day}`, {
    pointId: `p${day}`,
    finishedAt: START + day * DAY,
    verdict: "verified",
    layers: { artifact: "verified", content: "verified", live: "verified" },
    compared: { match: 400 - changed, changed, mismatch: 0, unverifiable: 0 },
  });
}

async function alarmsOf(shares: readonly number[]): Promise<readonly Alarm[]> {
  const { repositories } = memoryState();
  for (const [day, share] of shares.entries()) {
    const fresh = drillObservations(drill(day, share), null, { records: true, contents: true }).filter(
      (one) => one.signal === "changed_share",
    );
    expect(fresh).toHaveLength(1);
    const known = await repositories.alarms.list({ sourceId: "crm", all: true });
    const { alarms, papers } = await detect(own, repositories, fresh, known);
    await repositories.observations.put(fresh);
    for (const alarm of alarms) await repositories.alarms.put(alarm);
    for (const { signal, body } of papers) await repositories.papers.put("crm", paperName(signal), body);
  }
  return repositories.alarms.list({ sourceId: "crm" });
}

const random = seededRandom(7);
const usual = Array.from({ length: 40 }, () => 0.02 + 0.02 * random.next());

test("what is usual for the source is noise, however much it is", async () => {
  expect(await alarmsOf(usual)).toEqual([]);
  expect(await alarmsOf(usual.map((share) => share + 0.5))).toEqual([]);
});

test("far more than usual: an alarm, the source needs a look, and its verdict stands", async () => {
  const alarms = await alarmsOf([...usual, 0.6]);
  expect(alarms).toMatchObject([{ signal: "changed_share", since: START + 40 * DAY, endedAt: null }]);
  expect(alarms[0]?.sentence).toMatch(/^The share of items that changed in production since the backup is 60 %/u);
  const now = START + 40 * DAY + 3_600_000;
  const newest = drill(40, 0.6);
  const point = somePoint("p40", { createdAt: now - 7_200_000 });
  const poll = { sourceId: "crm", lastPollAt: now, lastOkAt: now, failures: 0, trouble: null, nextPollAt: now };
  const given = { policy: own, points: [point], drills: [newest], runs: [], poll, firstSeenAt: START, now };
  expect(sourceStatus({ ...given, alarms: [] })).toMatchObject({ level: "fine", verdict: "verified" });
  expect(sourceStatus({ ...given, alarms })).toMatchObject({ level: "attention", verdict: "verified" });
});

test("production that suddenly rests is no finding", async () => {
  expect(await alarmsOf([...usual.map((share) => share + 0.5), 0.001])).toEqual([]);
});
