/** The tables. Times are milliseconds since the epoch; what is only ever read whole lies as JSON in `body`. */
import type { Generated } from "kysely";

export interface Database {
  points: PointsTable;
  runs: RunsTable;
  observations: ObservationsTable;
  drills: DrillsTable;
  alarms: AlarmsTable;
  sources: SourcesTable;
  polls: PollsTable;
  probes: { source_id: string; body: string };
  baselines: { id: string; source_id: string; status: string; proposed_at: number; body: string };
  decisions: { id: string; source_id: string; at: number; body: string };
  papers: { source_id: string; name: string; body: string };
  actors: { id: string; name: string };
  tallies: TalliesTable;
  meta: { key: string; value: string };
  leases: { id: string; holder: string; until: number };
}

export const TABLES = [
  "points",
  "runs",
  "observations",
  "drills",
  "alarms",
  "sources",
  "polls",
  "probes",
  "baselines",
  "decisions",
  "papers",
  "actors",
  "tallies",
  "meta",
  "leases",
] as const satisfies (keyof Database)[];

export interface PointsTable {
  id: string;
  source_id: string;
  vault_id: string;
  path: string;
  kind: string;
  created_at: number;
  created_from: string;
  modified_at: number;
  bytes: number;
  immutable_until: number | null;
  run_id: string | null;
  first_seen_at: number;
  gone_at: number | null;
}

export interface RunsTable {
  id: string;
  source_id: string;
  finished_at: number;
  body: string;
}

export interface ObservationsTable {
  source_id: string;
  signal: string;
  at: number;
  value: number;
  ref: string;
}

export interface DrillsTable {
  id: string;
  source_id: string;
  point_id: string;
  kind: string;
  attempt: number;
  finished_at: number;
  verdict: string;
  artifact: string | null;
  content: string | null;
  scratch: string | null;
  live: string | null;
  /** 1 when the body has facts. */
  facts: number;
  body: string;
}

export interface AlarmsTable {
  id: string;
  source_id: string;
  since: number;
  ended_at: number | null;
  body: string;
}

export interface SourcesTable {
  id: string;
  first_seen_at: number;
}

export interface PollsTable {
  source_id: string;
  last_poll_at: number | null;
  last_ok_at: number | null;
  failures: number;
  trouble: string | null;
  next_poll_at: number;
}

export interface TalliesTable {
  metric: string;
  /** JSON with sorted keys. */
  labels: string;
  count: number;
  sum: number;
  /** JSON list of cumulative counts. */
  buckets: Generated<string>;
}
