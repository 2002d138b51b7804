/** `restorewatch verify PATH`: one artifact, no configuration, no state. The result is a stable contract (verification.md §8). */
import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { basename } from "node:path";
import { AgentError, asAgentError } from "../core/errors.ts";
import type { DrillLimits } from "../core/policy.ts";
import { type Aspect, ASPECTS } from "../core/content.ts";
import type { BaselineExpectation, Clock, SampleRequest, Span, Telemetry } from "../core/ports.ts";
import type { CheckResult, Isolation } from "../core/values.ts";
import { boundOf } from "../core/sampling/bounds.ts";
import { judge, type LayerVerdicts } from "../core/verdict.ts";
import type { Layer, Phase, Verdict } from "../core/words.ts";
import type { DrillJob } from "../drill/protocol.ts";
import type { ChildOutcome } from "../engine/drill-child/index.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import { exitCodeOf, type Output } from "./output.ts";
import { wrapped } from "./render.ts";
import { verificationText } from "./verify-text.ts";

export interface VerifyOptions {
  readonly format: string;
  /** Path of an artifact to compare with, or null. */
  readonly baseline: string | null;
  readonly sample: string;
  readonly critical: readonly string[];
  readonly key: string | null;
  readonly output: "text" | "json";
  readonly seed: string | null;
  readonly showKeys: boolean;
  readonly all: boolean;
  readonly limits: DrillLimits;
}

export interface VerifyDeps {
  readonly out: Output;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly formats: readonly string[];
  readonly randomHex: (bytes: number) => string;
  readonly readKey: (path: string) => Promise<string>;
  readonly runChild: (
    job: DrillJob,
    span: Span,
    signal: AbortSignal,
    onProgress: (phase: Phase, done: number, of: number | null) => void,
  ) => Promise<ChildOutcome>;
  readonly createWorkDir: (drillId: string) => Promise<{ readonly path: string; remove(): Promise<void> }>;
  readonly signal: AbortSignal;
}

export interface Verification {
  readonly schema: "restorewatch.verification/v1";
  readonly verdict: Verdict;
  readonly layers: Partial<Record<Layer, Verdict>>;
  readonly reasons: readonly string[];
  readonly artifact: {
    readonly path: string;
    readonly format: string | null;
    readonly formatVersion: string | null;
    readonly bytes: number;
    readonly sha256: string | null;
    readonly createdAt: string | null;
  };
  readonly inventory: NonNullable<ChildOutcome["facts"]>["inventory"] | null;
  readonly sample:
    | (NonNullable<ChildOutcome["sample"]> & {
        /** What was not looked at: with this confidence fewer than such a share of all records is bad, where none of the sample is. */
        readonly bound: { readonly confidence: number; readonly badRateUpper: number };
      })
    | null;
  readonly checks: readonly CheckResult[];
  /** What this way of backing up can hold and what it cannot; empty where the artifact was not opened. */
  readonly fidelity: readonly { readonly aspect: Aspect; readonly included: boolean; readonly reason: string | null }[];
  readonly phases: ChildOutcome["phases"];
  readonly resources: ChildOutcome["resources"];
  readonly isolation: Isolation;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly traceId: string;
}

const LAYERS_ASKED = ["artifact", "content"] as const;

/** @returns the exit code: 0 verified, 1 failed, 2 usage, 3 inconclusive */
export async function verifyCommand(path: string, options: VerifyOptions, deps: VerifyDeps): Promise<number> {
  try {
    const result = await verify(path, options, deps);
    deps.out.clearProgress();
    if (options.output === "json") deps.out.line(JSON.stringify(result));
    else {
      const columns = deps.out.interactive ? deps.out.columns : null;
      const lines = verificationText(result, options.all, deps.out.style);
      for (const line of lines.flatMap((whole) => wrapped(whole, columns))) deps.out.line(line);
    }
    return exitCodeOf(result.verdict);
  } catch (thrown) {
    deps.out.clearProgress();
    return deps.out.failure(asAgentError(thrown), options.output);
  }
}

