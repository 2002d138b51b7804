/** An agent's memory as it looks after 45 nights of five sources, and the app over it: what pages and API are tested on. */
import { createHash } from "node:crypto";
import { type Catalogue, type CatalogueConfig, catalogue, type ProductLook, type VaultLook } from "../../../agent/core/catalogue.ts";
import { judge } from "../../../agent/core/verdict.ts";
import type { SourcePolicy } from "../../../agent/core/policy.ts";
import type { Check, State } from "../../../agent/core/ports.ts";
import type { CheckResult, DrillRecord, RecoveryPoint, RunReport } from "../../../agent/core/values.ts";
import { sightings } from "../../../agent/engine/cataloguer.ts";
import { readStanding } from "../../../agent/engine/coverage.ts";
import { createFleetReader } from "../../../agent/engine/read-fleet.ts";
import type { DecisionOrder } from "../../../agent/http/deps.ts";
import { buildHttp, type HttpDeps } from "../../../agent/http/app.ts";
import { seededRandom } from "../../../agent/kit/random.ts";
import { type FakeClock, fakeClock } from "../../doubles/clock.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { someAlarm, someDrill, somePoint, someRun } from "../../doubles/values.ts";

export const NOW = Date.UTC(2026, 1, 20, 11, 12, 30);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NIGHTS = 45;

export interface World {
  readonly clock: FakeClock;
  readonly state: State;
  readonly policies: SourcePolicy[];
  readonly submitted: RunReport[];
  readonly decided: DecisionOrder[];
  readonly errors: unknown[];
  readonly app: ReturnType<typeof buildHttp>;
}

export const TOKEN = "open-sesame-0123456789";

function check(id: string, layer: Check["layer"], question: string): Check {
  return {
    id,
    layer,
    question,
    needs: "sandbox",
    aspect: null,
    pitfalls: ["restored counts look right while relations point nowhere"],
    limits: "It cannot see whether the values themselves are the right ones.",
    run: () => Promise.resolve({ status: "pass", observed: "fine" }),
  };
}

export const CHECKS: readonly Check[] = [
  check("artifact.readable", "artifact", "Can every byte of the backup be read?"),
  check("artifact.complete", "artifact", "Does its own structure end where it should?"),
  check("restore.loads", "content", "Does every record load into the sandbox with its declared type?"),
  check("records.count", "content", "Are there as many records as the backup itself, or the one before, says?"),
  check("links.resolve", "content", "Does every reference lead to a record that is there?"),
  check("links.digest", "content", "Do records still point at the same records as before?"),
  check("credentials.decrypt", "content", "Can every stored credential be decrypted with the given key?"),
  check("files.present", "content", "Are all attachments in the backup?"),
];

export function result(id: string, status: CheckResult["status"], observed: string, more: Partial<CheckResult> = {}): CheckResult {
  const layer = id.startsWith("artifact.") ? "artifact" : "content";
  return { id, layer, status, observed, expected: null, count: status === "pass" ? 5302 : 1, examples: [], durationMs: 12, ...more };
}

const PASSING: readonly CheckResult[] = [
  result("artifact.readable", "pass", "463.9 kB read", { count: 1 }),
  result("artifact.complete", "pass", "the SQLite integrity check is clean", { count: 1 }),
  result("restore.loads", "pass", "5,302 records loaded"),
  result("records.count", "pass", "5,302 records"),
  result("links.resolve", "pass", "1,224 links resolve", { count: 1224 }),
  result("links.digest", "pass", "links lead where they led before", { count: 1224 }),
  result("credentials.decrypt", "skip", "a Grist document holds no credentials", { count: 0 }),
  result("files.present", "skip", "the document names no attachments", { count: 0 }),
];

export function drillOf(point: RecoveryPoint, checks: readonly CheckResult[], more: Partial<DrillRecord> = {}): DrillRecord {
  const { verdict, layers, reasons } = judge(["artifact", "content"], checks, null);
  const finishedAt = point.firstSeenAt + 20_000;
  return someDrill(`drill-${point.id}`, {
    sourceId: point.sourceId,
    pointId: point.id,
    startedAt: finishedAt - 2_140,
    finishedAt,
    verdict,
    layers,
    reasons,
    checks,
    artifact: {
      path: point.path,
      format: "grist",
      formatVersion: "44",
      bytes: point.bytes,
      sha256: createHash("sha256").update(point.id).digest("hex"),
    },
    phases: { open: 64, parse: 212, provision: 31, load: 905, checks: 770, dispose: 18 },
    sample: { population: 5302, checked: 5302, strategy: "all", seedCommitment: null },
    facts: {
      format: "grist",
      formatVersion: "44",
      inventory: { collections: 3, records: 5302, links: 1224, automations: 0, credentials: 0, files: 0, views: 9, roles: 2 },
      collections: [],
      automations: [],
      credentials: [],
      views: [],
      access: [],
    },
    resources: { cpuMs: 1840, peakRssBytes: 187_400_000, readBytes: point.bytes * 2, diskBytes: 1_204_224 },
    ...more,
  });
}

