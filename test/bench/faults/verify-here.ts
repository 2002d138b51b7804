/**
 * `restorewatch verify` in this process: the command itself, with the drill run here instead of in a child of its own. What is read of a
 * baseline is kept, so that the hundredth document held against it does not read it again.
 */
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { checks } from "../../../agent/checks/api.ts";
import type { Output } from "../../../agent/cli/output.ts";
import { terminalStyle } from "../../../agent/cli/render.ts";
import { type Verification, verifyCommand } from "../../../agent/cli/verify.ts";
import type { Expectation, Span } from "../../../agent/core/ports.ts";
import { drill } from "../../../agent/drill/drill.ts";
import type { DrillJob } from "../../../agent/drill/protocol.ts";
import { createCollector } from "../../../agent/engine/drill-child/collector.ts";
import type { ChildOutcome } from "../../../agent/engine/drill-child/index.ts";
import { formats } from "../../../agent/formats/api.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { sandboxes } from "../../../agent/sandboxes/api.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";

export interface Asked {
  readonly key?: string | null;
  readonly baseline?: string | null;
  /** What a configured source knows beside the artifact; `verify PATH` knows none of it. */
  readonly known?: Partial<Expectation>;
}

/** `error`: the command refused instead of giving a result. */
export type Answer = Pick<Verification, "verdict" | "checks" | "reasons"> & {
  readonly format: string | null;
  readonly error: string | null;
};

export interface Verifier {
  verify(path: string, asked?: Asked): Promise<Answer>;
}

const ISOLATION: ChildOutcome["isolation"] = {
  process: false,
  permissions: false,
  network: false,
  memoryLimit: false,
  databaseLocked: true,
};
const LIMITS: DrillJob["limits"] = {
  memoryMb: 256,
  diskMb: 4000,
  threads: 1,
  timeMs: 120_000,
  maxBytes: 5e9,
  maxEntries: 100_000,
  maxRatio: 200,
  maxDepth: 200,
};

/** @param home an empty directory; what baselines hold stays in it until the caller removes it */
export function verifierIn(home: string): Verifier {
  const clock = systemClock();
  const baselines = new Map<string, Promise<ChildOutcome>>();
  let started = 0;

  const run = async (job: DrillJob, span: Span): Promise<ChildOutcome> => {
    const collector = createCollector(span, clock, undefined);
    const send = (message: unknown): void => {
      if (!collector.take(JSON.stringify(message))) throw new Error("the drill said something that is no message");
    };
    await drill(job, { formats, sandboxes, checks, clock, channel: { send }, signal: new AbortController().signal });
    const collected = collector.collected();
    return { ...collected, trouble: collector.done?.trouble ?? null, isolation: ISOLATION };
  };

  const baselineOf = async (job: DrillJob, span: Span): Promise<ChildOutcome> => {
    const place = join(home, `baseline-${baselines.size}`);
    const read = baselines.get(job.artifactPath) ?? mkdir(place).then(() => run({ ...job, workDir: place }, span));
    baselines.set(job.artifactPath, read);
    const outcome = await read;
    if (outcome.kept === undefined) return outcome;
    // A sandbox reads nothing outside its own directory.
    const here = async (file: string): Promise<string> => {
      const copy = join(job.workDir, `baseline-${basename(file)}`);
      await cp(file, copy);
      return copy;
    };
    const tables = await Promise.all(outcome.kept.tables.map(async (table) => ({ ...table, file: await here(table.file) })));
    return { ...outcome, kept: { tables, files: outcome.kept.files === null ? null : await here(outcome.kept.files) } };
  };

  return {
    async verify(path, asked = {}) {
      let told = "";
      const out: Output = {
        style: terminalStyle(false),
        interactive: false,
        columns: 140,
        line: (text) => (told = text),
        raw: () => undefined,
        warn: () => undefined,
        failure: (error) => {
          told = JSON.stringify({ verdict: null, checks: [], reasons: [], error: `${error.code}: ${error.message}` });
          return 3;
        },
        progress: () => undefined,
        clearProgress: () => undefined,
      };
      const options = {
        ...{ format: "auto", baseline: asked.baseline ?? null, sample: "all", critical: [], key: asked.key == null ? null : "key" },
        ...{ output: "json" as const, seed: null, showKeys: true, all: true, limits: LIMITS },
      };
      await verifyCommand(path, options, {
        out,
        clock,
        telemetry: memoryTelemetry(clock),
        formats: formats.map((format) => format.id),
        randomHex: (bytes) => (started += 1).toString(16).padStart(bytes * 2, "0"),
        readKey: () => Promise.resolve(asked.key ?? ""),
        runChild: (job, span) =>
          job.keepTables === true ? baselineOf(job, span) : run({ ...job, expectation: { ...job.expectation, ...asked.known } }, span),
        createWorkDir: async () => {
          const made = await mkdtemp(join(home, "work-"));
          return { path: made, remove: () => rm(made, { recursive: true, force: true }) };
        },
        signal: new AbortController().signal,
      });
      const result = JSON.parse(told) as Partial<Verification> & { readonly error?: string };
      return {
        verdict: result.verdict ?? "inconclusive",
        checks: result.checks ?? [],
        reasons: result.reasons ?? [],
        format: result.artifact?.format ?? null,
        error: result.error ?? null,
      };
    },
  };
}
