/** `start` and `run`: the agent until it is told to stop. */
import { randomBytes } from "node:crypto";
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { type App, notesOfCheck, openApp, quickstartDirectory, systemWorld, VERSION } from "../app.ts";
import { AgentError, asAgentError } from "../core/errors.ts";
import { byWorst } from "../core/status.ts";
import { readStanding } from "../engine/coverage.ts";
import { createFleetReader } from "../engine/read-fleet.ts";
import { buildHttp } from "../http/app.ts";
import { serve } from "../http/serve.ts";
import { ensureQuickstart } from "../quickstart/index.ts";
import { describeCount } from "../core/words-for-people.ts";
import { createLiveTable } from "./live-table.ts";
import type { Shell } from "./program.ts";

export interface StartOptions {
  readonly config: string | null;
  readonly listen: string | null;
  readonly log: "auto" | "json" | "off";
  /** Without a configuration: make and run the quickstart. */
  readonly quickstart: boolean;
}

const TABLE_MS = 1000;

export async function startAgent(options: StartOptions, shell: Shell): Promise<number> {
  const { path, quickstart } = await chooseConfig(options, shell);
  const forPeople = options.log === "auto" && (quickstart || shell.out.interactive);
  const world = systemWorld({
    env: shell.env,
    hostname: shell.hostname,
    pid: shell.pid,
    nodePath: shell.nodePath,
    // People get sentences on stdout; what still has to be logged then goes to stderr, warnings and worse only off a terminal.
    log: {
      level: options.log === "off" ? "silent" : forPeople ? (shell.out.interactive ? "silent" : "warn") : "info",
      write: forPeople ? shell.stderr : shell.stdout,
    },
  });
  const app = await openApp(path, world);
  try {
    const address = listenAddress(options.listen, app);
    const http = await serve(httpOf(app, world.clock, address.host), address);
    try {
      if (forPeople) shell.out.line(`Restorewatch ${VERSION} watches ${describeCount(app.config.sources.length, "source")}: ${http.url}`);
      for (const warning of app.config.warnings) app.telemetry.telemetry.log("warn", "configuration warning", { warning });
      app.telemetry.telemetry.log("info", "listening", { url: http.url });
      shell.onReload(() => void app.reload());
      const table = forPeople ? showTable(app, http.url, world.clock, shell) : Promise.resolve();
      await Promise.all([app.agent.run(shell.stop), app.cataloguer.run(shell.stop), table]);
    } finally {
      await http.close();
    }
  } finally {
    await app.close(shell.stop.aborted ? String(shell.stop.reason) : "error");
  }
  return 0;
}

async function chooseConfig(options: StartOptions, shell: Shell): Promise<{ readonly path: string; readonly quickstart: boolean }> {
  if (options.config !== null) return { path: options.config, quickstart: false };
  const usual = resolve(shell.cwd, "restorewatch.yaml");
  const there = await access(usual).then(
    () => true,
    () => false,
  );
  if (there) return { path: "restorewatch.yaml", quickstart: false };
  if (!options.quickstart)
    throw new AgentError("usage", "no-config", "There is no restorewatch.yaml here.", {
      mend: "name one with --config, or write one with: restorewatch init",
    });
  const directory = quickstartDirectory(shell.cwd);
  const clock = systemWorld({ env: {}, hostname: "", pid: 0, nodePath: "", log: { level: "silent", write: () => undefined } }).clock;
  const made = ensureQuickstart(directory, clock.now());
  if (made.written > 0) shell.out.line(`Quickstart: wrote ${describeCount(made.written, "invented backup")} to ${directory}`);
  return { path: made.configPath, quickstart: true };
}

function listenAddress(given: string | null, app: App): { readonly host: string; readonly port: number } {
  if (given === null) return app.config.http;
  const match = /^(.+):(\d{1,5})$/.exec(given);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535)
    throw new AgentError("usage", "bad-address", `--listen "${given}" is not an address.`, {
      mend: "write HOST:PORT, such as 127.0.0.1:9464",
    });
  return { host: (match[1] ?? "").replace(/^\[|\]$/g, ""), port };
}

function httpOf(app: App, clock: ReturnType<typeof systemWorld>["clock"], host: string): ReturnType<typeof buildHttp> {
  return buildHttp({
    repositories: app.state.repositories,
    policies: app.agent.policies,
    readFleet: createFleetReader(app.state.repositories),
    standing: (policy) =>
      readStanding(policy, app.config.connections.find((one) => one.sourceId === policy.id) ?? null, app.state.repositories, clock.now()),
    differences: (id) => app.differences.of(id),
    uncovered: () => app.config.uncovered.map((source) => source.id),
    catalogue: () => app.cataloguer.current(),
    clock,
    metricsText: async () => ({ contentType: app.telemetry.metrics.contentType, body: await app.telemetry.metrics.text() }),
    readiness: () => app.agent.readiness(),
    submitRun: (report) => app.agent.submitRun(report),
    auth: () => app.config.http.auth,
    decide: (order) => app.agent.decide(order),
    randomHex: (bytes) => randomBytes(bytes).toString("hex"),
    runsToken: app.config.http.runsToken,
    version: VERSION,
    evidenceHead: app.evidenceHead,
    isolation: () => app.isolation,
    checks: app.checks,
    notesOfCheck,
    evidencePath: app.config.evidenceDir,
    host,
    onError: (thrown) => app.telemetry.telemetry.log("error", "a page could not be made", { "error.type": asAgentError(thrown).code }),
  });
}

async function showTable(app: App, url: string, clock: ReturnType<typeof systemWorld>["clock"], shell: Shell): Promise<void> {
  const table = createLiveTable(shell.out, url);
  const readFleet = createFleetReader(app.state.repositories);
  while (!shell.stop.aborted) {
    const statuses = (await readFleet(app.agent.policies(), clock.now())).map((reading) => reading.status);
    table.show(statuses.sort(byWorst), app.agent.scheduler.busy());
    await clock.sleep(TABLE_MS, shell.stop).catch(() => undefined);
  }
}
