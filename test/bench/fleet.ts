/**
 * `npm run bench:fleet`: many sources on one agent, with a new backup and a drill of each every day, under a clock that is moved on a day
 * at a time. Real: configuration, directory vault, poller, driller, leases, evidence with its fsyncs, SQLite state, metrics, pages, and the
 * children of the first drills. A double: the children of all other drills, which give back what a real one found (the artifacts are alike).
 * Options: --sources 1000 · --days 3 · --real-drills 40
 */
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { catalogueConfigOf, drillRunner, notesOfCheck, readConfig, type RunChild, settingsOf, VERSION } from "../../agent/app.ts";
import { checks } from "../../agent/checks/api.ts";
import type { SourcePolicy } from "../../agent/core/policy.ts";
import type { Clock } from "../../agent/core/ports.ts";
import { createAgent } from "../../agent/engine/agent.ts";
import type { ChildOutcome } from "../../agent/engine/drill-child/index.ts";
import { createCataloguer } from "../../agent/engine/cataloguer.ts";
import { readStanding } from "../../agent/engine/coverage.ts";
import { createFleetReader } from "../../agent/engine/read-fleet.ts";
import { createWorkDir } from "../../agent/engine/drill-child/workdirs.ts";
import { openStateOrRebuild, rebuildState } from "../../agent/engine/recorder/rebuild.ts";
import { selfGauges } from "../../agent/engine/self.ts";
import { openEvidence } from "../../agent/evidence/log.ts";
import { buildHttp } from "../../agent/http/app.ts";
import { systemClock } from "../../agent/kit/clock.ts";
import { systemRandom } from "../../agent/kit/random.ts";
import { setStateAside } from "../../agent/state/aside.ts";
import { openState } from "../../agent/state/sqlite.ts";
import { createTelemetry } from "../../agent/telemetry/instrument.ts";
import { localWork } from "../../agent/work/local.ts";
import { type Cell, machine, median, megabytes, quantile, table } from "./table.ts";

const DAY_MS = 86_400_000;
/** As long as history is kept. */
const KEPT_DAYS = 400;

const { values: options } = parseArgs({
  options: {
    sources: { type: "string", default: "1000" },
    days: { type: "string", default: "3" },
    "real-drills": { type: "string", default: "40" },
  },
});
const sources = Number(options.sources);
const days = Number(options.days);
const realDrills = Number(options["real-drills"]);
if (![sources, days, realDrills].every((value) => Number.isSafeInteger(value) && value >= 1)) throw new Error("the options are no numbers");

