/** The stable contract of `backtest`: one line a row, nothing guessed, change points last, exit 0 for whatever was found. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runAgent } from "../agent/running.ts";

const home = mkdtempSync(join(tmpdir(), "rw-backtest-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const DAY = 86_400_000;
const START = Date.UTC(2025, 0, 1);
const value = (at: number): number => Math.round(1e6 * (1 + 0.03 * Math.sin(at * at)) * (at === 80 ? 0.4 : at >= 120 ? 1.5 : 1));
const iso = (at: number): string => new Date(START + at * DAY).toISOString();
const rows = Array.from({ length: 160 }, (_, at) => `${iso(at)},${value(at)}`);

function file(name: string, lines: readonly string[]): string {
  writeFileSync(join(home, name), `${lines.join("\n")}\n`);
  return name;
}
const run = (...args: string[]) => runAgent(home, "backtest", ...args);
const lines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("ndjson", () => {
  test("has one line a row with the agreed members, and change points last where they are asked for", async () => {
    const { code, stdout, stderr } = await run(
      file("a.csv", ["timestamp,value", ...rows]),
      "--schedule",
      "daily",
      "--output",
      "ndjson",
      "--changepoints",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const all = lines(stdout);
    expect(all).toHaveLength(161);
    expect(Object.keys(all[0] ?? {})).toEqual(["timestamp", "value", "expected", "lower", "upper", "score", "alarm"]);
    expect(all[0]).toMatchObject({ timestamp: iso(0), value: value(0) });
    expect(all.flatMap((one, at) => (typeof one["alarm"] === "string" ? [`${one["alarm"]} ${at}`] : []))).toEqual(
      expect.arrayContaining(["rule 80"]),
    );
    expect(all[80]?.["score"]).toBeGreaterThanOrEqual(1);
    expect(all.at(-1)).toEqual({ changepoints: [120] });
  });

  test("reports what is missing or no number, and keeps its line", async () => {
    const spoilt = [...rows.slice(0, 20), `${iso(20)},`, `${iso(21)},many`, "yesterday,5", `${iso(22)},7`, `${iso(22)},7`];
    const { code, stdout, stderr } = await run(file("b.csv", spoilt), "--output", "ndjson");
    expect(code).toBe(0);
    expect(lines(stdout)).toHaveLength(25);
    expect(lines(stdout)[20]).toMatchObject({ value: null, expected: null, score: 0, alarm: null });
    for (const said of [
      "line 21 was left out: its value is missing",
      "line 22 was left out: its value is no number",
      "neither ISO 8601",
      "of the same time",
    ])
      expect(stderr).toContain(said);
  });

  test("a row that comes late in the file is told by its line, headline counted", async () => {
    const late = ["timestamp,value", ...rows.slice(0, 120), `${iso(60)},5`, ...rows.slice(120)];
    const { stderr } = await run(file("late.csv", late), "--output", "ndjson");
    expect(stderr).toContain("line 122 was left out: there is a run of the same time before it");
  });

  test("takes epochs, other separators, quotes and any order", async () => {
    const epochs = rows.map((_, at) => `"${(START + at * DAY) / 1000}";"${value(at)}"`);
    const first = await run(file("c.csv", ["time;bytes", ...epochs.toReversed()]), "--schedule", "daily", "--output", "ndjson");
    const plain = await run(file("d.csv", rows), "--schedule", "daily", "--output", "ndjson");
    const judged = (text: string) => lines(text).map(({ score, alarm, expected }) => ({ score, alarm, expected }));
    expect(judged(first.stdout)).toEqual(judged(plain.stdout));
    expect(lines(first.stdout)[0]?.["timestamp"]).toBe(START / 1000);
  });
});

test("json and text say the same, with a sentence an alarm", async () => {
  file("a.csv", ["timestamp,value", ...rows]);
  const { stdout } = await run("a.csv", "--output", "json", "--budget", "1", "--signal", "records");
  const document = JSON.parse(stdout) as { schema: string; everySeconds: number; rows: unknown[]; alarms: { sentence: string }[] };
  expect(document).toMatchObject({ schema: "restorewatch.backtest/v1", everySeconds: 86_400, budget: 1, signal: "records", skipped: [] });
  expect(document.rows).toHaveLength(160);
  const text = await run("a.csv", "--budget", "1", "--signal", "records");
  for (const { sentence } of document.alarms) expect(text.stdout).toContain(sentence);
  expect(document.alarms.length).toBeGreaterThan(0);
});

test.each<[string, readonly string[], RegExp]>([
  ["no such file", ["nope.csv"], /There is nothing at/u],
  ["no series", [file("words.csv", ["once upon a time"])], /no two columns/u],
  ["nothing in it", [file("empty.csv", ["timestamp,value"])], /No row of it/u],
  ["a signal that is none", ["a.csv", "--signal", "smell"], /is no signal/u],
  ["a schedule that is none", ["a.csv", "--schedule", "now and then"], /is no schedule/u],
  ["a budget that is none", ["a.csv", "--budget", "0"], /above 0/u],
])("%s is a mistake of the caller, in one line", async (_, args, says) => {
  file("a.csv", ["timestamp,value", ...rows]);
  const { code, stderr } = await run(...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(says);
  expect(stderr).not.toContain("    at ");
});
