/** What each command needs, brought from app.ts. With main.ts and program.ts the outermost ring: nothing imports it but them. */
import { access, open, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { tmpdir } from "node:os";
import {
  catalogueConfigOf,
  drillRunner,
  freshId,
  inboxOf,
  openApp,
  openStateForReading,
  openVaults,
  productsOf,
  readConfig,
  readApplied,
  readEntries,
  rebuildFromEvidence,
  registries,
  systemWorld,
  verifyEvidence,
  VERSION,
  type World,
} from "../app.ts";
import type { LoadedConfig } from "../config/load.ts";
import { captureNow, type CaptureWorld, pruneCaptures } from "../app-capture.ts";
import { starterYaml } from "../config/starter.ts";
import { AgentError, asAgentError } from "../core/errors.ts";
import { sightings } from "../engine/cataloguer.ts";
import { discoverNow } from "../engine/discover.ts";
import { createWorkDir } from "../engine/drill-child/workdirs.ts";
import { readStatuses } from "../engine/agent.ts";
import { leaveInInbox } from "../engine/inbox.ts";
import { createTelemetry } from "../telemetry/instrument.ts";
import type { Layer, Verdict } from "../core/words.ts";
import type { DrillRecord } from "../core/values.ts";
import { describeCount } from "../core/words-for-people.ts";
import { captureCommand } from "./capture.ts";
import { checkCommand } from "./check.ts";
import { discoverCommand } from "./discover.ts";
import { evidenceShowCommand, evidenceVerifyCommand } from "./evidence.ts";
import { stateInfoCommand, stateRebuildCommand } from "./state.ts";
import { initCommand } from "./init.ts";
import { exitCodeOf } from "./output.ts";
import type { Shell, VerifyFlags } from "./program.ts";
import { recordCommand } from "./record.ts";
import { clean, verdictMark } from "./render.ts";
import { reportCommand } from "./report.ts";
import { verifyCommand } from "./verify.ts";

export { startAgent } from "./start.ts";

type How = "text" | "json";

function quiet(shell: Shell): World {
  return systemWorld({
    env: shell.env,
    hostname: shell.hostname,
    pid: shell.pid,
    nodePath: shell.nodePath,
    log: { level: "silent", write: () => undefined },
  });
}

export function configPath(given: string | null): string {
  return given === null ? "restorewatch.yaml" : given;
}

export async function verifyPath(path: string, flags: VerifyFlags, shell: Shell): Promise<number> {
  const world = quiet(shell);
  const { telemetry } = createTelemetry({
    service: { name: "restorewatch", version: VERSION, instanceId: shell.hostname, environment: null },
    clock: world.clock,
    random: world.random,
    log: world.log,
    processMetrics: false,
  });
  const { runChild } = await drillRunner(world);
  return verifyCommand(
    path,
    {
      format: flags.format,
      sample: flags.sample,
      critical: flags.critical,
      key: flags.key ?? null,
      output: flags.output,
      seed: flags.seed ?? null,
      showKeys: flags.showKeys,
      all: flags.all,
      limits: {
        memoryMb: flags.memory,
        diskMb: flags.disk,
        threads: flags.threads,
        timeMs: flags.timeout,
        maxBytes: 20e9,
        maxEntries: 100_000,
        maxRatio: 200,
        maxDepth: 200,
      },
    },
    {
      out: shell.out,
      clock: world.clock,
      telemetry,
      formats: registries.formats.map((format) => format.id),
      randomHex: (bytes) => Buffer.from(world.random.bytes(bytes)).toString("hex"),
      readKey,
      runChild,
      // No folder in between: where one user has made it, no other may write.
      createWorkDir: (id) => createWorkDir(tmpdir(), `verify-${id}`),
      signal: shell.stop,
    },
  );
}

async function readKey(path: string): Promise<string> {
  try {
    const text = (await readFile(path, "utf8")).replace(/\r?\n$/, "");
    if (text === "") throw new AgentError("usage", "key-empty", `The key file ${path} is empty.`);
    return text;
  } catch (thrown) {
    const error = asAgentError(thrown);
    if (error.code === "not-found") throw new AgentError("usage", "no-such-key-file", `There is no key file at ${path}.`);
    throw error;
  }
}

export async function initConfig(path: string, force: boolean, shell: Shell): Promise<number> {
  return initCommand(
    { path, force },
    {
      out: shell.out,
      starter: starterYaml(registries, new URL("../config/restorewatch.schema.json", import.meta.url).pathname),
      exists: (file) =>
        access(resolve(shell.cwd, file)).then(
          () => true,
          () => false,
        ),
      async writeFile(file, text, { overwrite }) {
        const handle = await open(resolve(shell.cwd, file), overwrite ? "w" : "wx");
        try {
          await handle.writeFile(text);
        } finally {
          await handle.close();
        }
      },
    },
  );
}

export async function checkConfig(options: { config: string | null; output: How }, shell: Shell): Promise<number> {
  const world = quiet(shell);
  return checkCommand(
    { output: options.output },
    {
      out: shell.out,
      clock: world.clock,
      loadConfig: () => readConfig(configPath(options.config), shell.env),
      openVaults: async (config) => openVaults(config, world.clock),
      probeIsolation: async () => (await drillRunner(world)).isolation,
      formats: registries.formats,
    },
  );
}

export async function discover(options: { config: string | null; all: boolean; output: How }, shell: Shell): Promise<number> {
  const { clock } = quiet(shell);
  return discoverCommand(options, {
    out: shell.out,
    now: () => clock.now(),
    async discover() {
      const config = await readConfig(configPath(options.config), shell.env);
      const vaults = openVaults(config, clock);
      return discoverNow(
        {
          config: catalogueConfigOf(config),
          vault: (id) => vaults.get(id) ?? noVault(id),
          clock,
          concluded: await concludedLayers(config, clock),
          deadlineMs: 30_000,
          onProgress: (done, of) => shell.out.progress("looking at sources", done, of),
        },
        shell.stop,
      );
    },
  });
}

export async function captureOnce(
  source: string,
  options: { config: string | null; output: How; prune: boolean; dryRun: boolean },
  shell: Shell,
): Promise<number> {
  const world = quiet(shell);
  const open = async (): Promise<CaptureWorld> => {
    const config = await readConfig(configPath(options.config), shell.env);
    requireSource(
      source,
      config.sources.map((one) => one.id),
    );
    const { telemetry } = createTelemetry({
      service: { name: "restorewatch", version: VERSION, instanceId: shell.hostname, environment: null },
      clock: world.clock,
      random: world.random,
      log: world.log,
      processMetrics: false,
    });
    const vaults = openVaults(config, world.clock);
    const spent = new Map<string, string>();
    // A person asked for it: what it costs is not taken from the agent's budget of the day.
    const meta = {
      get: async (key: string) => spent.get(key) ?? null,
      set: async (key: string, value: string) => void spent.set(key, value),
    };
    return {
      config,
      products: await productsOf(config, world, telemetry, meta),
      vault: (id) => vaults.get(id) ?? noVault(id),
      clock: world.clock,
      telemetry,
    };
  };
  return captureCommand(source, options, {
    out: shell.out,
    capture: async () => captureNow(source, await open(), shell.stop),
    prune: async (dryRun) => pruneCaptures(source, await open(), dryRun, shell.stop),
  });
}

function noVault(id: string): never {
  throw new AgentError("internal", "no-vault", `vault ${id} was not opened`);
}

/** Empty where no agent has kept state here yet, or where it cannot be read: then only the configuration speaks. */
async function concludedLayers(config: LoadedConfig, clock: World["clock"]): Promise<ReadonlyMap<string, readonly Layer[]>> {
  const state = await openStateForReading(config, clock).catch(() => null);
  if (state === null) return new Map();
  try {
    const seen = await sightings(catalogueConfigOf(config), state.repositories);
    return new Map([...seen].map(([id, { concluded }]) => [id, concluded]));
  } finally {
    await state.close();
  }
}

export async function recordRun(
  source: string,
  options: Record<string, string | undefined> & { output: How },
  shell: Shell,
): Promise<number> {
  const world = quiet(shell);
  const config = await readConfig(configPath(options["config"] ?? null), shell.env);
  return recordCommand(
    source,
    {
      outcome: options["outcome"] ?? "",
      started: options["started"] ?? null,
      finished: options["finished"] ?? null,
      bytes: options["bytes"] ?? null,
      records: options["records"] ?? null,
      artifact: options["artifact"] ?? null,
      sha256: options["sha256"] ?? null,
      message: options["message"] ?? null,
      output: options.output,
    },
    {
      out: shell.out,
      clock: world.clock,
      sources: config.sources.map((one) => one.id),
      leave: (kind, document) => leaveInInbox(inboxOf(config), `${world.clock.now()}-${freshId()}`, { kind, document }),
    },
  );
}

export async function reportSources(source: string | null, options: { config: string | null; output: How }, shell: Shell): Promise<number> {
  const world = quiet(shell);
  const config = await readConfig(configPath(options.config), shell.env);
  const state = await openStateForReading(config, world.clock);
  try {
    return await reportCommand(
      source,
      { output: options.output },
      {
        out: shell.out,
        now: () => world.clock.now(),
        async read(only) {
          const policies = config.sources.filter((policy) => only === null || policy.id === only);
          const statuses = await readStatuses(policies, state.repositories, world.clock.now());
          return Promise.all(
            statuses.map(async (status) => ({
              status,
              drills: await state.repositories.drills.list({ sourceId: status.sourceId, limit: 50 }),
            })),
          );
        },
        uncovered: config.uncovered.map((one) => one.id),
        evidenceHead: () => readApplied(state.repositories),
      },
    );
  } finally {
    await state.close();
  }
}

/** Looks once at every source (or one). A running agent is asked to, and says what it finds itself. */
export async function pollOnce(source: string | null, options: { config: string | null; output: How }, shell: Shell): Promise<number> {
  const path = configPath(options.config);
  const config = await readConfig(path, shell.env);
  requireSource(
    source,
    config.sources.map((one) => one.id),
  );
  const app = await appUnlessRunning(path, shell);
  if (app === null) {
    await leaveInInbox(inboxOf(config), `${quiet(shell).clock.now()}-${freshId()}`, {
      kind: "poll",
      document: { sourceId: source },
    });
    shell.out.line("An agent runs on this configuration: it looks now.");
    return 0;
  }
  try {
    const results = [];
    for (const policy of app.agent.policies().filter((one) => source === null || one.id === source)) {
      const outcome = await app.agent.poll(policy, shell.stop);
      results.push({ source: policy.id, ok: outcome.ok, fresh: outcome.fresh, waiting: outcome.waiting, trouble: outcome.trouble });
    }
    if (options.output === "json") shell.out.line(JSON.stringify({ schema: "restorewatch.poll/v1", sources: results }));
    else
      for (const one of results)
        shell.out.line(
          `${clean(one.source)}: ${one.ok ? `${describeCount(one.fresh, "new backup")}${one.waiting > 0 ? `, ${one.waiting} may still be written` : ""}` : `could not look: ${clean(one.trouble?.message ?? "")}`}`,
        );
    return results.every((one) => one.ok) ? 0 : 3;
  } finally {
    await app.close("poll done");
  }
}

const WAIT_MS = 15 * 60_000;

/** Drills the newest backup now; through the running agent where there is one. */
export async function drillOnce(source: string, options: { config: string | null; output: How }, shell: Shell): Promise<number> {
  const path = configPath(options.config);
  const config = await readConfig(path, shell.env);
  requireSource(
    source,
    config.sources.map((one) => one.id),
  );
  const app = await appUnlessRunning(path, shell);
  if (app === null) return drillThroughInbox(source, config, options.output, shell);
  try {
    const policy = app.agent.policies().find((one) => one.id === source);
    if (policy === undefined) throw new AgentError("usage", "no-such-source", `The configuration has no source "${source}".`);
    const polled = await app.agent.poll(policy, shell.stop);
    if (!polled.ok)
      throw new AgentError(
        "transient",
        polled.trouble?.code ?? "poll-failed",
        polled.trouble?.message ?? "The vault could not be looked at.",
      );
    return tell(await app.agent.drillNow(policy, shell.stop), source, options.output, shell);
  } finally {
    await app.close("drill done");
  }
}

async function drillThroughInbox(
  source: string,
  config: Awaited<ReturnType<typeof readConfig>>,
  output: How,
  shell: Shell,
): Promise<number> {
  const { clock } = quiet(shell);
  const state = await openStateForReading(config, clock);
  try {
    const before = (await state.repositories.drills.list({ sourceId: source, limit: 1 }))[0];
    await leaveInInbox(inboxOf(config), `${clock.now()}-${freshId()}`, {
      kind: "drill",
      document: { sourceId: source, requestId: freshId() },
    });
    const from = clock.monotonic();
    while (clock.monotonic() - from < WAIT_MS) {
      await clock.sleep(300, shell.stop);
      const newest = (await state.repositories.drills.list({ sourceId: source, limit: 1 }))[0];
      if (newest !== undefined && newest.id !== before?.id) return tell(newest, source, output, shell);
    }
    throw new AgentError("transient", "no-answer", "The running agent has not drilled it within 15 min.", {
      mend: "look at its page or its log",
    });
  } finally {
    await state.close();
  }
}

function tell(drill: DrillRecord | null, source: string, output: How, shell: Shell): number {
  if (drill === null)
    throw new AgentError("not_found", "no-backup", `There is no backup of "${source}" to drill, or another agent drills it now.`);
  const verdict: Verdict = drill.verdict;
  if (output === "json") shell.out.line(JSON.stringify({ schema: "restorewatch.drill/v1", drill }));
  else {
    shell.out.line(`${verdictMark(verdict, shell.out.style)}  ${clean(source)}  ${clean(drill.artifact.path)}`);
    for (const reason of drill.reasons) shell.out.line(`  ${clean(reason)}`);
  }
  return exitCodeOf(verdict);
}

/** Null when another process holds the evidence: an agent is running. */
async function appUnlessRunning(path: string, shell: Shell): Promise<Awaited<ReturnType<typeof openApp>> | null> {
  try {
    return await openApp(path, quiet(shell));
  } catch (thrown) {
    if (asAgentError(thrown).code === "evidence-locked") return null;
    throw thrown;
  }
}

function requireSource(source: string | null, known: readonly string[]): void {
  if (source !== null && !known.includes(source))
    throw new AgentError("usage", "no-such-source", `The configuration has no source "${source}".`, { mend: `it has ${known.join(", ")}` });
}

export async function evidenceVerify(options: { config?: string; head?: string; output: How }, shell: Shell): Promise<number> {
  const { evidenceDir: directory } = await readConfig(configPath(options.config ?? null), shell.env);
  return evidenceVerifyCommand(
    { head: options.head ?? null, output: options.output },
    { out: shell.out, verify: (head) => verifyEvidence({ directory, ...(head === null ? {} : { head }) }) },
  );
}

export async function evidenceShow(
  options: { config?: string; since?: string; source?: string; type?: string; output: How },
  shell: Shell,
): Promise<number> {
  const { evidenceDir } = await readConfig(configPath(options.config ?? null), shell.env);
  const { since = null, source = null, type = null, output } = options;
  return evidenceShowCommand({ since, source, type, output }, { out: shell.out, read: () => readEntries(evidenceDir, 0) });
}

export async function stateInfo(options: { config?: string; output: How }, shell: Shell): Promise<number> {
  const config = await readConfig(configPath(options.config ?? null), shell.env);
  return stateInfoCommand(options.output, {
    out: shell.out,
    async info() {
      const state = await openStateForReading(config, quiet(shell).clock);
      try {
        const { seq: follows } = await readApplied(state.repositories);
        return { path: state.path, bytes: await state.size(), schemaVersion: state.schemaVersion, rows: await state.counts(), follows };
      } finally {
        await state.close();
      }
    },
  });
}

export async function stateRebuild(options: { config?: string; output: How }, shell: Shell): Promise<number> {
  const config = await readConfig(configPath(options.config ?? null), shell.env);
  return stateRebuildCommand(options.output, { out: shell.out, rebuild: () => rebuildFromEvidence(config, quiet(shell)) });
}
