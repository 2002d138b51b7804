/** Reads a configuration: text, YAML, schema, rules, secrets; tells everything there is to mend at once. */
import path from "node:path";
import { AgentError } from "../core/errors.ts";
import { sha256Hex } from "../core/ids.ts";
import type { AuthPolicy, DrillCalendar, SecretRef, SourceConnection, SourcePolicy, UncoveredSource } from "../core/policy.ts";
import { bindSecrets, Secret } from "../kit/secret.ts";
import { parseYaml, type Problem, type YamlDocument } from "./document.ts";
import { httpUrl } from "./fields.ts";
import { authOf, calendarsOf, sourceConnection, sourcePolicy, uncoveredSource, withRelations } from "./policies.ts";
import { explainIssue, problemsOf } from "./problems.ts";
import { crossCheck } from "./rules.ts";
import { type ConfigRegistries, createConfigSchema } from "./schema.ts";

const MAX_BYTES = 1024 * 1024;

/** A configuration the agent can run on: every default filled in, paths absolute, durations in milliseconds. */
export interface LoadedConfig {
  readonly path: string;
  /** SHA-256 hex over the normalised configuration; neither secrets nor the arguments of secret commands are in it. */
  readonly hash: string;
  /** Folder of the configuration: what relative paths start from. */
  readonly baseDir: string;
  readonly statePath: string;
  readonly evidenceDir: string;
  readonly workDir: string;
  readonly http: { readonly host: string; readonly port: number; readonly runsToken: SecretRef | null; readonly auth: AuthPolicy | null };
  readonly telemetry: {
    readonly otlpEndpoint: string | null;
    /** Between two exports of the metrics, ms; null: as the exporter has it. */
    readonly exportEveryMs: number | null;
    readonly headers: Readonly<Record<string, SecretRef>>;
    readonly environment: string;
    readonly serviceName: string;
  };
  readonly agent: { readonly pollConcurrency: number; readonly drillConcurrency: number; readonly retentionMs: number };
  /** `config` is what the vault's own schema gave, with its secrets ready to be revealed. */
  readonly vaults: readonly { readonly id: string; readonly type: string; readonly config: Readonly<Record<string, unknown>> }[];
  /** Sources that have a backup: what is polled and drilled. */
  readonly sources: readonly SourcePolicy[];
  /** Sources that are configured without one. */
  readonly uncovered: readonly UncoveredSource[];
  /** Live products of sources, where the configuration says how to reach them. */
  readonly connections: readonly SourceConnection[];
  readonly calendars: readonly DrillCalendar[];
  /** Every secret the configuration names, with its place in it. */
  readonly secrets: readonly { readonly at: string; readonly secret: SecretRef & { describe(): string } }[];
  /** What is allowed but probably not meant, one line each. */
  readonly warnings: readonly string[];
}

export interface LoadOptions {
  /** As the person wrote it; messages repeat it so. */
  readonly path: string;
  readonly readFile: (path: string) => Promise<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly registries: ConfigRegistries;
}

/**
 * @throws AgentError `config` / `config-invalid` whose message has one line for each problem:
 *   `restorewatch.yaml:12:7 sources[0].backups.vault: no vault is called "nightli"; mend: did you mean nightly?`
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const text = await readText(options);
  const { document, problems } = parseYaml(text);
  if (document === null) throw invalid(problems.map((problem) => line(options.path, problem, document)));
  const schema = createConfigSchema(options.registries);
  const parsed = schema.safeParse(document.value, { error: explainIssue });
  const rules = crossCheck(document.value);
  if (!parsed.success || rules.errors.length > 0) {
    const all = [...(parsed.success ? [] : problemsOf(parsed.error.issues)), ...rules.errors];
    throw invalid(inOrder(all, options.path, document));
  }
  const baseDir = path.dirname(path.resolve(options.path));
  const bound = bindSecrets(parsed.data, {
    env: options.env,
    baseDir,
    fail: (code, message, mend) => new AgentError("config", code, message, { mend }),
  });
  const config = bound.value;
  return {
    path: options.path,
    hash: sha256Hex(canonical(config)),
    baseDir,
    statePath: path.resolve(baseDir, config.state.sqlite),
    evidenceDir: path.resolve(baseDir, config.evidence.directory),
    workDir: path.resolve(baseDir, config.agent.workDirectory),
    http: { ...config.http.listen, runsToken: config.http.runs?.token ?? null, auth: authOf(config.http.auth) },
    telemetry: {
      otlpEndpoint: config.telemetry.otlp?.endpoint ?? endpointOf(options.env),
      exportEveryMs: exportEveryOf(options.env),
      headers: config.telemetry.otlp?.headers ?? {},
      environment: config.telemetry.service.environment,
      serviceName: config.telemetry.service.name,
    },
    agent: {
      pollConcurrency: config.agent.pollConcurrency,
      drillConcurrency: config.agent.drillConcurrency,
      retentionMs: config.agent.retention,
    },
    vaults: Object.entries(config.vaults).map(([id, { type, ...rest }]) => ({ id, type, config: rest })),
    sources: config.sources
      .map((source) => withRelations(sourcePolicy(source, baseDir, config.anomalies), config.relations))
      .filter((policy) => policy !== null),
    uncovered: config.sources
      .filter((source) => source.backups === undefined)
      .map((source) => uncoveredSource(source, baseDir, config.anomalies)),
    connections: config.sources.map(sourceConnection).filter((connection) => connection !== null),
    calendars: calendarsOf(config.drills),
    // A connection stands in the file as platform and scratch of its source.
    secrets: bound.found.map(({ at, secret }) => ({ at: shown(at.filter((part) => part !== "connection")), secret })),
    warnings: inOrder(rules.warnings, options.path, document),
  };
}

/** Where every program that speaks OTLP looks; it lets the quickstart tell a collector, which has no configuration to write it into. */
const ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";