function replaced(...changed: readonly CheckResult[]): CheckResult[] {
  const byId = new Map(changed.map((one) => [one.id, one]));
  return PASSING.map((one) => byId.get(one.id) ?? one);
}

export interface Nights {
  readonly policy: SourcePolicy;
  /** Bytes of the newest backup as a share of the usual. */
  readonly lastShare?: number;
  /** How many days ago the newest backup is. */
  readonly daysAgo?: number;
  readonly lastChecks?: readonly CheckResult[];
  readonly nights?: number;
  readonly drilled?: number;
}

/** Fills state with nightly backups at 02:00 of one source, oldest first, and a drill of the newest ones. */
export async function fill(
  state: State,
  { policy, lastShare = 1, daysAgo = 0, lastChecks = PASSING, nights = NIGHTS, drilled = 10 }: Nights,
): Promise<void> {
  const { repositories } = state;
  const random = seededRandom(policy.id.length * 1000 + policy.id.charCodeAt(0));
  await repositories.sources.seen(policy.id, NOW - 60 * DAY);
  await repositories.sources.putPoll({
    sourceId: policy.id,
    lastPollAt: NOW - 9000,
    lastOkAt: NOW - 9000,
    failures: 0,
    trouble: null,
    nextPollAt: NOW + 51_000,
  });
  const midnight = NOW - (NOW % DAY);
  const points: RecoveryPoint[] = [];
  for (let night = nights - 1; night >= 0; night -= 1) {
    const last = night === 0;
    const at = midnight - (night + daysAgo) * DAY + 2 * HOUR + Math.round(random.next() * 600_000);
    const bytes = Math.round((430_000 + (nights - night) * 750 + random.next() * 6000) * (last ? lastShare : 1));
    const id = `${policy.id}-${nights - night}`;
    const path = `${policy.id}/${new Date(at).toISOString().slice(0, 10)}.grist`;
    points.push(
      somePoint(id, {
        sourceId: policy.id,
        createdAt: at,
        modifiedAt: at,
        createdFrom: "run-report",
        bytes,
        path,
        runId: `run-${id}`,
        firstSeenAt: at + 60_000,
      }),
    );
    const seconds = 38 + random.next() * 9;
    await repositories.runs.put(
      someRun(`run-${id}`, { sourceId: policy.id, startedAt: at - seconds * 1000, finishedAt: at, bytes, path, receivedAt: at }),
    );
    await repositories.observations.put([
      { sourceId: policy.id, signal: "bytes", at, value: bytes, ref: id },
      { sourceId: policy.id, signal: "duration", at, value: seconds, ref: `run-${id}` },
    ]);
  }
  await repositories.points.put(points);
  for (const point of points.slice(-drilled)) {
    const drill = drillOf(point, point === points.at(-1) ? lastChecks : PASSING);
    await repositories.drills.put(drill);
    await repositories.observations.put([
      { sourceId: policy.id, signal: "records", at: point.createdAt, value: Math.round(point.bytes / 85), ref: point.id },
    ]);
  }
}

