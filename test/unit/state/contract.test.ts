import { join } from "node:path";
import { expect, it } from "vitest";
import { openState } from "../../../agent/state/sqlite.ts";
import { stateContract } from "../../contracts/state.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { faultyState, memoryState } from "../../doubles/state.ts";
import { temporaryDirectory } from "../../doubles/temporary.ts";
import { somePoint } from "../../doubles/values.ts";

stateContract({
  name: "sqlite",
  async create() {
    const directory = await temporaryDirectory();
    const state = await openState({ path: join(directory.path, "state.db"), clock: fakeClock() });
    return {
      state,
      async dispose() {
        await state.close();
        await directory.dispose();
      },
    };
  },
});

stateContract({ name: "memory", create: async () => ({ state: memoryState(), dispose: async () => undefined }) });

stateContract({
  name: "faulty without a fault",
  create: async () => ({ state: faultyState(memoryState(), []), dispose: async () => undefined }),
});

it("a faulty state fails where it was told to, rolls back, and says when a fault never came up", async () => {
  const fault = { method: "meta.set", call: 2, error: new Error("planned") };
  const state = faultyState(memoryState(), [fault, { method: "prune", call: 1, error: new Error("never") }]);
  await state.repositories.meta.set("k", "one");
  const work = state.transaction(async (inner) => {
    await inner.points.put([somePoint("p1")]);
    await inner.meta.set("k", "two");
  });
  await expect(work).rejects.toThrow("planned");
  expect(await state.repositories.points.get("p1")).toBeNull();
  expect(() => state.assertAllFaultsUsed()).toThrow("prune call 1");
});