async function verify(path: string, options: VerifyOptions, deps: VerifyDeps): Promise<Verification> {
  const { clock } = deps;
  if (options.format !== "auto" && !deps.formats.includes(options.format)) {
    throw new AgentError("usage", "unknown-format-name", `There is no format called "${options.format}".`, {
      mend: `use auto or one of ${deps.formats.join(", ")}`,
    });
  }
  const sample = sampleOf(options, deps);
  const bytes = await artifactSize(path);
  if (options.baseline !== null) await artifactSize(options.baseline);
  const key = options.key === null ? null : await deps.readKey(options.key);
  const startedAt = clock.now();
  return deps.telemetry.span(
    SPANS.drill,
    { [ATTRIBUTES.drillKind]: "sample" },
    async (span) => {
      const drillId = deps.randomHex(8);
      const workDir = await deps.createWorkDir(drillId);
      let outcome: ChildOutcome;
      try {
        const begin: Begin = {
          drillId,
          workDir: workDir.path,
          key,
          sample,
          startedAt,
          digestKey: options.showKeys ? null : deps.randomHex(32),
        };
        const progress = (phase: Phase, done: number, of: number | null): void => deps.out.progress(phase, done, of);
        const compared = options.baseline === null ? null : await readBaseline(options.baseline, options, begin, deps, span, progress);
        outcome =
          compared !== null && "trouble" in compared
            ? compared.trouble
            : await deps.runChild(await jobOf(path, options, begin, compared?.baseline ?? null), span, deps.signal, progress);
      } finally {
        await workDir.remove();
      }
      // What was found in something that changed meanwhile proves nothing, in either direction.
      if (outcome.trouble?.code === "artifact-changed") outcome = { ...outcome, checks: [], facts: null, sample: null };
      const judged = judge(LAYERS_ASKED, outcome.checks, outcome.trouble);
      return resultOf(path, bytes, judged, outcome, startedAt, clock.now(), span.traceId, sample.always.length);
    },
    { root: true },
  );
}

interface Begin {
  readonly drillId: string;
  readonly workDir: string;
  readonly key: string | null;
  readonly sample: SampleRequest;
  readonly startedAt: number;
  readonly digestKey: string | null;
}

async function jobOf(path: string, options: VerifyOptions, begin: Begin, baseline: BaselineExpectation | null): Promise<DrillJob> {
  const { drillId, workDir, key, sample, digestKey } = begin;
  return {
    drillId,
    artifactPath: await realpath(path),
    artifactName: basename(path),
    workDir,
    format: options.format,
    key,
    expectation: {
      now: begin.startedAt,
      sourceId: "verify",
      point: null,
      run: null,
      checksum: null,
      previous: baseline?.facts ?? null,
      previousAt: baseline?.at ?? null,
      points: null,
      objectives: { rpoMs: null, rtoMs: null, retentionMs: null, minPoints: null, immutableMs: null },
      critical: sample.always,
      ...(baseline === null ? {} : { baseline }),
    },
    sample,
    limits: options.limits,
    digestKey,
  };
}

/** Reads the baseline in a process of its own; what lies in the drill's directory afterwards is what the other is compared with. */
async function readBaseline(
  path: string,
  options: VerifyOptions,
  begin: Begin,
  deps: VerifyDeps,
  span: Span,
  progress: (phase: Phase, done: number, of: number | null) => void,
): Promise<{ readonly baseline: BaselineExpectation } | { readonly trouble: ChildOutcome }> {
  const all: SampleRequest = { ...begin.sample, strategy: "all", count: 0, rate: 1 };
  const job = await jobOf(path, options, { ...begin, sample: all }, null);
  const read = await deps.runChild({ ...job, keepTables: true }, span, deps.signal, progress);
  if (read.trouble === null && read.facts !== null && read.kept !== undefined)
    return { baseline: { at: read.createdAt, facts: read.facts, ...read.kept } };
  const why = read.trouble?.message ?? "it is damaged, empty or of no known format.";
  const nothing = { artifact: null, recognised: null, createdAt: null, checks: [], facts: null, sample: null, phases: {} };
  return { trouble: { ...read, ...nothing, trouble: { code: "baseline-unreadable", message: `The baseline could not be read: ${why}` } } };
}

const CONFIDENCE = 0.95;