const directory = await mkdtemp(join(tmpdir(), "rw-bench-fleet-"));
const never = new AbortController().signal;
/** What the last real child found. */
let known: ChildOutcome | null = null;
const rows: Cell[][] = [];
try {
  console.log(machine());
  await run();
  console.log(
    `\n${table(`${sources.toLocaleString("en")} sources, ${days} days, one backup and one drill of each a day`, ["what", "figure", "how"], rows)}`,
  );
  console.log(`\n${machine().split("\n")[1] ?? ""}`);
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const clock = movableClock(Date.UTC(2026, 0, 1, 6));
  await writeConfig();
  const config = await readConfig(join(directory, "restorewatch.yaml"), {});
  const telemetry = createTelemetry({
    service: { name: "bench", version: VERSION, instanceId: "bench", environment: null },
    clock,
    random: systemRandom(),
    log: { level: "silent", write: () => undefined },
  });
  const evidence = await openEvidence({ directory: config.evidenceDir, clock });
  const stateDeps = {
    evidence,
    clock,
    telemetry: telemetry.telemetry,
    platformOf: () => "node-red" as const,
    openState: () => openState({ path: config.statePath, clock }),
    setStateAside: () => setStateAside(config.statePath, clock.now()),
  };
  const { state, recorder } = await openStateOrRebuild({ ...stateDeps, verify: async () => [] });
  const { isolation, runChild } = await drillRunner({ clock, nodePath: process.execPath });
  const child: { run: RunChild } = { run: runChild };
  const self = selfGauges(telemetry.telemetry);
  const catalogueConfig = catalogueConfigOf(config);
  const settings = settingsOf(config, { clock, env: {} });
  const cataloguer = createCataloguer({
    config: () => catalogueConfig,
    vault: settings.vault,
    repositories: state.repositories,
    telemetry: telemetry.telemetry,
    self,
    clock,
  });
  const agent = createAgent(settings, {
    version: VERSION,
    holder: "bench",
    state,
    work: localWork({ leases: state.leases, clock }),
    record: (entries) => recorder.record(entries),
    tryOut: async () => new Map(),
    noteHead: () => recorder.noteHead(),
    telemetry: telemetry.telemetry,
    self,
    clock,
    random: systemRandom(),
    isolation: () => isolation,
    runChild: (job, span, signal) => child.run(job, span, signal),
    createWorkDir: (id) => createWorkDir(config.workDir, id),
    digestKey: "00".repeat(32),
    readText: () => Promise.reject(new Error("nothing is read here")),
    inbox: `${config.statePath}.inbox`,
    forget: (id) => telemetry.metrics.forget(id),
    alsoTold: (id) => cataloguer.samplesOf(id),
    initialise: (ids) => telemetry.metrics.initialise(ids),
    restore: () => Promise.resolve(),
    tickMs: 1000,
  });
  await agent.start();

  const polling: number[] = [];
  const drilling: number[] = [];
  const sizes: { readonly state: number; readonly evidence: number }[] = [];
  for (let day = 0; day < days; day += 1) {
    if (day > 0) clock.move(DAY_MS);
    await writeArtifacts(config.sources, clock.now());
    polling.push(
      await timed(config.agent.pollConcurrency, config.sources, async (policy) => {
        const outcome = await agent.poll(policy, never);
        if (outcome.points.length === 0) throw new Error(`no recovery point was found for ${policy.id}`);
      }),
    );
    const drill = async (policy: SourcePolicy): Promise<void> => {
      const done = await agent.drillNow(policy, never);
      if (done?.verdict !== "verified") throw new Error(`${policy.id} was not verified: ${done?.reasons.join(" ") ?? "no drill"}`);
    };
    if (day === 0) {
      const few = config.sources.slice(0, realDrills);
      const ms = await timed(config.agent.drillConcurrency, few, async (policy) => {
        child.run = remembered(runChild, (outcome) => (known = outcome));
        await drill(policy);
      });
      rows.push([
        "drills a second, children real",
        (few.length / ms) * 1000,
        `${few.length} drills, ${config.agent.drillConcurrency} at once`,
      ]);
      child.run = async () => requireKnown();
    }
    const rest = day === 0 ? config.sources.slice(realDrills) : config.sources;
    if (rest.length > 0) drilling.push((rest.length / (await timed(config.agent.drillConcurrency, rest, drill))) * 1000);
    sizes.push({ state: stateBytes(config.statePath), evidence: await bytesUnder(config.evidenceDir) });
  }
  rows.push([
    "polls a second",
    (sources / median(polling)) * 1000,
    `${config.agent.pollConcurrency} at once, each with its evidence and state`,
  ]);
  rows.push(["drills a second, children doubled", median(drilling), "what the agent itself does for a drill"]);
  growth(
    "state",
    sizes.map((size) => size.state),
  );
  growth(
    "evidence",
    sizes.map((size) => size.evidence),
  );
  rows.push(["memory of this process", megabytes(process.memoryUsage.rss()), "agent, pages and benchmark together"]);

  await beat(agent.run);
  await pages();
  const entries = evidence.head().seq;
  await state.close();
  const before = performance.now();
  const again = await rebuildState(stateDeps, "measured");
  const ms = performance.now() - before;
  rows.push([
    "state rebuild, entries a second",
    (entries / ms) * 1000,
    `${entries.toLocaleString("en")} entries in ${(ms / 1000).toFixed(1)} s`,
  ]);
  await again.state.close();
  await evidence.close();

  /** What one look at all sources takes before anything is begun. */
  async function beat(runAgent: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const started = performance.now();
    const running = runAgent(stop.signal);
    while (!agent.readiness().ready) await new Promise((resolve) => setTimeout(resolve, 5));
    rows.push(["first tick of the scheduler", milliseconds(performance.now() - started), "every source read, every gauge, the plan"]);
    stop.abort();
    await running;
  }

  async function pages(): Promise<void> {
    const app = () =>
      buildHttp({
        repositories: state.repositories,
        policies: agent.policies,
        readFleet: createFleetReader(state.repositories),
        standing: (policy) => readStanding(policy, null, state.repositories, clock.now()),
        differences: () => Promise.resolve(null),
        uncovered: () => [],
        catalogue: () => cataloguer.current(),
        clock,
        metricsText: async () => ({ contentType: telemetry.metrics.contentType, body: await telemetry.metrics.text() }),
        readiness: () => agent.readiness(),
        submitRun: (report) => agent.submitRun(report),
        auth: () => null,
        decide: (order) => agent.decide(order),
        randomHex: (bytes) => "0".repeat(bytes * 2),
        runsToken: null,
        version: VERSION,
        evidenceHead: () => evidence.head(),
        isolation: () => isolation,
        checks,
        notesOfCheck,
        evidencePath: config.evidenceDir,
        host: "127.0.0.1",
      });
    const some = config.sources.filter((_, index) => index % Math.ceil(sources / 20) === 0).map((policy) => policy.id);
    const drills = await Promise.all(
      some.map(async (id) => (await state.repositories.drills.list({ sourceId: id, limit: 1 }))[0]?.id ?? ""),
    );
    await latency("fleet page", app, ["/"], 5);
    await latency(
      "source page",
      app,
      some.map((id) => `/sources/${id}`),
      1,
    );
    await latency(
      "drill page",
      app,
      drills.map((id) => `/drills/${id}`),
      1,
    );
    await latency("/metrics", app, ["/metrics"], 5);
  }
}

function requireKnown(): ChildOutcome {
  if (known === null) throw new Error("no real drill came first");
  return known;
}

function remembered(run: RunChild, keep: (outcome: ChildOutcome) => void): RunChild {
  return async (...job) => {
    const outcome = await run(...job);
    keep(outcome);
    return outcome;
  };
}

