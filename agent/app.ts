/** The one place where ports meet implementations. Everything else is handed what it needs. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CaptureSchedule } from "./app-capture.ts";
import { drillRunner, VERSION, type World } from "./app-world.ts";
import { ANSWERED_BY } from "./checks/answered-by.ts";
import { checks } from "./checks/api.ts";
import { PITFALLS } from "./checks/pitfalls.ts";
import { loadConfig, type LoadedConfig } from "./config/load.ts";
import type { CatalogueConfig } from "./core/catalogue.ts";
import { AgentError, asAgentError } from "./core/errors.ts";
import { parseRunReport } from "./core/run-report.ts";
import type { SourceProducts } from "./core/platform-ports.ts";
import type { Clock, MetaRepository, Random, Telemetry, Vault } from "./core/ports.ts";
import type { EvidenceHead } from "./core/evidence.ts";
import type { Isolation } from "./core/values.ts";
import { type Layer, type PlatformName, PLATFORMS } from "./core/words.ts";
import { createAgent } from "./engine/agent.ts";
import type { Agent, Settings } from "./engine/agent-parts.ts";
import { type Cataloguer, createCataloguer } from "./engine/cataloguer.ts";
import { createWorkDir, sweepLeftovers } from "./engine/drill-child/workdirs.ts";
import { readApplied, type Recorder } from "./engine/recorder.ts";
import { openStateOrRebuild, rebuildState } from "./engine/recorder/rebuild.ts";
import { selfGauges } from "./engine/self.ts";
import { openEvidence, type OpenEvidence } from "./evidence/log.ts";
import { verifyEvidence } from "./evidence/verify.ts";
import { storedBudgets } from "./engine/platforms/budgets.ts";
import { formats } from "./formats/api.ts";
import { tryProcess, tryWrite } from "./kit/try-out.ts";
import { platforms } from "./platforms/api.ts";
import { openProducts } from "./platforms/open.ts";
import { type DifferencesStore, differencesStore } from "./state/differences.ts";
import { setStateAside } from "./state/aside.ts";
import { openState, type SqliteState } from "./state/sqlite.ts";
import { type AgentTelemetry, createTelemetry } from "./telemetry/instrument.ts";
import { vaults } from "./vaults/api.ts";
import { localWork } from "./work/local.ts";

export { drillRunner, type RunChild, systemWorld, VERSION, type World } from "./app-world.ts";

/** How often what has expired is removed. */
const SWEEP_MS = 3_600_000;

export const registries = { vaults, formats, platforms: [...PLATFORMS], connectors: platforms };

export async function readConfig(path: string, env: World["env"]): Promise<LoadedConfig> {
  return loadConfig({ path, readFile, env, registries });
}

/** Every vault of a configuration; one that cannot be made throws. */
export function openVaults(config: LoadedConfig, { clock, env }: Pick<World, "clock" | "env">): ReadonlyMap<string, Vault> {
  return new Map(
    config.vaults.map(({ id, type, config: own }) => {
      const definition = vaults.find((candidate) => candidate.type === type);
      if (definition === undefined) throw new AgentError("config", "no-such-vault-type", `There is no vault type "${type}".`);
      return [id, definition.create(id, own, { baseDir: config.baseDir, clock, env })];
    }),
  );
}

/** Live products of a configuration, over one HTTP client. */
export async function productsOf(
  config: LoadedConfig,
  world: Pick<World, "clock" | "random" | "env">,
  telemetry: Telemetry,
  meta: MetaRepository,
): Promise<(sourceId: string) => SourceProducts | null> {
  const { clock, random } = world;
  if (config.connections.length === 0) return () => null;
  // An agent that calls no product does not carry what it would call it with.
  const { systemDispatcher } = await import("./kit/http/client.ts");
  const { createHttpFactory } = await import("./engine/platforms/http.ts");
  const http = createHttpFactory({ clock, random, telemetry, dispatcher: systemDispatcher(world.env), budgets: storedBudgets(meta) });
  return openProducts(config.connections, platforms, { http, clock, random, telemetry });
}

