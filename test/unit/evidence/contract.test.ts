import { join } from "node:path";
import { expect, it } from "vitest";
import { openEvidence } from "../../../agent/evidence/log.ts";
import { evidenceContract, readAll, stopped } from "../../contracts/evidence.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { faultyEvidence, memoryEvidence } from "../../doubles/evidence.ts";
import { temporaryDirectory } from "../../doubles/temporary.ts";

evidenceContract({
  name: "files",
  async create(clock) {
    const directory = await temporaryDirectory();
    const log = await openEvidence({ directory: join(directory.path, "not", "there", "yet"), clock });
    return {
      log,
      async dispose() {
        await log.close();
        await directory.dispose();
      },
    };
  },
});

evidenceContract({ name: "memory", create: async (clock) => ({ log: memoryEvidence(clock), dispose: async () => undefined }) });

evidenceContract({
  name: "faulty without a fault",
  create: async (clock) => ({ log: faultyEvidence(memoryEvidence(clock), []), dispose: async () => undefined }),
});

it("a faulty log fails where it was told to and says when a fault never came up", async () => {
  const log = faultyEvidence(memoryEvidence(fakeClock()), [
    { method: "append", call: 2, error: new Error("planned") },
    { method: "close", call: 1, error: new Error("never") },
  ]);
  await log.append([stopped("a")]);
  await expect(log.append([stopped("b")])).rejects.toThrow("planned");
  expect(await readAll(log)).toHaveLength(1);
  expect(() => log.assertAllFaultsUsed()).toThrow("close call 1");
});