/** Cold: pages of an application just built; again: the same ones once more. */
async function latency(name: string, build: () => ReturnType<typeof buildHttp>, paths: readonly string[], times: number): Promise<void> {
  const cold: number[] = [];
  const again: number[] = [];
  let bytes = 0;
  const ask = async (app: ReturnType<typeof buildHttp>, path: string): Promise<number> => {
    const started = performance.now();
    const response = await app.request(`http://127.0.0.1${path}`, { headers: { host: "127.0.0.1" } });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
    bytes = Buffer.byteLength(text);
    return performance.now() - started;
  };
  for (let time = 0; time < times; time += 1) {
    const app = build();
    for (const path of paths) {
      cold.push(await ask(app, path));
      again.push(await ask(app, path));
    }
  }
  const figures = (all: readonly number[]): string => `${milliseconds(median(all))} (95 %: ${milliseconds(quantile(all, 0.95))})`;
  rows.push([`${name}, ${megabytes(bytes)}, cold`, figures(cold), `${cold.length} requests in process`]);
  rows.push([`${name}, asked again at once`, figures(again), `${again.length} requests in process`]);
}

/** The last day's growth is the steady one: the first day also makes tables and sources. */
function growth(name: string, sizes: readonly number[]): void {
  const last = sizes.at(-1) ?? 0;
  const grown = sizes.length > 1 ? last - (sizes.at(-2) ?? 0) : last;
  rows.push([`${name} growth a day`, megabytes(grown), `${(grown / sources / 1000).toFixed(1)} kB a source`]);
  rows.push([`${name} at ${KEPT_DAYS} days`, `${((grown * KEPT_DAYS) / 1e9).toFixed(2)} GB`, "the day's growth, multiplied"]);
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

async function timed(atOnce: number, policies: readonly SourcePolicy[], work: (policy: SourcePolicy) => Promise<void>): Promise<number> {
  const waiting = policies.values();
  const started = performance.now();
  const lane = async (): Promise<void> => {
    for (const policy of waiting) await work(policy);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return performance.now() - started;
}

/** Moved by hand between days; within a day it goes on as the machine's does, so that children and deadlines are the real ones. */
function movableClock(start: number): Clock & { move(ms: number): void } {
  const real = systemClock();
  const began = real.monotonic();
  let moved = 0;
  return {
    ...real,
    now: () => start + moved + (real.monotonic() - began),
    move(ms) {
      moved += ms;
    },
  };
}

async function writeConfig(): Promise<void> {
  const lines = Array.from(
    { length: sources },
    (_, index) => `  - id: ${idOfSource(index)}
    platform: { type: node-red }
    owner: { team: team-${index % 20} }
    domain: domain-${index % 8}
    tier: ${["critical", "important", "standard"][index % 3]}
    objectives: { rpo: 26h, rto: 1h }
    backups: { vault: local, path: ${idOfSource(index)}, every: 24h, jitter: 2h, settle: 1s, retention: 400d }
`,
  );
  await writeFile(
    join(directory, "restorewatch.yaml"),
    `state: { sqlite: ./state/restorewatch.db }
evidence: { directory: ./evidence }
http: { listen: "127.0.0.1:9464" }
vaults:
  local: { type: dir, path: ./backups }
sources:
${lines.join("")}`,
  );
}

function idOfSource(index: number): string {
  return `source-${String(index).padStart(5, "0")}`;
}

/** A small flow file for each source, made an hour ago. */
async function writeArtifacts(policies: readonly SourcePolicy[], now: number): Promise<void> {
  const at = new Date(now - 3_600_000);
  for (const [index, policy] of policies.entries()) {
    const folder = join(directory, "backups", policy.id);
    await mkdir(folder, { recursive: true });
    const path = join(folder, `flows-${at.toISOString().slice(0, 10)}.json`);
    await writeFile(path, JSON.stringify(flows(index)));
    await utimes(path, at, at);
  }
}

function flows(seed: number): unknown {
  const id = (n: number): string => (seed * 1000 + n).toString(16).padStart(16, "0");
  const nodes = Array.from({ length: 10 }, (_, n) => [
    {
      id: id(2 * n + 1),
      type: "inject",
      z: id(0),
      name: `every hour ${n}`,
      props: [{ p: "payload" }],
      repeat: "3600",
      wires: [[id(2 * n + 2)]],
    },
    { id: id(2 * n + 2), type: "debug", z: id(0), name: `show ${n}`, active: true, wires: [] },
  ]);
  return [{ id: id(0), type: "tab", label: "Building", disabled: false, info: "" }, ...nodes.flat()];
}

/** With what still lies in the write-ahead log brought into the file. */
function stateBytes(path: string): number {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const [pages, size] = ["page_count", "page_size"].map((name) =>
      Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]),
    );
    return (pages ?? 0) * (size ?? 0);
  } finally {
    database.close();
  }
}

async function bytesUnder(path: string): Promise<number> {
  const names = await readdir(path);
  return (await Promise.all(names.map((name) => stat(join(path, name))))).reduce((sum, found) => sum + found.size, 0);
}
