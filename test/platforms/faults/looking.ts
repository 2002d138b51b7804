/** The layers `live` and `scratch` of a drill, as the agent looks at products after its child has read the backup. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OpenPlatform, OpenScratch, RestoreSet } from "../../../agent/core/platform-ports.ts";
import { restoreSetLines } from "../../../agent/core/restore-set.ts";
import { judge } from "../../../agent/core/verdict.ts";
import type { CheckResult } from "../../../agent/core/values.ts";
import type { Verdict } from "../../../agent/core/words.ts";
import { RESTORE_SET_FILE } from "../../../agent/drill/protocol.ts";
import type { ChildOutcome } from "../../../agent/engine/drill-child/index.ts";
import { lookAtProducts } from "../../../agent/engine/products.ts";
import { restoreSet } from "../../contracts/platform.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { somePoint } from "../../doubles/values.ts";
import { hastyClock } from "./opening.ts";

export interface Looked {
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly trouble: string | null;
  readonly checks: readonly CheckResult[];
  readonly compared: Readonly<Record<string, number>> | null;
  readonly leaks: number;
}

export interface Looking {
  readonly set: RestoreSet;
  look(layer: "live" | "scratch", open: OpenPlatform, scratch: OpenScratch | null): Promise<Looked>;
  close(): Promise<void>;
}

export const SOURCE = "faulty";

/** @param backedUp the product as it is now: what it holds is the backup */
export async function looking(backedUp: OpenPlatform): Promise<Looking> {
  const read = await restoreSet(backedUp);
  const keys = new Map([...read.records].map(([id, records]) => [id, new Set(records.map((one) => one.key))]));
  const set: RestoreSet = { ...read, keys };
  const workDir = await mkdtemp(join(tmpdir(), "rw-looking-"));
  await writeFile(join(workDir, RESTORE_SET_FILE), [...restoreSetLines(set)].join(""));
  const records = [...set.records.values()].reduce((sum, list) => sum + list.length, 0);
  let drills = 0;
  return {
    set,
    look: async (layer, open, scratch) => {
      const clock = hastyClock();
      const plain = policy(SOURCE);
      const { outcome, compared, leaks } = await lookAtProducts(
        {
          policy: { ...plain, verify: { ...plain.verify, layers: [layer] } },
          point: somePoint("p1"),
          drillId: `d${(drills += 1)}`,
          digestKey: "00".repeat(32),
          workDir,
          startedAt: clock.now(),
          sampling: null,
        },
        { connection: { sourceId: SOURCE, platform: "nocodb", config: {}, scratch: null, capture: null, sample: SAMPLE }, open, scratch },
        { ...FOUND, restoreSet: { records, files: set.fileBytes.size, cut: 0 } },
        { telemetry: memoryTelemetry(clock), clock },
        new AbortController().signal,
      );
      const { verdict, reasons } = judge([layer], outcome.checks, outcome.trouble);
      return { verdict, reasons, trouble: outcome.trouble?.code ?? null, checks: outcome.checks, compared, leaks };
    },
    close: () => rm(workDir, { recursive: true, force: true }),
  };
}

/** A child that found nothing wrong, and laid the sample ready. */
const FOUND: ChildOutcome = {
  recognised: null,
  artifact: null,
  createdAt: null,
  checks: [],
  facts: null,
  sample: null,
  phases: {},
  resources: null,
  restoreSet: null,
  trouble: null,
  isolation: { process: true, permissions: true, network: true, memoryLimit: true, databaseLocked: true },
};

const SAMPLE = { records: 100, most: 1000, fileBytes: 1_000_000, apiCallsPerDay: null };
