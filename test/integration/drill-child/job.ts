/** A drill job over a small file in a directory of its own. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DrillLimits } from "../../../agent/core/policy.ts";
import type { DrillJob } from "../../../agent/drill/protocol.ts";

export const LIMITS: DrillLimits = {
  memoryMb: 128,
  diskMb: 64,
  threads: 2,
  timeMs: 15_000,
  maxBytes: 100_000_000,
  maxEntries: 10_000,
  maxRatio: 100,
  maxDepth: 32,
};

export interface JobPlace {
  readonly base: string;
  readonly job: DrillJob;
  remove(): Promise<void>;
}

export async function jobPlace(more: Partial<DrillJob> = {}, bytes: string | Uint8Array = "anything"): Promise<JobPlace> {
  const base = await mkdtemp(join(tmpdir(), "rw-drill-"));
  const workDir = join(base, "work");
  const artifactPath = join(base, "artifact");
  await mkdir(workDir);
  await writeFile(artifactPath, bytes);
  const job: DrillJob = {
    drillId: "drill-1",
    artifactPath,
    artifactName: "artifact",
    workDir,
    format: "auto",
    key: null,
    expectation: {
      now: Date.now(),
      sourceId: "test",
      point: null,
      run: null,
      checksum: null,
      previous: null,
      previousAt: null,
      points: null,
      objectives: { rpoMs: null, rtoMs: null, retentionMs: null, minPoints: null, immutableMs: null },
      critical: [],
    },
    sample: { strategy: "all", count: 0, rate: 1, seed: "", always: [] },
    limits: LIMITS,
    digestKey: "00".repeat(32),
    ...more,
  };
  return { base, job, remove: () => rm(base, { recursive: true, force: true }) };
}
