/** What a drill's child finds in a sound backup, for engines that are tried without one. */
import type { CheckResult } from "../../../agent/core/values.ts";
import type { ChildOutcome } from "../../../agent/engine/drill-child/index.ts";

export const ISOLATION = { process: true, permissions: true, network: true, memoryLimit: true, databaseLocked: true };

const GOOD: readonly CheckResult[] = ["artifact.readable", "artifact.complete", "restore.loads", "records.count"].map((id) => ({
  id,
  layer: id.startsWith("artifact") ? "artifact" : "content",
  status: "pass",
  observed: "fine",
  expected: null,
  count: 1,
  examples: [],
  durationMs: 1,
}));

export const FOUND: ChildOutcome = {
  recognised: { format: "memory", formatVersion: null },
  artifact: { path: "a", kind: "file", bytes: 3, sha256: null, files: 1 },
  createdAt: null,
  checks: GOOD,
  facts: null,
  sample: null,
  phases: { open: 1, load: 2 },
  resources: null,
  restoreSet: null,
  trouble: null,
  isolation: ISOLATION,
};
