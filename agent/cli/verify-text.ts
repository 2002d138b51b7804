/** The result of `verify` for people: the verdict first, then what is wrong and where, then what was looked at. */
import type { CheckResult } from "../core/values.ts";
import { describeBytes, describeDuration, describeNumber, describeCount, PHASE_WORDS } from "../core/words-for-people.ts";
import { ITEM_KINDS, PHASES, type Verdict } from "../core/words.ts";
import { checkMark, clean, type Style } from "./render.ts";
import type { Verification } from "./verify.ts";

/** @param all lists every check, not only those that need a look */
export function verificationText(result: Verification, all: boolean, style: Style): string[] {
  const lines = [`${headline(result.verdict, style)}  ${style.bold(clean(result.artifact.path))}  ${style.dim(artifactLine(result))}`];
  const shown = result.checks.filter((check) => all || check.status === "fail" || check.status === "error" || check.status === "changed");
  const width = Math.max(0, ...shown.map((check) => check.id.length));
  for (const check of byUrgency(shown)) lines.push(...checkLines(check, width, style));
  for (const reason of result.reasons) {
    const told = shown.some((check) => reason.startsWith(`${check.id}: `));
    if (!told) lines.push(`  ${style.warn("?")} ${clean(reason)}`);
  }
  if (result.verdict === "inconclusive")
    lines.push(`  ${style.dim("This says nothing about the backup: it could not be looked at as promised. It may be sound or broken.")}`);
  const { inventory, sample } = result;
  if (inventory !== null) {
    const parts = ITEM_KINDS.filter((kind) => inventory[kind] > 0 || kind === "collections" || kind === "records").map((kind) =>
      describeCount(inventory[kind], kind.replace(/s$/, "")),
    );
    lines.push(`  Holds    ${parts.join(", ")}`);
  }
  if (sample !== null)
    lines.push(
      `  Looked   at ${sample.strategy === "all" ? `all ${describeCount(sample.population, "record")}` : `${describeNumber(sample.checked)} of ${describeCount(sample.population, "record")}, chosen at random: with ${sample.bound.confidence * 100} % confidence fewer than ${describeShare(sample.bound.badRateUpper)} of all are bad; a single lost record may still be there`}`,
    );
  lines.push(`  Checks   ${checksLine(result.checks)}${all ? "" : style.dim("  (--all lists them, and why not)")}`);
  lines.push(`  Took     ${describeDuration(Date.parse(result.finishedAt) - Date.parse(result.startedAt))}${phases(result, style)}`);
  return lines;
}

function headline(verdict: Verdict, style: Style): string {
  const text = { verified: "✓ VERIFIED", failed: "✗ FAILED", inconclusive: "? INCONCLUSIVE" }[verdict];
  const paint = { verified: style.good, failed: style.bad, inconclusive: style.warn }[verdict];
  return style.bold(paint(text));
}

function artifactLine({ artifact }: Verification): string {
  const format =
    artifact.format === null
      ? "format not recognised"
      : `${artifact.format}${artifact.formatVersion === null ? "" : ` ${artifact.formatVersion}`}`;
  return `${clean(format)}, ${describeBytes(artifact.bytes)}`;
}

function checkLines(check: CheckResult, width: number, style: Style): string[] {
  const expected = check.expected === null || check.status === "pass" ? "" : style.dim(` (expected: ${clean(check.expected)})`);
  const lines = [`  ${checkMark(check.status, style)} ${check.id.padEnd(width)}  ${clean(check.observed)}${expected}`];
  if (check.status !== "fail" && check.status !== "changed") return lines;
  for (const example of check.examples) {
    const where = [example.collection, example.item].filter((part) => part !== "").join(" ");
    const field = example.field === undefined ? "" : `, ${example.field}`;
    const note = example.note === undefined ? "" : `: ${example.note}`;
    lines.push(`    ${" ".repeat(width)}  ${style.dim(`in ${clean(`${where}${field}${note}`)}`)}`);
  }
  const more = check.count - check.examples.length;
  if (check.examples.length > 0 && more > 0) lines.push(`    ${" ".repeat(width)}  ${style.dim(`and ${describeNumber(more)} more`)}`);
  return lines;
}

const URGENCY = ["fail", "error", "changed", "pass", "skip"];

function byUrgency(checks: readonly CheckResult[]): CheckResult[] {
  return [...checks].sort((a, b) => URGENCY.indexOf(a.status) - URGENCY.indexOf(b.status));
}

function checksLine(checks: readonly CheckResult[]): string {
  const words = { pass: "passed", fail: "failed", changed: "changed", error: "could not tell", skip: "not asked" } as const;
  const parts = (["pass", "fail", "changed", "error", "skip"] as const).flatMap((status) => {
    const count = checks.filter((check) => check.status === status).length;
    return count === 0 ? [] : [`${count} ${words[status]}`];
  });
  return parts.length === 0 ? "none could be asked" : parts.join(", ");
}

/** Only where one phase says where the time went: a process of its own takes its time to start, and no phase counts that. */
function phases({ phases: took, startedAt, finishedAt }: Verification, style: Style): string {
  const slowest = PHASES.map((phase) => [phase, took[phase] ?? 0] as const).toSorted((a, b) => b[1] - a[1])[0];
  if (slowest === undefined || slowest[1] * 2 < Date.parse(finishedAt) - Date.parse(startedAt)) return "";
  return style.dim(`, most of it to ${PHASE_WORDS[slowest[0]]} (${describeDuration(slowest[1])})`);
}

function describeShare(rate: number): string {
  return `${describeNumber(Number((rate * 100).toPrecision(2)))} %`;
}
