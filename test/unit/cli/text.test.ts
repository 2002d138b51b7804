import { expect, test } from "vitest";
import { terminalStyle, wrapped } from "../../../agent/cli/render.ts";
import { verificationText } from "../../../agent/cli/verify-text.ts";
import type { Verification } from "../../../agent/cli/verify.ts";

const plain = terminalStyle(false);
const painted = terminalStyle(true);

const LINE = "  ✗ links.resolve  33 dangling references in Orders.Customer (expected: 0), and more words that are needed to fill a line";

test("a line that is too long for a terminal goes on below where its text began", () => {
  expect(wrapped(LINE, 60)).toEqual([
    "  ✗ links.resolve  33 dangling references in Orders.Customer",
    "                   (expected: 0), and more words that are",
    "                   needed to fill a line",
  ]);
  for (const columns of [40, 60, 80, 140]) for (const line of wrapped(LINE, columns)) expect(line.length).toBeLessThanOrEqual(columns);
});

test("no word is lost, colours take no room, a word that is longer than the line stays whole, and a pipe gets lines as they are", () => {
  expect(wrapped(LINE, null)).toEqual([LINE]);
  const words = (lines: readonly string[]): string[] => lines.join(" ").split(/\s+/u).filter(Boolean);
  expect(words(wrapped(LINE, 40))).toEqual(words([LINE]));
  const red = painted.bad("✗ FAILED");
  expect(wrapped(`${red}  ${"x".repeat(20)}`, 30)).toHaveLength(1);
  expect(wrapped(`${red}  /a/path/that/is/longer/than/a/line.grist  grist 44`, 30)).toEqual([
    `${red}  /a/path/that/is/longer/than/a/line.grist  grist`,
    "          44",
  ]);
  expect(wrapped(`  ${"y".repeat(50)}`, 30)).toEqual([`  ${"y".repeat(50)}`]);
});

function verification(more: Partial<Verification>): Verification {
  return {
    schema: "restorewatch.verification/v1",
    verdict: "inconclusive",
    layers: {},
    reasons: ["No format recognises the artifact by its content"],
    artifact: { path: "note.txt", format: null, formatVersion: null, bytes: 6, sha256: null },
    inventory: null,
    checks: [],
    sample: null,
    phases: { open: 12, checks: 4 },
    resources: null,
    isolation: null,
    startedAt: "2026-03-01T00:00:00.000Z",
    finishedAt: "2026-03-01T00:00:00.400Z",
    ...more,
  } as Verification;
}

test("an inconclusive result says that it is no word against the backup, and a check that was not asked is not said to not apply", () => {
  const skipped = {
    id: "links.resolve",
    layer: "content",
    status: "skip",
    observed: "x",
    expected: null,
    count: 0,
    examples: [],
    durationMs: 0,
  };
  const text = verificationText(verification({ checks: [skipped] as Verification["checks"] }), false, plain).join("\n");
  expect(text).toContain("This says nothing about the backup");
  expect(text).toContain("1 not asked");
});

test("the longest phase is told only where most of the time went there", () => {
  const took = (phases: Verification["phases"]): string | undefined =>
    verificationText(verification({ phases }), false, plain).find((line) => line.includes("Took"));
  expect(took({ open: 12, checks: 4 })).toBe("  Took     400 ms");
  expect(took({ open: 12, load: 300 })).toBe("  Took     400 ms, most of it to load every record into it (300 ms)");
});
