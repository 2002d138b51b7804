/** The one reducer from evidence to state. Applying an entry again changes nothing. */
import { AgentError } from "../../core/errors.ts";
import type { EvidenceEntry } from "../../core/evidence.ts";
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
      await repositories.drills.put(entry.drill);
      return known === null;
    }
    case "alarm.changed":
      await repositories.alarms.put(entry.alarm);
      return true;
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

function typeOf(entry: never): string {
  return (entry as { type: string }).type;
}
