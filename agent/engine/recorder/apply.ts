/** The one reducer from evidence to state. Applying an entry again changes nothing. */
import type { Decision } from "../../core/decisions.ts";
import { AgentError } from "../../core/errors.ts";
import { rememberRestore } from "../forecasts.ts";
import type { EvidenceEntry } from "../../core/evidence.ts";
import { COVERAGE_PAPER, LEDGER_PAPER, papersAfter } from "../../core/sampled.ts";
import type { DrillRecord } from "../../core/values.ts";
import type { Repositories } from "../../core/ports.ts";

/** Keys in `meta`. */
export const META = {
  /** JSON `{seq, hash}` of the last entry applied. */
  applied: "evidence.applied",
  /** JSON `{seq, hash, at}` of the head noted last. */
  noted: "evidence.noted",
  configHash: "config.hash",
} as const;

/**
 * @returns whether the entry told something that state did not know: a drill or a run recorded twice is counted once
 * @throws AgentError `config` evidence-newer for an entry of a type this version does not know
 */
export async function applyEntry(repositories: Repositories, entry: EvidenceEntry): Promise<boolean> {
  switch (entry.type) {
    case "agent.started":
    case "config.changed":
      await repositories.meta.set(META.configHash, entry.configHash);
      return true;
    case "source.configured":
      await repositories.sources.seen(entry.sourceId, entry.at);
      return true;
    case "points.seen":
      await repositories.points.put(entry.points);
      return true;
    case "run.reported": {
      const known = await repositories.runs.get(entry.report.id);
      await repositories.runs.put(entry.report);
      return known === null;
    }
    case "observations":
      await repositories.observations.put(entry.observations);
      return true;
    case "drill.finished": {
      const known = await repositories.drills.get(entry.drill.id);
      if (known === null) {
        await readItems(repositories.papers, entry.drill);
        await rememberRestore(repositories.papers, entry.drill);
      }
      await repositories.drills.put(entry.drill);
      return known === null;
    }
    case "alarm.changed":
      await repositories.alarms.put(entry.alarm);
      return true;
    case "baseline.proposed":
      return proposeBaseline(repositories, entry);
    case "decision.made":
      return applyDecision(repositories, entry.decision);
    case "head.noted":
      await repositories.meta.set(META.noted, JSON.stringify({ seq: entry.seq, hash: entry.head, at: entry.at }));
      return true;
    case "agent.stopped":
    case "leftovers.removed":
    case "state.rebuilt":
      return true;
    default:
      throw new AgentError(
        "config",
        "evidence-newer",
        `The evidence holds an entry of a type this version does not know: ${typeOf(entry)}.`,
        {
          mend: "run the version that wrote it, or a later one",
        },
      );
  }
}

/** How far the sample has come, from what each drill drew and found. */
async function readItems(papers: Repositories["papers"], { sourceId, sampled }: DrillRecord): Promise<void> {
  if (sampled === undefined) return;
  const before = await Promise.all([papers.get(sourceId, LEDGER_PAPER), papers.get(sourceId, COVERAGE_PAPER)]);
  const { ledger, coverage } = papersAfter(before[0], before[1], sampled);
  await papers.put(sourceId, LEDGER_PAPER, ledger);
  await papers.put(sourceId, COVERAGE_PAPER, coverage);
}

/** The facts are those of the drill it is about; one that is proposed later takes the place of one nobody decided on. */
async function proposeBaseline(repositories: Repositories, { at, baseline }: Proposed): Promise<boolean> {
  const { baselines, drills } = repositories;
  if ((await baselines.get(baseline.id)) !== null) return false;
  const facts = (await drills.get(baseline.drillId))?.facts ?? null;
  if (facts === null) return false;
  for (const open of await baselines.list({ sourceId: baseline.sourceId, status: "proposed" }))
    await baselines.put({ ...open, status: "retired", decidedAt: at });
  await baselines.put({ ...baseline, proposedAt: at, status: "proposed", decidedAt: null, facts });
  return true;
}

type Proposed = Extract<EvidenceEntry, { type: "baseline.proposed" }>;

async function applyDecision({ baselines, decisions }: Repositories, decision: Decision): Promise<boolean> {
  await decisions.put(decision);
  if (decision.about !== "baseline" || decision.answer === "expected") return true;
  const decided = await baselines.get(decision.subject);
  if (decided === null) return true;
  if (decision.answer === "approved")
    for (const former of await baselines.list({ sourceId: decision.sourceId, status: "approved" }))
      if (former.id !== decided.id) await baselines.put({ ...former, status: "retired", decidedAt: decision.at });
  await baselines.put({ ...decided, status: decision.answer, decidedAt: decision.at });
  return true;
}

function typeOf(entry: never): string {
  return (entry as { type: string }).type;
}