export function settingsOf(config: LoadedConfig, world: Pick<World, "clock" | "env">): Settings {
  const opened = openVaults(config, world);
  return {
    configHash: config.hash,
    policies: config.sources,
    uncovered: config.uncovered.map((source) => source.id),
    calendars: config.calendars,
    vault: (id) => {
      const vault = opened.get(id);
      if (vault === undefined) throw new AgentError("not_found", "no-such-vault", `The configuration has no vault "${id}".`);
      return vault;
    },
    pollConcurrency: config.agent.pollConcurrency,
    drillConcurrency: config.agent.drillConcurrency,
    retentionMs: config.agent.retentionMs,
  };
}

/** The layers a connector adds to what the formats give. */
const connectorLayers: ReadonlyMap<PlatformName, readonly Layer[]> = new Map(
  platforms.map(({ type, scratchSchema }) => [type as PlatformName, scratchSchema === null ? ["live"] : ["live", "scratch"]]),
);

/** What the catalogue is made of. */
export function catalogueConfigOf(config: LoadedConfig): CatalogueConfig {
  const { sources, uncovered, calendars } = config;
  return { sources, uncovered, calendars, vaults: config.vaults.map((vault) => vault.id), formats, connectors: connectorLayers };
}

export interface App {
  readonly agent: Agent;
  readonly cataloguer: Cataloguer;
  readonly telemetry: AgentTelemetry;
  readonly state: SqliteState;
  readonly recorder: Recorder;
  readonly differences: DifferencesStore;
  readonly evidenceHead: () => EvidenceHead;
  readonly isolation: Isolation;
  readonly checks: typeof checks;
  readonly config: LoadedConfig;
  /** Loads the file again; a bad one keeps the old in force and says so in log and metric. */
  reload(): Promise<void>;
  /** Idempotent; telemetry is flushed for at most three seconds. */
  close(reason: string): Promise<void>;
}

