/** From the parsed configuration to the policies of core: durations filled in from one another, sizes in megabytes. Pure. */
import path from "node:path";
import type { AuthPolicy, DrillCalendar, SourceConnection, SourcePolicy, UncoveredSource } from "../core/policy.ts";
import type { RelationEnd, RelationPolicy } from "../core/relations.ts";
import { LAYERS, type PlatformName } from "../core/words.ts";
import type { ParsedConfig, ParsedSource } from "./schema.ts";

const WEEK = 7 * 86_400_000;

/** @returns null for a source without a backup */
export function sourcePolicy(source: ParsedSource, baseDir: string, fleet: ParsedConfig["anomalies"]): SourcePolicy | null {
  const { backups } = source;
  if (backups === undefined) return null;
  const every = backups.every ?? null;
  return {
    ...uncoveredSource(source, baseDir, fleet),
    backups: {
      vaultId: backups.vault,
      path: backups.path,
      pattern: backups.pattern,
      format: backups.format,
      everyMs: every,
      jitterMs: backups.jitter ?? (every === null ? 0 : Math.round(every / 4)),
      settleMs: backups.settle,
      retentionMs: backups.retention ?? null,
      minPoints: backups.minPoints ?? null,
      immutableMs: backups.immutable ?? null,
      key: backups.key ?? null,
    },
  };
}

/** @returns the policy with the relations in which it is either side */
export function withRelations(policy: SourcePolicy | null, declared: ParsedConfig["relations"]): SourcePolicy | null {
  if (policy === null) return null;
  const relations = declared
    .map(({ name, from, to, tolerance, apart }): RelationPolicy => {
      return { name, from: relationEnd(from), to: relationEnd(to), toleranceMs: tolerance, apartMs: apart };
    })
    .filter(({ from, to }) => from.source === policy.id || to.source === policy.id);
  return relations.length === 0 ? policy : { ...policy, relations };
}

function relationEnd(written: string): RelationEnd {
  const [source = "", collection = "", ...field] = written.split("/");
  return { source, collection, field: field.length === 0 ? null : field.join("/") };
}

/** Everything that is said of a source but its backups. */
export function uncoveredSource(source: ParsedSource, baseDir: string, fleet: ParsedConfig["anomalies"]): UncoveredSource {
  const { objectives, verify } = source;
  return {
    id: source.id,
    platform: source.platform.type as PlatformName,
    owner: source.owner === undefined ? null : { team: source.owner.team, contact: source.owner.contact ?? null },
    domain: source.domain,
    tier: source.tier,
    data: {
      retentionMs: source.data.retention ?? null,
      classification: source.data.classification ?? null,
      ...erasureOf(source.data.erasure, baseDir),
    },
    objectives: { rpoMs: objectives.rpo ?? null, rtoMs: objectives.rto ?? null, verifyMs: objectives.verify },
    anomalies: {
      falseAlarmsPerYear: source.anomalies.falseAlarmsPerYear,
      toldPerDay: fleet.toldPerDay,
      suppress: source.anomalies.suppress.map(({ from, to, reason }) => ({ from: Date.parse(from), to: Date.parse(to), reason })),
    },
    pollMs: source.poll,
    verify: {
      layers: LAYERS.filter((layer) => (verify.layers as readonly string[]).includes(layer)),
      coverWithinMs: verify.coverWithin,
      keepDifferencesMs: verify.keepDifferences,
      baseline: verify.baseline.review ? { accept: verify.baseline.accept, removedShare: verify.baseline.removed / 100 } : null,
      repeatMs: verify.repeat ?? Math.min(WEEK, objectives.verify),
      history: verify.history,
      critical: verify.critical.map(criticalRecord),
      ...(verify.sample.fetchBytes === undefined ? {} : { fetchBytes: verify.sample.fetchBytes }),
      limits: {
        memoryMb: Math.floor(verify.limits.memory / 1e6),
        diskMb: Math.floor(verify.limits.disk / 1e6),
        threads: verify.limits.threads,
        timeMs: verify.limits.time,
        maxBytes: verify.limits.maxBytes,
        maxEntries: verify.limits.maxEntries,
        maxRatio: verify.limits.maxRatio,
        maxDepth: verify.limits.maxDepth,
      },
    },
  };
}

/** @returns null where the platform is only a label */
export function sourceConnection(source: ParsedSource): SourceConnection | null {
  const { capture, connection } = source;
  const { sample } = source.verify;
  if (connection.platform === null) return null;
  return {
    sourceId: source.id,
    platform: source.platform.type as PlatformName,
    config: connection.platform,
    scratch: connection.scratch,
    capture:
      capture === undefined
        ? null
        : {
            schedule: capture.schedule,
            timezone: capture.timezone,
            recipients: capture.recipients,
            keepMs: capture.keep ?? null,
            immutableMs: capture.immutable ?? null,
            resumeMs: capture.resume,
            fullMs: capture.full,
          },
    sample: { records: sample.records, most: sample.most, fileBytes: sample.fileBytes, apiCallsPerDay: sample.apiCalls ?? null },
  };
}

function erasureOf(
  erasure: ParsedSource["data"]["erasure"],
  baseDir: string,
): Pick<SourcePolicy["data"], "erasure"> | Record<string, never> {
  if (erasure === undefined) return {};
  const fields = erasure.fields.map(criticalRecord).map(({ collection, key }) => ({ collection, field: key }));
  return { erasure: { list: path.resolve(baseDir, erasure.list), fields, key: erasure.key ?? null } };
}

/** `Deals/1042`: the collection ends at the first slash, so a key may hold one. */
function criticalRecord(written: string): { readonly collection: string; readonly key: string } {
  const slash = written.indexOf("/");
  return { collection: written.slice(0, slash), key: written.slice(slash + 1) };
}

/** @returns null where nobody may write over HTTP */
export function authOf(auth: ParsedConfig["http"]["auth"]): AuthPolicy | null {
  if (auth === undefined) return null;
  const { reading, tokens, proxy } = auth;
  return {
    reading,
    tokens: tokens.map(({ name, role, sha256 }) => ({ name, role, sha256: sha256.toLowerCase() })),
    proxy: proxy === undefined ? null : { header: proxy.header.toLowerCase(), operators: proxy.operators, from: proxy.from },
  };
}

export function calendarsOf(drills: ParsedConfig["drills"]): DrillCalendar[] {
  return (["smoke", "deep"] as const).flatMap((kind) => {
    const calendar = drills[kind];
    return calendar === undefined ? [] : [{ kind, ...calendar }];
  });
}