/** Like the quickstart: healthy, late, collapsed, broken, locked. */
export async function fiveSources(state: State): Promise<SourcePolicy[]> {
  const healthy = policy("healthy", {
    tier: "critical",
    owner: { team: "sales-ops", contact: "#sales-ops" },
    verify: { ...policy().verify, history: 3 },
  });
  const late = policy("late", { owner: { team: "hr", contact: null }, domain: "people" });
  const collapsed = policy("collapsed", { tier: "important", domain: "logistics", owner: { team: "warehouse", contact: null } });
  const broken = policy("broken", { domain: "finance", tier: "critical", owner: { team: "billing", contact: null } });
  const locked = policy("locked", { platform: "node-red", domain: "building", owner: null });
  await fill(state, { policy: healthy });
  await fill(state, { policy: late, daysAgo: 3 });
  await fill(state, { policy: collapsed, lastShare: 0.22 });
  await fill(state, {
    policy: broken,
    lastChecks: replaced(
      result("links.resolve", "fail", "3 dangling references in Orders.customer", {
        expected: "0",
        count: 3,
        examples: [
          { collection: "Orders", item: "1042", field: "customer", note: "points at Customers 88, which is not there" },
          { collection: "Orders", item: "1043", field: "customer", note: "points at Customers 88, which is not there" },
        ],
      }),
      result("links.digest", "fail", "40 of 1,224 links in Orders.customer lead elsewhere than before, with equal counts", {
        expected: "the same targets",
        count: 40,
      }),
    ),
  });
  await fill(state, {
    policy: locked,
    lastChecks: replaced(
      result("credentials.decrypt", "fail", "2 of 2 credentials do not decrypt with the given key", {
        expected: "all decrypt",
        count: 2,
        examples: [{ collection: "credentials", item: "a1f3.mqtt" }],
      }),
    ),
  });
  await state.repositories.alarms.put(
    someAlarm("alarm-collapsed", {
      sourceId: "collapsed",
      since: NOW - (NOW % DAY) + 2 * HOUR,
      sentence:
        "The backup is 103.2 kB, expected about 463.9 kB (median of the runs before): 4.5 times less, since 2026-02-20 02:04 UTC; look at which collections shrank and at the backup job's own log.",
    }),
  );
  await state.repositories.alarms.put(
    someAlarm("alarm-old", {
      sourceId: "healthy",
      since: NOW - 30 * DAY,
      endedAt: NOW - 27 * DAY,
      sentence: "The backup was 2.4 MB, expected about 450 kB.",
    }),
  );
  return [healthy, late, collapsed, broken, locked];
}

/** The catalogue as the agent makes it; vaults are looked through only where a test says what lies there. */
export async function catalogueOf(
  state: State,
  more: Partial<CatalogueConfig>,
  looks: readonly VaultLook[] = [],
  products: readonly ProductLook[] = [],
): Promise<Catalogue> {
  const config: CatalogueConfig = {
    sources: [],
    uncovered: [],
    vaults: ["nightly"],
    calendars: [{ kind: "smoke", schedule: "0 6 1 * *", timezone: "UTC", rotate: "all" }],
    formats: [
      { id: "grist", platform: "grist" },
      { id: "node-red", platform: "node-red" },
    ],
    connectors: new Map(),
    ...more,
  };
  return catalogue(config, await sightings(config, state.repositories), looks, products);
}

export function world(more: Partial<HttpDeps> & { state?: State; sources?: SourcePolicy[] } = {}): World {
  const { state = memoryState(), sources = [], ...overrides } = more;
  const clock = fakeClock(NOW);
  const submitted: RunReport[] = [];
  const decided: DecisionOrder[] = [];
  const errors: unknown[] = [];
  const app = buildHttp({
    repositories: state.repositories,
    policies: () => sources,
    readFleet: createFleetReader(state.repositories),
    standing: (policy) => readStanding(policy, null, state.repositories, clock.now()),
    differences: () => Promise.resolve(null),
    uncovered: () => [],
    catalogue: () => catalogueOf(state, { sources }),
    clock,
    metricsText: () => Promise.resolve({ contentType: "application/openmetrics-text; version=1.0.0; charset=utf-8", body: "# EOF\n" }),
    readiness: () => ({ ready: true, problems: [] }),
    submitRun: (report) => {
      submitted.push(report);
      return Promise.resolve();
    },
    auth: () => null,
    decide: (order) => {
      decided.push(order);
      const { actor: _, sourceId, subject, ...rest } = order;
      return Promise.resolve({
        ...rest,
        id: `decision-${decided.length}`,
        sourceId,
        subject: subject ?? "waiting",
        at: NOW,
        actor: "~0123",
      });
    },
    randomHex: (bytes) => "5a".repeat(bytes),
    runsToken: { reveal: () => Promise.resolve(TOKEN) },
    version: "0.1.0",
    evidenceHead: () => ({ seq: 1234, hash: "3f".repeat(32) }),
    isolation: () => ({ process: true, permissions: true, network: true, memoryLimit: false, databaseLocked: true }),
    checks: CHECKS,
    notesOfCheck: (id) => ({
      formats: id === "credentials.decrypt" ? ["node-red"] : ["csv", "grist"],
      failures: id === "links.resolve" ? [{ failure: "duplicate/restore silently drops links", seen: "NocoDB #11496" }] : [],
    }),
    evidencePath: "/var/lib/restorewatch/evidence",
    host: "127.0.0.1",
    onError: (error) => {
      errors.push(error);
    },
    ...overrides,
  });
  return { clock, state, policies: sources, submitted, decided, errors, app };
}

export async function fiveWorld(more: Partial<HttpDeps> = {}): Promise<World> {
  const state = memoryState();
  return world({ state, sources: await fiveSources(state), ...more });
}
