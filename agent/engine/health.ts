/**
 * What keeps the agent from its own work now: one sentence a cause, for `/readyz`, a gauge a cause, for the alert, and one log line when
 * it begins and when it ends. Nothing here says anything about a backup.
 */
import { type AgentError, asAgentError } from "../core/errors.ts";
import type { Telemetry } from "../core/ports.ts";
import { ATTRIBUTES, DEGRADED_CAUSES } from "../telemetry/names.ts";

export type Cause = (typeof DEGRADED_CAUSES)[number];

/** Who noticed: work that was really tried, or a look whether it could be. Each takes back only what it said itself. */
export type Origin = "work" | "look";

export interface Health {
  trouble(cause: Cause, thrown: unknown, origin?: Origin): void;
  /** @returns whether there was something to take back */
  well(cause: Cause, origin?: Origin): boolean;
  has(cause: Cause, origin?: Origin): boolean;
  /** One sentence a cause that holds. */
  problems(): readonly string[];
}

const WHAT: Readonly<Record<Cause, string>> = {
  evidence: "The evidence cannot be written, so nothing can be recorded and no drill is begun",
  state: "The state cannot be read or written, so nothing can be recorded and no drill is begun",
  sandbox: "Drills cannot work",
  inbox: "What the command line left for the agent cannot be taken in",
  scheduler: "The scheduler does not get through",
};

/** @param onWell told when a cause is over */
export function createHealth(telemetry: Telemetry, onWell: (cause: Cause) => void): Health {
  const held = new Map<Cause, Map<Origin, string>>();
  const tell = (cause: Cause): void =>
    telemetry.gauges({ cause }, [{ metric: "restorewatch_degraded", labels: { cause }, value: held.has(cause) ? 1 : 0 }]);
  for (const cause of DEGRADED_CAUSES) tell(cause);
  return {
    trouble(cause, thrown, origin = "work") {
      const error = asAgentError(thrown);
      const by = held.get(cause) ?? new Map<Origin, string>();
      by.set(origin, sentence(cause, error));
      if (held.has(cause)) return;
      held.set(cause, by);
      tell(cause);
      telemetry.log("error", "the agent is degraded", { cause, [ATTRIBUTES.errorType]: error.code });
    },
    well(cause, origin = "work") {
      const by = held.get(cause);
      if (by === undefined || !by.delete(origin)) return false;
      if (by.size > 0) return true;
      held.delete(cause);
      tell(cause);
      telemetry.log("info", "the agent is no longer degraded", { cause });
      onWell(cause);
      return true;
    },
    has: (cause, origin) => (origin === undefined ? held.has(cause) : held.get(cause)?.has(origin) === true),
    problems: () => [...held.values()].flatMap((by) => [...by.values()].slice(0, 1)),
  };
}

function sentence(cause: Cause, error: AgentError): string {
  const why = error.message.replace(/\.$/, "");
  return `${WHAT[cause]}: ${why}${error.mend === null ? "" : `; ${error.mend}`}.`;
}

/** Which of the two a failed record was about: its evidence is written first, and its errors have names of their own. */
export function causeOfRecording(thrown: unknown): "evidence" | "state" {
  return asAgentError(thrown).code.startsWith("evidence-") ? "evidence" : "state";
}

/** Codes of a drill's trouble that say: this machine does not let us work, whatever the artifact. */
const OWN_TROUBLE: ReadonlySet<string> = new Set([
  "enospc",
  "edquot",
  "erofs",
  "emfile",
  "enfile",
  "eagain",
  "enomem",
  "child-not-started",
  "sandbox-disk-full",
]);

export function isOwnTrouble(code: string | null): boolean {
  return code !== null && OWN_TROUBLE.has(code);
}
