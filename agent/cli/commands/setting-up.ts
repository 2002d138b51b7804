/** Commands around a configuration: write it, check it, see what it covers, make a capture. */
import { access, open } from "node:fs/promises";
import { resolve } from "node:path";
import {
  catalogueConfigOf,
  drillRunner,
  openStateForReading,
  openVaults,
  productsOf,
  readConfig,
  registries,
  VERSION,
  type World,
} from "../../app.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { captureNow, type CaptureWorld, pruneCaptures } from "../../app-capture.ts";
import { starterYaml } from "../../config/starter.ts";
import { sightings } from "../../engine/cataloguer.ts";
import { discoverNow } from "../../engine/discover.ts";
import { createTelemetry } from "../../telemetry/instrument.ts";
import type { Telemetry } from "../../core/ports.ts";
import type { Layer } from "../../core/words.ts";
import { captureCommand } from "../capture.ts";
import { checkCommand } from "../check.ts";
import { discoverCommand } from "../discover.ts";
import { initCommand } from "../init.ts";
import type { Shell } from "../program.ts";
import { quiet } from "./quiet.ts";
import { configPath, noVault, requireSource, type How } from "./world.ts";

export async function initConfig(path: string, force: boolean, shell: Shell): Promise<number> {
  return initCommand(
    { path, force },
    {
      out: shell.out,
      starter: starterYaml(registries, new URL("../../config/restorewatch.schema.json", import.meta.url).pathname),
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
      loadConfig: () => readConfig(configPath(options.config, shell), shell.env),
      openVaults: async (config) => openVaults(config, world),
      probeIsolation: async () => (await drillRunner(world)).isolation,
      formats: registries.formats,
    },
  );
}

export async function discover(options: { config: string | null; all: boolean; output: How }, shell: Shell): Promise<number> {
  const world = quiet(shell);
  const { clock } = world;
  return discoverCommand(options, {
    out: shell.out,
    now: () => clock.now(),
    async discover() {
      const config = await readConfig(configPath(options.config, shell), shell.env);
      const vaults = openVaults(config, world);
      return discoverNow(
        {
          config: catalogueConfigOf(config),
          vault: (id) => vaults.get(id) ?? noVault(id),
          products: { connections: config.connections, open: (await askedByPerson(config, world, shell)).products },
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

/** Live products, and the telemetry they are called under. A person asked for it: what it costs is not taken from the agent's budget of the day. */
async function askedByPerson(
  config: LoadedConfig,
  world: World,
  shell: Pick<Shell, "hostname">,
): Promise<{ readonly products: Awaited<ReturnType<typeof productsOf>>; readonly telemetry: Telemetry }> {
  const { telemetry } = createTelemetry({
    service: { name: "restorewatch", version: VERSION, instanceId: shell.hostname, environment: null },
    clock: world.clock,
    random: world.random,
    log: world.log,
    processMetrics: false,
  });
  const spent = new Map<string, string>();
  const meta = {
    get: async (key: string) => spent.get(key) ?? null,
    set: async (key: string, value: string) => void spent.set(key, value),
  };
  return { products: await productsOf(config, world, telemetry, meta), telemetry };
}

export async function captureOnce(
  source: string,
  options: { config: string | null; output: How; prune: boolean; dryRun: boolean },
  shell: Shell,
): Promise<number> {
  const world = quiet(shell);
  const open = async (): Promise<CaptureWorld> => {
    const config = await readConfig(configPath(options.config, shell), shell.env);
    requireSource(
      source,
      config.sources.map((one) => one.id),
    );
    const { products, telemetry } = await askedByPerson(config, world, shell);
    const vaults = openVaults(config, world);
    return {
      config,
      products,
      vault: (id) => vaults.get(id) ?? noVault(id),
      clock: world.clock,
      env: world.env,
      telemetry,
    };
  };
  return captureCommand(source, options, {
    out: shell.out,
    capture: async () => captureNow(source, await open(), shell.stop),
    prune: async (dryRun) => pruneCaptures(source, await open(), dryRun, shell.stop),
  });
}