/** @param always how many were named and so are no part of chance */
function boundOfSample({ sample, checks }: ChildOutcome, always: number): { readonly confidence: number; readonly badRateUpper: number } {
  const { population = 0, checked = 0, strategy = "all" } = sample ?? {};
  // Everything was looked at: what is bad is known, and told by the checks.
  if (strategy === "all" || checked >= population) return { confidence: CONFIDENCE, badRateUpper: 0 };
  const sampled = Math.max(0, checked - always);
  const found = checks.filter((check) => check.status === "fail" && check.layer === "content").map((check) => check.count);
  const bad = Math.min(sampled, Math.max(0, ...found));
  return { confidence: CONFIDENCE, badRateUpper: boundOf({ population, sampled, bad }, CONFIDENCE).badRateUpper };
}

function resultOf(
  path: string,
  bytes: number,
  judged: LayerVerdicts,
  outcome: ChildOutcome,
  startedAt: number,
  finishedAt: number,
  traceId: string,
  always: number,
): Verification {
  return {
    schema: "restorewatch.verification/v1",
    verdict: judged.verdict,
    layers: judged.layers,
    reasons: judged.reasons,
    artifact: {
      path,
      format: outcome.recognised?.format ?? null,
      formatVersion: outcome.recognised?.formatVersion ?? null,
      bytes: outcome.artifact?.bytes ?? bytes,
      sha256: outcome.artifact?.sha256 ?? null,
      createdAt: outcome.createdAt === null ? null : new Date(outcome.createdAt).toISOString(),
    },
    inventory: outcome.facts?.inventory ?? null,
    sample: outcome.sample === null ? null : { ...outcome.sample, bound: boundOfSample(outcome, always) },
    checks: outcome.checks,
    fidelity: fidelityOf(outcome.facts),
    phases: outcome.phases,
    resources: outcome.resources,
    isolation: outcome.isolation,
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(finishedAt).toISOString(),
    traceId,
  };
}

function fidelityOf(facts: ChildOutcome["facts"]): Verification["fidelity"] {
  if (facts === null) return [];
  const missing = new Map((facts.fidelity ?? []).map(({ aspect, reason }) => [aspect, reason]));
  return ASPECTS.map((aspect) => ({ aspect, included: !missing.has(aspect), reason: missing.get(aspect) ?? null }));
}

/** `all`, a number of records, or a rate (`0.1`, `10%`). */
function sampleOf(options: VerifyOptions, deps: VerifyDeps): SampleRequest {
  const always = options.critical.map((name) => {
    const cut = name.indexOf("/");
    if (cut <= 0 || cut === name.length - 1)
      throw new AgentError("usage", "bad-critical", `--critical "${name}" does not name a record.`, { mend: "write COLLECTION/KEY" });
    return { collection: name.slice(0, cut), key: name.slice(cut + 1) };
  });
  const seed = options.seed === null ? deps.randomHex(16) : createHash("sha256").update(options.seed).digest("hex").slice(0, 32);
  const base = { seed, always, count: 0, rate: 1 };
  const text = options.sample;
  if (text === "all") return { ...base, strategy: "all" };
  const number = Number(text.endsWith("%") ? text.slice(0, -1) : text);
  const isRate = text.endsWith("%") || text.includes(".");
  const rate = text.endsWith("%") ? number / 100 : number;
  if (isRate && rate > 0 && rate <= 1) return { ...base, strategy: "rate", rate };
  if (!isRate && Number.isSafeInteger(number) && number > 0) return { ...base, strategy: "count", count: number };
  throw new AgentError("usage", "bad-sample", `--sample "${text}" is not a sample.`, {
    mend: "write all, a number of records such as 500, or a rate such as 0.1 or 10%",
  });
}

/** Only a regular file or a directory can be an artifact; a device or pipe is never opened. A link named by the person is followed, none inside is. */
async function artifactSize(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (!found.isFile() && !found.isDirectory())
      throw new AgentError("usage", "not-an-artifact", `${path} is neither a file nor a directory.`);
    return found.isFile() ? found.size : 0;
  } catch (thrown) {
    const error = asAgentError(thrown);
    if (error.code === "not-found") throw new AgentError("usage", "no-such-path", `There is nothing at ${path}.`);
    const { code } = thrown as { code?: unknown };
    if (code === "ELOOP") throw new AgentError("usage", "no-such-path", `${path} is a symbolic link that leads in a circle.`);
    if (code === "ENAMETOOLONG") throw new AgentError("usage", "no-such-path", "The path is longer than paths may be.");
    if (error.code === "no-permission") throw new AgentError("auth", "no-permission", `${path} may not be read by this user.`);
    throw error;
  }
}
