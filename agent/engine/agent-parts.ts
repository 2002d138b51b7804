/** What the running agent is made of, what is handed to it, and what it can be asked. */
import type { Decision } from "../core/decisions.ts";
import type { EvidenceEntry } from "../core/evidence.ts";
import type { SourceProducts } from "../core/platform-ports.ts";
import type { DrillCalendar, SourcePolicy } from "../core/policy.ts";
import type { Clock, GaugeSample, Random, Span, State, Telemetry, Vault, Work } from "../core/ports.ts";
import type { SourceStatus } from "../core/status.ts";
import type { DrillRecord, Isolation, RunReport } from "../core/values.ts";
import type { DrillJob } from "../drill/protocol.ts";
import type { DecisionOrder } from "./decisions.ts";
import type { Cause } from "./health.ts";
import type { ChildOutcome } from "./drill-child/index.ts";
import type { DrillerDeps } from "./driller.ts";
import type { PollOutcome } from "./poller.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SelfGauges } from "./self.ts";

/** What a configuration says to the engine; replaced as a whole by a reload. */
export interface Settings {
  readonly configHash: string;
  readonly policies: readonly SourcePolicy[];
  /** Ids of sources that are configured without a backup: there is nothing to poll, but they are known. */
  readonly uncovered: readonly string[];
  readonly calendars: readonly DrillCalendar[];
  readonly vault: (id: string) => Vault;
  /** Live products of sources that have a connection. */
  readonly products?: (sourceId: string) => SourceProducts | null;
  readonly pollConcurrency: number;
  readonly drillConcurrency: number;
  readonly retentionMs: number;
}

export interface AgentDeps {
  readonly version: string;
  readonly holder: string;
  readonly state: State;
  readonly work: Work;
  readonly record: (entries: readonly EvidenceEntry[]) => Promise<void>;
  /** `always`: also when today's was noted already. */
  readonly noteHead: (always?: boolean) => Promise<void>;
  /** Tries to write where the agent has to write, and `thoroughly` to start a process too; what was thrown, or null, a cause. */
  readonly tryOut: (thoroughly: boolean) => Promise<ReadonlyMap<Cause, Error | null>>;
  readonly telemetry: Telemetry;
  readonly self: SelfGauges;
  readonly clock: Clock;
  readonly random: Random;
  readonly isolation: () => Isolation;
  readonly runChild: (job: DrillJob, span: Span, signal: AbortSignal) => Promise<ChildOutcome>;
  readonly createWorkDir: DrillerDeps["createWorkDir"];
  readonly spares?: NonNullable<DrillerDeps["spares"]>;
  readonly keepDifferences?: NonNullable<DrillerDeps["keepDifferences"]>;
  readonly digestKey: string;
  /** A small file of the configuration's, as text. */
  readonly readText: (path: string) => Promise<string>;
  readonly inbox: string;
  /** What else is told of a source that has a backup, together with its own gauges. */
  readonly alsoTold: (sourceId: string) => readonly GaugeSample[];
  /** A source left the configuration: its counters go too. */
  readonly forget: (sourceId: string) => void;
  /** Counters of a source that came, at 0. */
  readonly initialise: (sourceIds: readonly string[]) => void;
  /** Counters of sources that come back into the configuration, as they were left. */
  readonly restore: (sourceIds: readonly string[]) => Promise<void>;
  /** What else is begun at every tick: captures. Must not throw, and not wait for what it begins. */
  readonly alsoAtTick?: () => Promise<void>;
  readonly tickMs: number;
}

export interface Agent {
  readonly scheduler: Scheduler;
  readonly policies: () => readonly SourcePolicy[];
  /** Records start and configuration and puts every gauge right. Before anything listens. */
  start(): Promise<void>;
  /** Until `signal` aborts; drills under way are then abandoned. */
  run(signal: AbortSignal): Promise<void>;
  stop(reason: string): Promise<void>;
  reload(next: Settings): Promise<void>;
  /** Records what a person decided; throws AgentError `usage` where there is nothing of the kind to decide on. */
  decide(order: DecisionOrder): Promise<Decision>;
  submitRun(report: RunReport): Promise<void>;
  poll(policy: SourcePolicy, signal: AbortSignal): Promise<PollOutcome>;
  /** Drills the newest point now, whatever the plan says; null when there is none. */
  drillNow(policy: SourcePolicy, signal: AbortSignal): Promise<DrillRecord | null>;
  statuses(): Promise<SourceStatus[]>;
  /** Not ready while nothing was looked at yet, while ticks do not get through, and while something keeps the agent from its own work. */
  readiness(): { readonly ready: boolean; readonly problems: readonly string[] };
}
