/** Everything a format says of an artifact, as one digest; and the whole drill over it, in this process. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { checks } from "../../agent/checks/api.ts";
import { AgentError } from "../../agent/core/errors.ts";
import type { Content, FormatContext } from "../../agent/core/ports.ts";
import { judge } from "../../agent/core/verdict.ts";
import type { DrillLimits } from "../../agent/core/policy.ts";
import type { CheckResult } from "../../agent/core/values.ts";
import type { Verdict } from "../../agent/core/words.ts";
import { drill } from "../../agent/drill/drill.ts";
import type { DrillJob } from "../../agent/drill/protocol.ts";
import { isDamage, nameOf } from "../../agent/drill/trouble.ts";
import { formats } from "../../agent/formats/api.ts";
import { systemClock } from "../../agent/kit/clock.ts";
import { sandboxes } from "../../agent/sandboxes/api.ts";
import { probeOf } from "../contracts/format.ts";

export const LIMITS: DrillLimits = {
  ...{ memoryMb: 256, diskMb: 512, threads: 1, timeMs: 30_000 },
  ...{ maxBytes: 50e6, maxEntries: 20_000, maxRatio: 200, maxDepth: 200 },
};

export interface Read {
  /** `opened`, or the kind of the AgentError it ended in, or `threw` for anything else. */
  readonly outcome: string;
  /** One line about how it ended. */
  readonly told: string;
  /** Of everything the content says, null where it was not opened. */
  readonly digest: string | null;
  readonly complete: boolean;
}

/** Recognises with every format, as `auto` does, then opens and reads with the one. */
export async function readArtifact(format: string, path: string, workDir: string, key: string | null): Promise<Read> {
  let content: Content | null = null;
  try {
    const probe = await probeOf(path);
    for (const definition of formats) {
      const { confidence, because } = await definition.create().recognise(probe);
      if (!(confidence >= 0 && confidence <= 1) || because === "" || /[\n\0]/u.test(because))
        return { outcome: "threw", told: `${definition.id} recognises it in a strange way`, digest: null, complete: false };
    }
    const own = formats.find((definition) => definition.id === format)?.create();
    const { maxBytes, maxEntries, maxRatio, maxDepth } = LIMITS;
    const context: FormatContext = {
      workDir,
      key,
      limits: { maxBytes, maxEntries, maxRatio, maxDepth },
      signal: new AbortController().signal,
    };
    content = (await own?.open(probe, context)) ?? null;
    if (content === null) throw new Error("no such format");
    return { outcome: "opened", told: content.integrity.problems[0] ?? "", digest: await digestOf(content), complete: isWhole(content) };
  } catch (thrown) {
    if (!(thrown instanceof AgentError))
      return {
        outcome: "threw",
        told: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
        digest: null,
        complete: false,
      };
    const cause = thrown.kind === "internal" && thrown.cause instanceof Error ? ` because ${thrown.cause.stack ?? ""}` : "";
    return { outcome: thrown.kind, told: `${thrown.code}: ${thrown.message}${cause}`, digest: null, complete: false };
  } finally {
    await content?.close();
  }
}

function isWhole({ integrity }: Content): boolean {
  return integrity.complete && (integrity.checksums?.mismatched.length ?? 0) === 0;
}

async function digestOf(content: Content): Promise<string> {
  const { signal } = new AbortController();
  const hash = createHash("sha256");
  const { collections, automations, credentials, files, access, settings, views } = content;
  hash.update(JSON.stringify([collections, automations, credentials, files, access, settings, views]));
  for (const { id } of collections)
    for await (const batch of content.records(id, signal)) for (const record of batch) hash.update(JSON.stringify(record));
  for (const file of files.filter((one) => one.presence === "inside"))
    try {
      for await (const chunk of content.fileBytes(file.id, signal)) hash.update(chunk);
    } catch (thrown) {
      // One file that cannot be read is what the checks of files tell; the rest is read all the same.
      if (!isDamage(thrown)) throw thrown;
      hash.update("cannot be read");
    }
  return hash.digest("hex");
}

export interface Drilled {
  readonly verdict: Verdict;
  /** Defects of our own: trouble called internal, checks that threw. */
  readonly defects: readonly string[];
  readonly reasons: readonly string[];
  readonly records: number | null;
}

/** What a drill of `verify PATH` is asked. */
export function jobFor(format: string, path: string, workDir: string, key: string | null): DrillJob {
  return {
    ...{ drillId: "fuzz", artifactPath: path, artifactName: "artifact", workDir, format, key, limits: LIMITS, digestKey: "00" },
    sample: { strategy: "all", count: 0, rate: 1, seed: "00", always: [] },
    expectation: {
      ...{ now: Date.UTC(2026, 1, 1), sourceId: "fuzz", point: null, run: null, checksum: null, previous: null, previousAt: null },
      ...{ points: null, critical: [] },
      objectives: { rpoMs: null, rtoMs: null, retentionMs: null, minPoints: null, immutableMs: null },
    },
  };
}

/** The whole drill: open, load, check, judge. */
export async function drillArtifact(format: string, path: string, home: string, key: string | null): Promise<Drilled> {
  const workDir = await mkdtemp(join(home, "drill-"));
  const results: CheckResult[] = [];
  let trouble: { readonly code: string; readonly message: string } | null = null;
  let records: number | null = null;
  const defects: string[] = [];
  try {
    await drill(jobFor(format, path, workDir, key), {
      ...{ formats, sandboxes, checks, clock: systemClock(), signal: new AbortController().signal },
      channel: {
        send(message) {
          if (message.t === "check") results.push(message.result as CheckResult);
          if (message.t === "facts") records = message.facts.inventory.records;
          if (message.t === "done") trouble = message.trouble;
        },
      },
    });
  } catch (thrown) {
    defects.push(`the drill threw: ${thrown instanceof Error ? (thrown.stack ?? "") : nameOf(thrown)}`);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  const told = trouble as { readonly code: string; readonly message: string } | null;
  if (told !== null && ["internal", "sandbox-leak"].includes(told.code)) defects.push(`trouble ${told.code}: ${told.message}`);
  // An error that is not ours is told by its kind alone: a check that could not tell for a reason of the artifact says which.
  for (const check of results)
    if (check.status === "error" && /unexpected/u.test(check.observed)) defects.push(`${check.id} errs: ${check.observed}`);
  const { verdict, reasons } = judge(["artifact", "content"], results, told);
  return { verdict, defects, reasons, records };
}
