/** What a reload would change: pure, over two loaded configurations. */
import { isDeepStrictEqual } from "node:util";
import { Secret } from "../kit/secret.ts";
import type { LoadedConfig } from "./load.ts";

export interface NameDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface ConfigDiff {
  readonly sources: NameDiff;
  readonly vaults: NameDiff;
  /** Kinds of calendar drills. */
  readonly calendars: NameDiff;
  /** Other settings, by their path in the file, that a running agent can take over. */
  readonly settings: readonly string[];
  /** Settings, by their path in the file, that take effect only after a restart. */
  readonly restart: readonly string[];
  readonly unchanged: boolean;
}

type Read = (config: LoadedConfig) => unknown;

const NEED_RESTART: readonly (readonly [string, Read])[] = [
  ["state.sqlite", (config) => config.statePath],
  ["evidence.directory", (config) => config.evidenceDir],
  ["agent.workDirectory", (config) => config.workDir],
  ["http.listen", (config) => [config.http.host, config.http.port]],
  ["telemetry.otlp", (config) => [config.telemetry.otlpEndpoint, config.telemetry.headers]],
  ["telemetry.service", (config) => [config.telemetry.environment, config.telemetry.serviceName]],
];

const TAKEN_OVER: readonly (readonly [string, Read])[] = [
  ["http.auth", (config) => config.http.auth],
  ["http.runs", (config) => config.http.runsToken],
  ["agent.pollConcurrency", (config) => config.agent.pollConcurrency],
  ["agent.drillConcurrency", (config) => config.agent.drillConcurrency],
  ["agent.retention", (config) => config.agent.retentionMs],
];

/** @returns names sorted; a secret counts as changed when it lies elsewhere, not when its value was rotated */
export function diffConfig(before: LoadedConfig, after: LoadedConfig): ConfigDiff {
  const changedSettings = (settings: readonly (readonly [string, Read])[]): string[] =>
    settings.filter(([, read]) => !same(read(before), read(after))).map(([name]) => name);
  const diff = {
    sources: byName([...before.sources, ...before.uncovered], [...after.sources, ...after.uncovered], (source) => source.id),
    vaults: byName(before.vaults, after.vaults, (vault) => vault.id),
    calendars: byName(before.calendars, after.calendars, (calendar) => calendar.kind),
    settings: changedSettings(TAKEN_OVER),
    restart: changedSettings(NEED_RESTART),
  };
  const names = [diff.sources, diff.vaults, diff.calendars].flatMap((part) => [...part.added, ...part.removed, ...part.changed]);
  return { ...diff, unchanged: names.length + diff.settings.length + diff.restart.length === 0 };
}

function byName<T>(before: readonly T[], after: readonly T[], nameOf: (item: T) => string): NameDiff {
  const old = new Map(before.map((item) => [nameOf(item), item]));
  const fresh = new Map(after.map((item) => [nameOf(item), item]));
  return {
    added: [...fresh.keys()].filter((name) => !old.has(name)).sort(),
    removed: [...old.keys()].filter((name) => !fresh.has(name)).sort(),
    changed: [...fresh].flatMap(([name, item]) => (old.has(name) && !same(old.get(name), item) ? [name] : [])).sort(),
  };
}

function same(a: unknown, b: unknown): boolean {
  if (a instanceof Secret || b instanceof Secret) return a instanceof Secret && a.sameAs(b);
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => same(item, b[index]));
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => same(a[key], b[key]));
  }
  return isDeepStrictEqual(a, b);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
