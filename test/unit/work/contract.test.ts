import { join } from "node:path";
import { expect, it } from "vitest";
import { openState } from "../../../agent/state/sqlite.ts";
import { localWork } from "../../../agent/work/local.ts";
import { workContract } from "../../contracts/work.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { temporaryDirectory } from "../../doubles/temporary.ts";
import { faultyWork, memoryWork } from "../../doubles/work.ts";

workContract({
  name: "local, two connections to one database",
  async create(clock) {
    const directory = await temporaryDirectory();
    const path = join(directory.path, "state.db");
    const states = [await openState({ path, clock }), await openState({ path, clock })] as const;
    return {
      one: localWork({ leases: states[0].leases, clock }),
      other: localWork({ leases: states[1].leases, clock }),
      async dispose() {
        for (const state of states) await state.close();
        await directory.dispose();
      },
    };
  },
});

workContract({
  name: "memory",
  async create(clock) {
    const work = memoryWork(clock);
    return { one: work, other: work, dispose: async () => undefined };
  },
});

workContract({
  name: "faulty without a fault",
  async create(clock) {
    const work = faultyWork(memoryWork(clock), []);
    return { one: work, other: work, dispose: async () => undefined };
  },
});

it("a faulty work fails where it was told to and says when a fault never came up", async () => {
  const clock = fakeClock();
  const work = faultyWork(memoryWork(clock), [
    { method: "renew", call: 1, error: new Error("planned") },
    { method: "release", call: 1, error: new Error("never") },
  ]);
  expect(await work.lease("d", "a", 10)).toBe(true);
  await expect(work.renew("d", "a", 10)).rejects.toThrow("planned");
  expect(await work.renew("d", "a", 10)).toBe(true);
  expect(() => work.assertAllFaultsUsed()).toThrow("release call 1");
});
