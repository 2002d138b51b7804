/** `restorewatch report`: what was tested, when, with what result; from state alone, agent running or not. */
import type { Forecast } from "../core/forecasting/predict.ts";
import { describeDominant, describeForecast } from "../core/forecasting/words.ts";
import type { LayerStanding } from "../core/sampling/standing.ts";
import type { SourceStatus } from "../core/status.ts";
import type { DrillRecord } from "../core/values.ts";
import { describeBytes, describeDuration, describeTime, describeCount } from "../core/words-for-people.ts";
import { AgentError, asAgentError } from "../core/errors.ts";
import type { Output } from "./output.ts";
import { clean, verdictMark } from "./render.ts";

export interface ReportSource {
  readonly status: SourceStatus;
  readonly drills: readonly DrillRecord[];
  /** Of its sampled layers; empty where everything is read in every drill. */
  readonly coverage: readonly LayerStanding[];
  /** Of the full restore; null until enough drills told. */
  readonly forecast: Forecast | null;
  readonly objectives: { readonly rtoMs: number | null };
}

export interface ReportDeps {
  readonly out: Output;
  readonly now: () => number;
  /** Worst first; only those asked for. */
  readonly read: (sourceId: string | null) => Promise<readonly ReportSource[]>;
  /** Ids of sources that are configured without a backup. */
  readonly uncovered: readonly string[];
  readonly evidenceHead: () => Promise<{ readonly seq: number; readonly hash: string } | null>;
}

/** @returns 0 when every source's newest point is verified, 1 when one failed or has no backup configured, 3 when one could not be judged, 2 for an unknown source */
export async function reportCommand(
  source: string | null,
  options: { readonly output: "text" | "json" },
  deps: ReportDeps,
): Promise<number> {
  try {
    const sources = await deps.read(source);
    const uncovered = deps.uncovered.filter((id) => source === null || id === source);
    if (source !== null && sources.length + uncovered.length === 0)
      throw new AgentError("usage", "no-such-source", `The configuration has no source "${source}".`);
    const head = await deps.evidenceHead();
    if (options.output === "json") {
      deps.out.line(
        JSON.stringify({
          schema: "restorewatch.report/v1",
          at: new Date(deps.now()).toISOString(),
          evidenceHead: head,
          sources,
          uncovered,
        }),
      );
    } else {
      for (const line of text(sources, deps)) deps.out.line(line);
      for (const id of uncovered)
        deps.out.line(`${deps.out.style.bad("✗ no backup")}  ${deps.out.style.bold(clean(id))}  It is configured without a backup`);
      if (head !== null) deps.out.line(deps.out.style.dim(`Evidence: ${describeCount(head.seq, "entry", "entries")}, head ${head.hash}`));
    }
    const verdicts = sources.map((one) => one.status.verdict);
    if (verdicts.includes("failed") || uncovered.length > 0) return 1;
    return verdicts.every((verdict) => verdict === "verified") ? 0 : 3;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), options.output);
  }
}

function productLines({ product }: SourceStatus): string[] {
  if (product === null) return [];
  const version = product.found?.version ?? null;
  const drift = product.changed === null ? "" : `, was ${product.changed.from} until ${describeTime(product.changed.at)}`;
  const seen = product.reachedAt === null ? "has not answered yet" : `answered ${describeTime(product.reachedAt)}`;
  const known = `live product ${product.platform}${version === null ? "" : ` ${version}`}${drift}: ${seen}`;
  return [known, ...product.problems.map(({ sentence, mend }) => `! ${sentence}${mend === null ? "" : `; mend: ${mend}`}`)].map(clean);
}

/** A layer that never ran has no share: it says that it never ran. */
function coverageLines(standing: readonly LayerStanding[], now: number): string[] {
  return standing.flatMap(({ layer, coverage, withinMs, why, plan }) => {
    const within = describeDuration(withinMs);
    const share =
      coverage === null
        ? "never ran"
        : coverage.ratio === null
          ? "cannot be counted"
          : `${Math.floor(coverage.ratio * 1000 + 1e-9) / 10} % of ${describeCount(coverage.population, "record")} within ${within}`;
    const waits = coverage?.oldestAt == null ? "" : `, the longest wait is ${describeDuration(Math.max(0, now - coverage.oldestAt))}`;
    const warnings = plan?.promise.warnings ?? [];
    return [`layer ${layer}: ${share}${waits}`, ...why.map((one) => `  ${one}`), ...warnings.map((one) => `  ! ${one}`)].map(clean);
  });
}

function text(sources: readonly ReportSource[], deps: ReportDeps): string[] {
  const { style } = deps.out;
  const lines = [style.bold(`Restorewatch report, ${describeTime(deps.now())}`), ""];
  for (const { status, drills, coverage, forecast, objectives } of sources) {
    lines.push(`${verdictMark(status.verdict, style)}  ${style.bold(clean(status.sourceId))}  ${clean(status.headline)}`);
    for (const line of productLines(status)) lines.push(`    ${line}`);
    for (const line of coverageLines(coverage, deps.now())) lines.push(`    ${line}`);
    if (forecast !== null)
      lines.push(`    ${clean(`${describeForecast(forecast, objectives)}; most of it: ${describeDominant(forecast)}`)}`);
    for (const drill of drills.slice(0, 5)) {
      const format = drill.artifact.format === null ? "" : `, ${drill.artifact.format}`;
      const reason = drill.reasons[0] === undefined ? "" : `  ${clean(drill.reasons[0])}`;
      lines.push(
        `    ${describeTime(drill.finishedAt)}  ${verdictMark(drill.verdict, style)}  ${clean(drill.artifact.path)} (${describeBytes(drill.artifact.bytes)}${drill.artifact.unread === undefined ? "" : `, of which ${describeBytes(drill.artifact.unread.bytes)} in ${describeCount(drill.artifact.unread.files, "attachment")} were not read`}${format}) in ${describeDuration(drill.finishedAt - drill.startedAt)}${reason}`,
      );
    }
    if (drills.length === 0) lines.push("    no drill yet");
    lines.push("");
  }
  return lines;
}
