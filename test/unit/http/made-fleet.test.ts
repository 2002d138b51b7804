import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStateForReading, readConfig, verifyEvidence } from "../../../agent/app.ts";
import { pointId } from "../../../agent/core/ids.ts";
import { createFleetReader } from "../../../agent/engine/read-fleet.ts";
import { type MadeFleet, makeFleet } from "../../bench/make-fleet.ts";
import { fakeClock } from "../../doubles/clock.ts";

let base: string;
let made: MadeFleet;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "rw-fleet-"));
  made = await makeFleet({ dir: join(base, "a"), sources: 60, days: 4, artifacts: true });
});
afterAll(async () => {
  await rm(base, { recursive: true, force: true });
});

test("a made-up fleet is evidence that proves sound, and the same options give the same", async () => {
  const again = await makeFleet({ dir: join(base, "b"), sources: 60, days: 4, artifacts: true });
  const [one, two] = await Promise.all([made, again].map(({ evidenceDir }) => verifyEvidence({ directory: evidenceDir })));
  expect(one?.problems).toEqual([]);
  expect(one?.head).toEqual(two?.head);
  expect(made.drills).toBe(made.points);
});

test("its backups lie where and as its state says, and it is read as mostly well", async () => {
  const config = await readConfig(made.configPath, {});
  const state = await openStateForReading(config, fakeClock(made.now));
  try {
    const { points } = state.repositories;
    for (const { id } of config.sources)
      for (const point of await points.list(id)) {
        const file = await stat(join(base, "a", "backups", point.path));
        expect(pointId(id, "nightly", point.path, file.size, file.mtimeMs)).toBe(point.id);
      }
    const readings = await createFleetReader(state.repositories)(config.sources, made.now);
    const levels = Map.groupBy(readings, ({ status }) => status.level);
    expect(levels.get("fine")?.length).toBeGreaterThanOrEqual(54);
    expect(levels.get("fine")?.length).toBeLessThan(60);
  } finally {
    await state.close();
  }
});
