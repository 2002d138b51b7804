/** `restorewatch report` and sources that are configured without a backup: they are never left out. */
import { expect, test } from "vitest";
import { reportCommand } from "../../../agent/cli/report.ts";
import { capturedOutput } from "../config/captured-output.ts";

const now = (): number => Date.UTC(2026, 10, 23);

test.each([
  ["all sources", null, 1],
  ["that source", "wiki", 1],
  ["a source that is not configured", "nobody", 2],
] as const)("a report on %s without a backup says so in its exit code", async (_, source, expected) => {
  const captured = capturedOutput();
  const deps = { out: captured.out, now, read: () => Promise.resolve([]), uncovered: ["wiki"], evidenceHead: () => Promise.resolve(null) };
  expect(await reportCommand(source, { output: "text" }, deps)).toBe(expected);
  expect(captured.stdout().includes("✗ no backup  wiki  It is configured without a backup")).toBe(expected === 1);
});

test("as JSON it names them", async () => {
  const captured = capturedOutput();
  const deps = { out: captured.out, now, read: () => Promise.resolve([]), uncovered: ["wiki"], evidenceHead: () => Promise.resolve(null) };
  expect(await reportCommand(null, { output: "json" }, deps)).toBe(1);
  expect(JSON.parse(captured.stdout())).toMatchObject({ schema: "restorewatch.report/v1", sources: [], uncovered: ["wiki"] });
});
