/** A source policy with everything at its plainest. */
import type { SourcePolicy } from "../../agent/core/policy.ts";

const HOUR = 3_600_000;

export function policy(id = "crm", more: Partial<SourcePolicy> = {}): SourcePolicy {
  return {
    id,
    platform: "grist",
    owner: { team: "sales-ops", contact: null },
    domain: "sales",
    tier: "standard",
    data: { retentionMs: null, classification: null },
    objectives: { rpoMs: 24 * HOUR, rtoMs: HOUR, verifyMs: 7 * 24 * HOUR },
    pollMs: 60_000,
    ...more,
    backups: {
      vaultId: "nightly",
      path: id,
      pattern: "*",
      format: "auto",
      everyMs: 24 * HOUR,
      jitterMs: 6 * HOUR,
      settleMs: 30_000,
      retentionMs: null,
      minPoints: null,
      immutableMs: null,
      key: null,
      ...more.backups,
    },
    verify: {
      layers: ["artifact", "content"],
      baseline: null,
      repeatMs: 7 * 24 * HOUR,
      history: 0,
      critical: [],
      limits: { memoryMb: 256, diskMb: 1024, threads: 1, timeMs: 60_000, maxBytes: 1e9, maxEntries: 10_000, maxRatio: 200, maxDepth: 200 },
      ...more.verify,
    },
  };
}
