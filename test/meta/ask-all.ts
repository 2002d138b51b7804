/** Drills an artifact with every check, in this process, as often as asked; each run knows the one before it. */
import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { checks as everyCheck } from "../../agent/checks/api.ts";
import type { Check, Expectation } from "../../agent/core/ports.ts";
import type { CheckResult, PointFacts } from "../../agent/core/values.ts";
import { drill } from "../../agent/drill/drill.ts";
import type { ChildMessage } from "../../agent/drill/protocol.ts";
import { formats } from "../../agent/formats/api.ts";
import { systemClock } from "../../agent/kit/clock.ts";
import { sandboxes } from "../../agent/sandboxes/api.ts";

export interface Asked {
  readonly checks: readonly CheckResult[];
  readonly facts: PointFacts | null;
  readonly format: string | null;
  readonly trouble: string | null;
  /** Milliseconds of the phase in which the checks are asked. */
  readonly checksMs: number;
}

const NOTHING: Expectation = {
  now: 0,
  sourceId: "asked",
  point: null,
  run: null,
  checksum: null,
  previous: null,
  previousAt: null,
  points: null,
  objectives: { rpoMs: null, rtoMs: null, retentionMs: null, minPoints: null, immutableMs: null },
  critical: [],
};

/** @param workDir made and removed here; its parent must exist */
export async function askAll(
  path: string,
  workDir: string,
  options: {
    readonly key?: string | null;
    readonly expectation?: Partial<Expectation>;
    readonly format?: string;
    readonly memoryMb?: number;
    readonly checks?: readonly Check[];
  } = {},
): Promise<Asked> {
  await mkdir(workDir);
  const messages: ChildMessage[] = [];
  try {
    await drill(
      {
        drillId: "asked",
        artifactPath: path,
        artifactName: basename(path),
        workDir,
        format: options.format ?? "auto",
        key: options.key ?? null,
        expectation: { ...NOTHING, now: Date.now(), ...options.expectation },
        sample: { strategy: "all", count: 0, rate: 1, seed: "00", always: [] },
        limits: {
          memoryMb: options.memoryMb ?? 256,
          diskMb: 2000,
          threads: 2,
          timeMs: 120_000,
          maxBytes: 5e9,
          maxEntries: 10_000,
          maxRatio: 200,
          maxDepth: 200,
        },
        digestKey: "5e".repeat(32),
      },
      {
        formats,
        sandboxes,
        checks: options.checks ?? everyCheck,
        clock: systemClock(),
        channel: { send: (message) => messages.push(message) },
        signal: new AbortController().signal,
      },
    );
  } finally {
    await rm(join(workDir), { recursive: true, force: true });
  }
  const of = <T extends ChildMessage["t"]>(t: T) => messages.find((message): message is Extract<ChildMessage, { t: T }> => message.t === t);
  const results = messages.flatMap((message) => (message.t === "check" ? [message.result as CheckResult] : []));
  const phase = messages.find((message) => message.t === "phase" && message.phase === "checks");
  return {
    checks: results,
    facts: (of("facts")?.facts as PointFacts | undefined) ?? null,
    format: of("opened")?.recognised?.format ?? null,
    trouble: of("done")?.trouble?.message ?? null,
    checksMs: phase?.t === "phase" ? phase.ms : 0,
  };
}
