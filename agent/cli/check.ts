/** `restorewatch check`: is the configuration valid, can everything in it be reached from here, and how isolated is a drill on this machine? */
import type { LoadedConfig } from "../config/load.ts";
import { AgentError, asAgentError } from "../core/errors.ts";
import { pointsFromListing } from "../core/points.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Clock, Vault, VaultListing } from "../core/ports.ts";
import type { Isolation } from "../core/values.ts";
import { describeAge, describeCount, describeDuration } from "../core/words-for-people.ts";
import type { Output } from "./output.ts";
import { clean } from "./render.ts";

const DEADLINE_MS = 10_000;

export interface CheckDeps {
  readonly out: Output;
  readonly clock: Clock;
  /** Throws AgentError `config` with every problem. */
  readonly loadConfig: () => Promise<LoadedConfig>;
  /** A vault for each id, or the error of the one that cannot be made. */
  readonly openVaults: (config: LoadedConfig) => Promise<ReadonlyMap<string, Vault | AgentError>>;
  readonly probeIsolation: () => Promise<Isolation & { readonly notes: readonly string[] }>;
  /** Names and one-line summaries of what backups can be read. */
  readonly formats: readonly { readonly id: string; readonly summary: string }[];
}

interface SourceReport {
  readonly source: string;
  readonly vault: string;
  readonly path: string;
  readonly reachable: boolean;
  /** Why not, or null. */
  readonly error: string | null;
  /** Backups that are settled, and those that may still be written. */
  readonly artifacts: number;
  readonly waiting: number;
  readonly newestAt: number | null;
  readonly rpo: "met" | "breached" | "none" | "unknown";
  readonly rpoMs: number | null;
  readonly problems: readonly string[];
}

interface SecretReport {
  readonly at: string;
  readonly from: string;
  readonly error: string | null;
}

/** @returns 0 when all is well, 2 for a configuration or a secret to mend, 3 when a vault could not be reached */
export async function checkCommand(options: { readonly output: "text" | "json" }, deps: CheckDeps): Promise<number> {
  try {
    const config = await deps.loadConfig();
    const [sources, secrets, isolation] = await Promise.all([checkSources(config, deps), checkSecrets(config), deps.probeIsolation()]);
    const exitCode = secrets.some((secret) => secret.error !== null) ? 2 : sources.some(unseen) ? 3 : 0;
    if (options.output === "json") {
      const formats = deps.formats.map((format) => format.id);
      const { path, hash, warnings } = config;
      deps.out.line(
        JSON.stringify({ schema: "restorewatch.check/v1", ok: exitCode === 0, path, hash, warnings, sources, secrets, formats, isolation }),
      );
    } else {
      for (const line of text(config, sources, secrets, isolation, deps)) deps.out.line(line);
    }
    return exitCode;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), options.output);
  }
}

/** Nothing found where something could not be looked at is no answer either. */
function unseen(source: SourceReport): boolean {
  return !source.reachable || (source.artifacts + source.waiting === 0 && source.problems.length > 0);
}

async function checkSources(config: LoadedConfig, deps: CheckDeps): Promise<SourceReport[]> {
  const vaults = await deps.openVaults(config);
  return Promise.all(config.sources.map((source) => checkSource(source, vaults.get(source.backups.vaultId), deps.clock)));
}

async function checkSource(source: SourcePolicy, vault: Vault | AgentError | undefined, clock: Clock): Promise<SourceReport> {
  const base = { source: source.id, vault: source.backups.vaultId, path: source.backups.path, rpoMs: source.objectives.rpoMs };
  try {
    if (vault === undefined) throw new AgentError("internal", "no-vault", `vault ${source.backups.vaultId} was not opened`);
    if (vault instanceof AgentError) throw vault;
    const listing = await listWithin(vault, source, clock);
    const now = clock.now();
    const { alive, waiting } = pointsFromListing(source, listing, [], [], now);
    const newestAt = alive[0]?.createdAt ?? null;
    const { rpoMs } = source.objectives;
    const rpo = rpoMs === null ? "none" : newestAt === null ? "unknown" : now - newestAt > rpoMs ? "breached" : "met";
    return {
      ...base,
      reachable: true,
      error: null,
      artifacts: alive.length,
      waiting: waiting.length,
      newestAt,
      rpo,
      problems: listing.problems,
    };
  } catch (thrown) {
    const error = asAgentError(thrown);
    return { ...base, reachable: false, error: sentence(error), artifacts: 0, waiting: 0, newestAt: null, rpo: "unknown", problems: [] };
  }
}