function endpointOf(env: LoadOptions["env"]): string | null {
  const value = env[ENDPOINT];
  if (value === undefined || value === "") return null;
  const parsed = httpUrl("http://127.0.0.1:4318").safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid([`${ENDPOINT} in the environment: ${parsed.error.issues[0]?.message ?? "is no address"}`]);
}

const INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL";

function exportEveryOf(env: LoadOptions["env"]): number | null {
  const value = env[INTERVAL];
  if (value === undefined || value === "") return null;
  const ms = Number(value);
  if (Number.isSafeInteger(ms) && ms >= 1000 && ms <= 60_000) return ms;
  throw invalid([`${INTERVAL} in the environment: must be milliseconds from 1000 to 60000; mend: write it so, or leave it out`]);
}

async function readText(options: LoadOptions): Promise<string> {
  const fail = (text: string): AgentError => invalid([line(options.path, { at: [], text }, null)]);
  let bytes: Uint8Array;
  try {
    bytes = await options.readFile(options.path);
  } catch (error) {
    throw fail(unreadable(options.path, (error as { code?: unknown }).code));
  }
  if (bytes.byteLength > MAX_BYTES) throw fail("is larger than 1 MiB; mend: name the configuration file, not a backup");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw fail("is not UTF-8 text; mend: save it as UTF-8");
  }
}

function unreadable(file: string, code: unknown): string {
  if (code === "ENOENT" || code === "ENOTDIR")
    return `there is no such file; mend: write its right path, or run: restorewatch init ${file}`;
  if (code === "EISDIR") return "is a folder; mend: name the file in it";
  if (code === "EACCES" || code === "EPERM" || code === "ERR_ACCESS_DENIED")
    return "may not be read; mend: give the agent's user permission to read it";
  return `cannot be read (${typeof code === "string" ? code : "error"}); mend: see whether other programs can read it`;
}

function invalid(lines: readonly string[]): AgentError {
  return new AgentError("config", "config-invalid", lines.join("\n"));
}

/** Lines in the order of the file; the same line is said once. */
function inOrder(problems: readonly Problem[], file: string, document: YamlDocument): string[] {
  const placed = problems.map((problem) => ({ problem, place: document.locate(problem.at, problem.atKey === true) }));
  placed.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  return [...new Set(placed.map(({ problem }) => line(file, problem, document)))];
}

function line(file: string, problem: Problem, document: YamlDocument | null): string {
  const position = problem.position ?? document?.locate(problem.at, problem.atKey === true);
  const where = position === undefined ? file : `${file}:${position.line}:${position.column}`;
  const text = problem.text.replace(/\s+/gu, " ");
  if (problem.at.length > 0) return `${where} ${shown(problem.at)}: ${text}`;
  return `${where}: ${text}`;
}

/** `sources[0].backups.vault` */
function shown(at: readonly PropertyKey[]): string {
  return at
    .map((key, index) =>
      typeof key === "number"
        ? `[${key}]`
        : `${index === 0 ? "" : "."}${/^[\w-]+$/u.test(String(key)) ? String(key) : JSON.stringify(key)}`,
    )
    .join("");
}

/** JSON with sorted keys; a secret is told only by where it lies. */
function canonical(value: unknown): string {
  return JSON.stringify(value, function sorted(this: Record<string, unknown>, key, item: unknown) {
    const original = this[key];
    if (original instanceof Secret) return original.describe();
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