/** Opens everything a running agent needs, in the order that loses nothing: evidence, state, what state missed, gauges. */
export async function openApp(configPath: string, world: World): Promise<App> {
  let config = await readConfig(configPath, world.env);
  const { clock, random } = world;
  const telemetry = createTelemetry(serviceOf(config, world));
  const self = selfGauges(telemetry.telemetry);
  const leftovers = await sweepLeftovers(config.workDir);
  self.set("restorewatch_sandbox_leaks", leftovers.removed + leftovers.failed);
  const evidence = await openEvidence({ directory: config.evidenceDir, clock, pid: world.pid });
  if (evidence.repaired !== null) telemetry.telemetry.log("warn", "a half-written evidence line was cut off", { ...evidence.repaired });
  let state: SqliteState | null = null;
  try {
    const verify = async (): Promise<string[]> =>
      (await verifyEvidence({ directory: config.evidenceDir })).problems.map((problem) => problem.sentence);
    const { state: opened, recorder } = await openStateOrRebuild({ ...stateDeps(config, evidence, telemetry.telemetry, clock), verify });
    state = opened;
    // Evidence is ours alone, so whoever held a lease is gone.
    await opened.leases.dropAll();
    const withProducts = async (of: LoadedConfig): Promise<Settings> => ({
      ...settingsOf(of, world),
      products: await productsOf(of, world, telemetry.telemetry, opened.repositories.meta),
    });
    const settings = await withProducts(config);
    telemetry.metrics.initialise([...config.sources, ...config.uncovered].map((source) => source.id));
    telemetry.metrics.restore(await opened.repositories.tallies.all());
    self.set("restorewatch_evidence_broken", 0);
    const { isolation, runChild } = await drillRunner(world);
    let catalogueConfig = catalogueConfigOf(config);
    let vault = settings.vault;
    let products = settings.products ?? (() => null);
    let captures: CaptureSchedule | null = null;
    const scheduleOf = async (of: LoadedConfig): Promise<CaptureSchedule | null> => {
      if (captures !== null || !of.connections.some((one) => one.capture !== null)) return captures;
      const { scheduleCaptures } = await import("./app-capture.ts");
      return scheduleCaptures({
        config: () => config,
        products: () => products,
        vault: () => vault,
        clock,
        env: world.env,
        telemetry: telemetry.telemetry,
        meta: opened.repositories.meta,
        firstSeen: async (id) => (await opened.repositories.sources.firstSeen()).get(id) ?? null,
        failed: (sourceId, { startedAt, finishedAt }, code) =>
          agent.submitRun(
            parseRunReport(
              { source: sourceId, outcome: "failure", started: startedAt / 1000, finished: finishedAt / 1000, message: `capture: ${code}` },
              { sourceId, via: "cli", now: clock.now() },
            ),
          ),
        made: async (sourceId) => {
          const policy = config.sources.find((source) => source.id === sourceId);
          if (policy !== undefined) await agent.poll(policy, new AbortController().signal);
        },
      });
    };
    const differences = differencesOf(config, clock);
    await differences.sweep();
    let swept = clock.monotonic();
    const cataloguer = createCataloguer({
      config: () => catalogueConfig,
      vault: (id) => vault(id),
      products: () => ({ connections: config.connections, open: products }),
      repositories: opened.repositories,
      telemetry: telemetry.telemetry,
      self,
      clock,
    });
    const agent = createAgent(settings, {
      version: VERSION,
      holder: `${world.hostname}:${world.pid}`,
      state: opened,
      work: localWork({ leases: opened.leases, clock }),
      record: (entries) => recorder.record(entries),
      noteHead: (always) => recorder.noteHead(always),
      tryOut: async (thoroughly) =>
        new Map([
          ["evidence", await tryWrite(config.evidenceDir, world.pid)],
          ["state", await tryWrite(dirname(config.statePath), world.pid)],
          ["sandbox", (await tryWrite(config.workDir, world.pid)) ?? (thoroughly ? await tryProcess(world.nodePath) : null)],
        ]),
      telemetry: telemetry.telemetry,
      self,
      clock,
      random,
      isolation: () => isolation,
      runChild,
      createWorkDir: (id) => createWorkDir(config.workDir, id),
      spares: (files) => formats.flatMap((format) => format.spares?.(files) ?? []),
      keepDifferences: (found) => differences.keep(found),
      digestKey: await digestKey(config, random),
      readText: (path) => readFile(path, "utf8"),
      inbox: inboxOf(config),
      alsoTold: (id) => cataloguer.samplesOf(id),
      forget: (id) => telemetry.metrics.forget(id),
      initialise: (ids) => telemetry.metrics.initialise(ids),
      restore: async (ids) => {
        const tallies = await opened.repositories.tallies.all();
        telemetry.metrics.restore(tallies.filter(({ labels }) => labels["source"] !== undefined && ids.includes(labels["source"])));
      },
      alsoAtTick: async () => {
        await captures?.tick();
        if (clock.monotonic() - swept < SWEEP_MS) return;
        swept = clock.monotonic();
        await differences.sweep();
      },
      tickMs: 1000,
    });
    captures = await scheduleOf(config);
    if (leftovers.removed > 0) await recorder.record([{ type: "leftovers.removed", at: clock.now(), count: leftovers.removed }]);
    await cataloguer.publish();
    await agent.start();
    if (config.telemetry.otlpEndpoint !== null)
      await telemetry.start({
        endpoint: config.telemetry.otlpEndpoint,
        headers: config.telemetry.headers,
        ...(config.telemetry.exportEveryMs === null ? {} : { intervalMs: config.telemetry.exportEveryMs }),
      });
    let closed: Promise<void> | null = null;
    return {
      agent,
      cataloguer,
      telemetry,
      state: opened,
      recorder,
      differences,
      evidenceHead: () => evidence.head(),
      isolation,
      checks,
      get config() {
        return config;
      },
      async reload() {
        try {
          const next = await readConfig(configPath, world.env);
          const changed = await withProducts(next);
          await agent.reload(changed);
          config = next;
          vault = changed.vault;
          products = changed.products ?? (() => null);
          captures = await scheduleOf(next);
          catalogueConfig = catalogueConfigOf(next);
          self.set("restorewatch_config_last_reload_success", 1);
        } catch (thrown) {
          self.set("restorewatch_config_last_reload_success", 0);
          telemetry.telemetry.log("error", "configuration refused, the old one stays in force", {
            problem: asAgentError(thrown).message.slice(0, 2000),
          });
        }
      },
      close(reason) {
        closed ??= (async () => {
          await captures?.close();
          await agent.stop(reason);
          await telemetry.stop();
          await opened.close();
          await evidence.close();
        })();
        return closed;
      },
    };
  } catch (thrown) {
    await state?.close();
    await evidence.close();
    throw thrown;
  }
}