/** A vault that does not heed the signal is left behind: the answer is due at the deadline. */
async function listWithin(vault: Vault, source: SourcePolicy, clock: Clock): Promise<VaultListing> {
  const listing = new AbortController();
  const timer = new AbortController();
  const deadline = clock.sleep(DEADLINE_MS, timer.signal).then(() => {
    throw new AgentError("transient", "deadline", `no answer within ${describeDuration(DEADLINE_MS)}`, {
      mend: "see whether the vault's disk or network hangs",
    });
  });
  try {
    const { path, pattern } = source.backups;
    return await Promise.race([vault.list(path, { pattern, signal: listing.signal }), deadline]);
  } finally {
    listing.abort();
    timer.abort();
  }
}

function checkSecrets(config: LoadedConfig): Promise<SecretReport[]> {
  return Promise.all(
    config.secrets.map(async ({ at, secret }) => {
      try {
        await secret.reveal();
        return { at, from: secret.describe(), error: null };
      } catch (thrown) {
        return { at, from: secret.describe(), error: sentence(asAgentError(thrown)) };
      }
    }),
  );
}

function sentence(error: AgentError): string {
  const what = error.message.replace(/\.$/u, "");
  return error.mend === null ? what : `${what}; mend: ${error.mend}`;
}

function text(
  config: LoadedConfig,
  sources: readonly SourceReport[],
  secrets: readonly SecretReport[],
  isolation: Isolation & { readonly notes: readonly string[] },
  deps: CheckDeps,
): string[] {
  const { style } = deps.out;
  const now = deps.clock.now();
  const good = style.good("✓");
  const bad = style.bad("✗");
  const warn = style.warn("!");
  return [
    `${good} ${config.path} is valid: ${describeCount(config.sources.length, "source", "sources")}, ${describeCount(config.vaults.length, "vault", "vaults")}`,
    ...config.warnings.map((line) => `${warn} ${clean(line)}`),
    ...(secrets.length === 0 ? [] : ["", style.bold("Secrets")]),
    ...secrets.map(({ at, from, error }) =>
      error === null ? `${good} ${clean(at)}: ${clean(from)}` : `${bad} ${clean(at)}: ${clean(error)}`,
    ),
    "",
    style.bold("Sources"),
    ...sources.flatMap((source) => [
      `${source.reachable ? (source.artifacts === 0 || source.rpo === "breached" ? warn : good) : bad} ${source.source}: ${clean(sourceLine(source, now))}`,
      ...source.problems.slice(0, 5).map((problem) => `    ${warn} ${clean(problem)}`),
    ]),
    "",
    `${style.bold("Formats")} ${deps.formats.map((format) => format.id).join(", ")}`,
    "",
    style.bold("A drill on this machine gets"),
    ...ISOLATION.map(([key, what]) => `${isolation[key] ? good : style.warn("-")} ${what}${isolation[key] ? "" : ": not here"}`),
    ...isolation.notes.map((note) => `    ${clean(note)}`),
  ];
}

const ISOLATION: readonly (readonly [keyof Isolation, string])[] = [
  ["process", "a process of its own"],
  ["permissions", "reading and writing only where it must"],
  ["network", "no network"],
  ["memoryLimit", "a limit on memory"],
  ["databaseLocked", "a database that reaches no other file"],
];

function sourceLine(source: SourceReport, now: number): string {
  const where = `${source.vault}/${source.path}`;
  if (!source.reachable) return `${where} could not be reached: ${source.error}`;
  if (source.artifacts === 0 && source.waiting > 0) {
    return `${where} reached, ${describeCount(source.waiting, "backup", "backups")} too new to be judged yet`;
  }
  const settling = source.waiting === 0 ? "" : `, ${source.waiting} still settling`;
  if (source.artifacts === 0) return `${where} reached, but no backup is there that the pattern matches`;
  const age = source.newestAt === null ? "" : `, newest ${describeAge(now - source.newestAt)} old`;
  const objective = source.rpoMs === null ? "" : ` (RPO ${describeDuration(source.rpoMs)}: ${source.rpo})`;
  return `${where} reached, ${describeCount(source.artifacts, "backup", "backups")}${settling}${age}${objective}`;
}
