/** A process that records under load until it is killed. Arguments: directory, round. Each line on stdout is the id of a fact that is safe. */
import { writeSync } from "node:fs";
import { join } from "node:path";
import type { EvidenceEntry } from "../../../agent/core/evidence.ts";
import { openStateOrRebuild } from "../../../agent/engine/recorder/rebuild.ts";
import { openEvidence } from "../../../agent/evidence/log.ts";
import { verifyEvidence } from "../../../agent/evidence/verify.ts";
import { setStateAside } from "../../../agent/state/aside.ts";
import { openState } from "../../../agent/state/sqlite.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { someDrill, someObservation, somePoint, someRun } from "../../doubles/values.ts";

const [directory = "", round = "0"] = process.argv.slice(2);
let ticks = 0;
// Half an hour passes with every look: the log is rotated all the time.
const clock = { now: () => Date.UTC(2026, 0, 15) + Number(round) * 86_400_000 + (ticks += 1) * 1_800_000 };
const evidenceDir = join(directory, "evidence");
const path = join(directory, "state.db");
const evidence = await openEvidence({ directory: evidenceDir, clock });
const { recorder } = await openStateOrRebuild({
  evidence,
  clock,
  telemetry: memoryTelemetry(clock),
  platformOf: () => "grist",
  openState: () => openState({ path, clock }),
  setStateAside: () => setStateAside(path, clock.now()),
  verify: async () => (await verifyEvidence({ directory: evidenceDir })).problems.map((problem) => problem.sentence),
});

function facts(id: string, n: number): EvidenceEntry[] {
  const at = clock.now();
  const sourceId = n % 2 === 0 ? "crm" : "hr";
  const finishedAt = at + n;
  switch (n % 4) {
    case 0:
      return [{ type: "points.seen", at, sourceId, points: [somePoint(id, { sourceId, createdAt: at })] }];
    case 1:
      return [{ type: "run.reported", at, report: someRun(id, { sourceId, finishedAt, message: "x".repeat((n * 97) % 5000) }) }];
    case 2:
      return [{ type: "observations", at, observations: [someObservation(id, { sourceId, at, value: n / 7 })] }];
    default:
      return [
        { type: "drill.finished", at, drill: someDrill(id, { sourceId, startedAt: at, finishedAt, phases: { load: n / 3 } }) },
        { type: "observations", at, observations: [someObservation(id, { sourceId, signal: "records", at, value: n })] },
      ];
  }
}

async function work(worker: number): Promise<never> {
  for (let n = worker; ; n += 4) {
    const id = `round-${round}-fact-${n}`;
    await recorder.record(facts(id, n));
    // At once and whole: what was printed was safe before.
    writeSync(1, `${id}\n`);
  }
}

writeSync(1, "ready\n");
await Promise.all([0, 1, 2, 3].map(work));