/** What state and recorder are made of, whether the state is sound or has to be made anew. */
function stateDeps(config: LoadedConfig, evidence: OpenEvidence, telemetry: Telemetry, clock: Clock) {
  return {
    evidence,
    clock,
    telemetry,
    platformOf: (id: string) => config.sources.find((source) => source.id === id)?.platform ?? null,
    openState: () => openState({ path: config.statePath, clock }),
    setStateAside: () => setStateAside(config.statePath, clock.now()),
  };
}

/** `state rebuild`: sets the state aside and applies the whole evidence to a new one. The agent must not be running. */
export async function rebuildFromEvidence(
  config: LoadedConfig,
  world: World,
): Promise<{ readonly entries: number; readonly aside: string | null }> {
  const { telemetry } = createTelemetry({ ...serviceOf(config, world), processMetrics: false });
  const evidence = await openEvidence({ directory: config.evidenceDir, clock: world.clock, pid: world.pid });
  try {
    const { state, rebuilt } = await rebuildState(stateDeps(config, evidence, telemetry, world.clock), "asked for on the command line");
    await state.close();
    return { entries: rebuilt.entries, aside: rebuilt.movedTo };
  } finally {
    await evidence.close();
  }
}

function serviceOf(config: LoadedConfig, world: World) {
  return {
    service: {
      name: config.telemetry.serviceName,
      version: VERSION,
      instanceId: world.hostname,
      environment: config.telemetry.environment,
    },
    clock: world.clock,
    random: world.random,
    log: world.log,
  };
}

/** Beside a running agent. */
export function openStateForReading(config: LoadedConfig, clock: Clock): Promise<SqliteState> {
  return openState({ path: config.statePath, clock, mode: "read" });
}

export { readEntries } from "./evidence/read.ts";
export { readApplied, verifyEvidence };

/** Values in which backups and production differed; they leave this machine by nobody but whoever reads them. */
export function differencesOf(config: LoadedConfig, clock: Pick<Clock, "now">): DifferencesStore {
  return differencesStore(`${config.statePath}.differences`, clock);
}

export function inboxOf(config: LoadedConfig): string {
  return `${config.statePath}.inbox`;
}

/** The key of the digests that natural keys are shown as: made once, kept beside the state, readable by the agent's user alone. */
async function digestKey(config: LoadedConfig, random: Random): Promise<string> {
  const path = `${config.statePath}.key`;
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (thrown) {
    if (asAgentError(thrown).code !== "not-found") throw thrown;
  }
  const key = Buffer.from(random.bytes(32)).toString("hex");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, key, { mode: 0o600, flag: "wx" });
  return key;
}

/** What there is to say of a check besides itself: which formats answer it, which failures of real users it would have found. */
export function notesOfCheck(id: string): {
  readonly formats: readonly string[];
  readonly failures: readonly { readonly failure: string; readonly seen: string }[];
} {
  const failures = PITFALLS.filter((pitfall) => pitfall.checks.includes(id)).map(({ failure, seen }) => ({ failure, seen }));
  return { formats: ANSWERED_BY[id] ?? [], failures };
}

/** A fresh id for what has no name of its own. */
export function freshId(): string {
  return randomBytes(8).toString("hex");
}

export function quickstartDirectory(cwd: string): string {
  return join(cwd, ".restorewatch", "quickstart");
}
