/**
 * Makes a fleet that has been watched for a while: a configuration, and evidence and state as nights of polls, run reports and drills
 * leave them, written by the agent's own recorder. Most sources are well; every fortieth or so fails in one way or another. The same
 * options give the same fleet. Run by itself: `node test/bench/make-fleet.ts <directory> [sources] [days] [seed]`.
 */
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readConfig } from "../../agent/app.ts";
import { checks } from "../../agent/checks/api.ts";
import type { EvidenceEntry } from "../../agent/core/evidence.ts";
import type { SourcePolicy } from "../../agent/core/policy.ts";
import { createRecorder } from "../../agent/engine/recorder.ts";
import { openEvidence } from "../../agent/evidence/log.ts";
import { systemRandom } from "../../agent/kit/random.ts";
import { openState } from "../../agent/state/sqlite.ts";
import { createTelemetry } from "../../agent/telemetry/instrument.ts";
import { artifactOf, fleetNights, type FleetSource, sourceEntries, sourceOf } from "./fleet-source.ts";

export interface MakeFleetOptions {
  /** Is made; must not hold a fleet yet. */
  readonly dir: string;
  readonly sources: number;
  /** Nights of history; each has a backup, a run report and a drill. */
  readonly days: number;
  readonly seed?: number;
  /** When the newest night is a few hours past, milliseconds since the epoch; 2026-03-01 09:00 UTC unless said. */
  readonly now?: number;
  /** Writes the backups themselves too: small CSV files whose sizes and times are those in state, so that polls and drills work. */
  readonly artifacts?: boolean;
  /** `http.listen` of the configuration. */
  readonly listen?: string;
}

export interface MadeFleet {
  readonly configPath: string;
  readonly statePath: string;
  readonly evidenceDir: string;
  /** The time the history ends at. */
  readonly now: number;
  readonly policies: readonly SourcePolicy[];
  readonly points: number;
  readonly drills: number;
}

export const FLEET_NOW = Date.UTC(2026, 2, 1, 9);
/** Entries of this many sources are one append and one transaction. */
const SOURCES_A_BATCH = 10;

export async function makeFleet(options: MakeFleetOptions): Promise<MadeFleet> {
  const { dir, days, seed = 1, now = FLEET_NOW, artifacts = false, listen = "127.0.0.1:9464" } = options;
  const sources = Array.from({ length: options.sources }, (_, index) => sourceOf(index, seed));
  const configPath = join(dir, "restorewatch.yaml");
  await mkdir(join(dir, "backups"), { recursive: true });
  await writeFile(configPath, configOf(sources, listen), { flag: "wx" });
  const config = await readConfig(configPath, {});
  const clock = { now: () => now };
  const evidence = await openEvidence({ directory: config.evidenceDir, clock });
  const state = await openState({ path: config.statePath, clock });
  try {
    const recorder = createRecorder({ evidence, state, clock, telemetry: quiet(now), platformOf: (id) => platformOf(sources, id) });
    const nights = fleetNights(days, now);
    let drills = 0;
    let points = 0;
    for (let from = 0; from < sources.length; from += SOURCES_A_BATCH) {
      const batch = sources.slice(from, from + SOURCES_A_BATCH);
      const entries: EvidenceEntry[] = [];
      for (const source of batch) {
        const made = sourceEntries(source, nights, checks, now, artifacts);
        entries.push(...made);
        for (const entry of made) {
          if (entry.type === "drill.finished") drills += 1;
          if (entry.type === "points.seen") points += entry.points.length;
        }
        if (artifacts) await writeArtifacts(join(dir, "backups"), source, nights);
      }
      await recorder.record(entries);
      await state.transaction(async ({ sources: polls }) => {
        for (const source of batch) await polls.putPoll(pollOf(source, now));
      });
    }
    return { configPath, statePath: config.statePath, evidenceDir: config.evidenceDir, now, policies: config.sources, points, drills };
  } finally {
    await state.close();
    await evidence.close();
  }
}

function platformOf(sources: readonly FleetSource[], id: string): FleetSource["platform"] | null {
  return sources.find((source) => source.id === id)?.platform ?? null;
}

function configOf(sources: readonly FleetSource[], listen: string): string {
  const own = sources.map(
    ({ id, platform, team, domain, tier }) => `  - id: ${id}
    platform: { type: ${platform} }${team === null ? "" : `\n    owner: { team: ${team} }`}
    domain: ${domain}
    tier: ${tier}
    objectives: { rpo: 36h, rto: 1h }
    backups: { vault: nightly, path: ${id}, every: 24h, jitter: 6h, retention: 30d }
`,
  );
  return `state: { sqlite: ./restorewatch.db }
evidence: { directory: ./evidence }
http: { listen: "${listen}" }
vaults:
  nightly: { type: dir, path: ./backups }
sources:
${own.join("")}`;
}

function pollOf({ id, fate }: FleetSource, now: number) {
  const blind = fate === "unreachable";
  return {
    sourceId: id,
    lastPollAt: now - 20_000,
    lastOkAt: blind ? now - 3 * 3_600_000 : now - 20_000,
    failures: blind ? 9 : 0,
    trouble: blind ? { code: "no-permission", message: `The folder ${id} of vault nightly may not be read.` } : null,
    nextPollAt: now + 40_000,
  };
}

async function writeArtifacts(vault: string, source: FleetSource, nights: readonly number[]): Promise<void> {
  await mkdir(join(vault, source.id), { recursive: true });
  for (const [index, night] of nights.entries()) {
    const artifact = artifactOf(source, index, nights.length, night, true);
    if (artifact === null) continue;
    const path = join(vault, artifact.path);
    await writeFile(path, artifact.text ?? "");
    await utimes(path, artifact.at / 1000, artifact.at / 1000);
  }
}

/** What the recorder tells while history is made up is told to nobody. */
function quiet(now: number) {
  return createTelemetry({
    service: { name: "make-fleet", version: "0", instanceId: "bench", environment: null },
    clock: { now: () => now, monotonic: () => 0, sleep: () => Promise.resolve() },
    random: systemRandom(),
    log: { level: "silent", write: () => undefined },
    processMetrics: false,
  }).telemetry;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [dir, sources = "1000", days = "30", seed = "1"] = process.argv.slice(2);
  if (dir === undefined) throw new Error("Name the directory to make the fleet in.");
  const began = performance.now();
  const made = await makeFleet({ dir, sources: Number(sources), days: Number(days), seed: Number(seed), now: Date.now(), artifacts: true });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${made.configPath}: ${made.points} recovery points and ${made.drills} drills in ${seconds} s\n`);
}
