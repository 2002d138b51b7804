/** What the HTTP side is handed: it reads state and says it; it decides nothing and writes only run reports. */
import type { Catalogue } from "../core/catalogue.ts";
import type { EvidenceHead } from "../core/evidence.ts";
import type { Answer, Decision, DecisionWay } from "../core/decisions.ts";
import type { Differences } from "../core/differences.ts";
import type { AuthPolicy, SecretRef, SourcePolicy } from "../core/policy.ts";
import type { CheckRegistry } from "../core/definitions.ts";
import type { Clock, Repositories } from "../core/ports.ts";
import type { LayerStanding } from "../core/sampling/standing.ts";
import type { SourceStatus } from "../core/status.ts";
import type { Isolation, RunReport } from "../core/values.ts";

export interface Readiness {
  readonly ready: boolean;
  /** One sentence each; may be non-empty while ready (degraded). */
  readonly problems: readonly string[];
}

/** What a person decides; `subject` null: the baseline that waits. */
export interface DecisionOrder {
  readonly about: Decision["about"];
  readonly subject: string | null;
  readonly sourceId: string;
  readonly answer: Answer;
  readonly reason: string;
  readonly actor: string;
  readonly via: DecisionWay;
}

export interface CheckNotes {
  /** Ids of the formats that can answer it. */
  readonly formats: readonly string[];
  /** What went wrong for real users, and where they told of it. */
  readonly failures: readonly { readonly failure: string; readonly seen: string }[];
}

export interface HttpDeps {
  readonly repositories: Repositories;
  readonly policies: () => readonly SourcePolicy[];
  /** How every source of these stands now, in their order. */
  readonly readFleet: (
    policies: readonly SourcePolicy[],
    now: number,
  ) => Promise<readonly { readonly policy: SourcePolicy; readonly status: SourceStatus }[]>;
  /** How far its sampled layers have come; empty for a source that samples nothing. */
  readonly standing: (policy: SourcePolicy) => Promise<readonly LayerStanding[]>;
  /** Values in which its last comparison found production and backup apart; null where none are kept. People's data. */
  readonly differences: (sourceId: string) => Promise<Differences | null>;
  /** Ids of sources that are configured without a backup. */
  readonly uncovered: () => readonly string[];
  /** What there is to protect, what covers it, what is missing. */
  readonly catalogue: () => Promise<Catalogue>;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly metricsText: () => Promise<{ readonly contentType: string; readonly body: string }>;
  readonly readiness: () => Readiness;
  /** Records one run report: evidence, state, metrics. The same report again changes nothing. */
  readonly submitRun: (report: RunReport) => Promise<void>;
  /** Null: nobody may decide over HTTP. */
  readonly auth: () => AuthPolicy | null;
  /** Records one decision; throws AgentError `usage` where there is nothing of the kind to decide on. */
  readonly decide: (order: DecisionOrder) => Promise<Decision>;
  readonly randomHex: (bytes: number) => string;
  /** Null: nobody may report runs over HTTP. */
  readonly runsToken: SecretRef | null;
  readonly version: string;
  readonly evidenceHead: () => EvidenceHead | null;
  /** What a drill gets on this machine; null before it was tried. */
  readonly isolation: () => Isolation | null;
  readonly checks: CheckRegistry;
  /** What there is to say of a check besides itself. */
  readonly notesOfCheck: (id: string) => CheckNotes;
  /** Where the evidence log lies, for the page; null where there is none. */
  readonly evidencePath: string | null;
  /** Address listened on. On a loopback address only loopback host names are answered (DNS rebinding). */
  readonly host: string;
  /** Told of everything that was not expected, for the log. */
  readonly onError?: (error: unknown) => void;
}
