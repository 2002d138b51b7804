/** What an answer of `verify` counts as, and that the benchmark believes neither itself nor a document that already fails. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CheckResult } from "../../../../agent/core/values.ts";
import { judged, measureFaults } from "../../../bench/faults/measure.ts";
import type { CleanDocument, Opened } from "../../../bench/faults/model.ts";
import { invisibleAlone, summaryOf } from "../../../bench/faults/summary.ts";
import { cellText, faultsTable } from "../../../bench/faults/table.ts";
import type { Answer, Asked, Verifier } from "../../../bench/faults/verify-here.ts";

function check(id: string, status: CheckResult["status"]): CheckResult {
  return { id, layer: "content", status, observed: id, expected: null, count: 1, examples: [], durationMs: 0 };
}

function answer(verdict: Answer["verdict"], ...checks: CheckResult[]): Answer {
  return { verdict, checks, reasons: verdict === "verified" ? [] : ["records.count: other"], format: "text", error: null };
}

let home = "";
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-measure-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const document: CleanDocument = {
  ...{ format: "text", name: "a text", data: null, manifest: null, part: null, reasons: { "rows dropped": "a text has no rows" } },
  async write(directory) {
    const path = join(directory, "text");
    await writeFile(path, "some words");
    return path;
  },
  open: () => Promise.reject<Opened>(new Error("not opened")),
};

const options = (fault: string) => ({ seed: 1, fault: (id: string) => id === fault, told: () => undefined });

function verifier(say: (asked: Asked, at: number) => Answer): Verifier {
  let at = -1;
  return { verify: (_, asked = {}) => Promise.resolve(say(asked, (at += 1))) };
}

describe("an answer", () => {
  it.each([
    ["failed is caught, by what failed", answer("failed", check("a.b", "fail"), check("c.d", "changed")), "caught", ["a.b"]],
    ["a change that is told is not caught", answer("verified", check("a.b", "pass"), check("c.d", "changed")), "told", ["c.d"]],
    ["what could not be looked at is a doubt", answer("inconclusive", check("a.b", "error")), "doubt", ["a.b"]],
    ["verified and nothing told is missed", answer("verified", check("a.b", "pass")), "missed", []],
  ] as const)("%s", (_, given, outcome, by) => {
    expect(judged(given)).toEqual({ outcome, by });
  });
});

describe("measuring", () => {
  it("asks alone, against the clean one, and with what a source knows", async () => {
    const seen: string[] = [];
    const say = (asked: Asked, at: number): Answer => {
      seen.push(asked.known !== undefined ? "configured" : asked.baseline == null ? "alone" : "baseline");
      return at < 2
        ? answer("verified")
        : asked.known === undefined
          ? answer("verified")
          : answer("failed", check("artifact.checksum", "fail"));
    };
    const measured = await measureFaults([document], verifier(say), home, options("flipped byte in data"));
    expect(seen.slice(0, 5)).toEqual(["alone", "baseline", "alone", "baseline", "configured"]);
    const summary = summaryOf(measured, null, 1);
    const [one] = summary.classes;
    expect(one?.formats["text"]?.alone).toMatchObject({ planted: 3, caught: 0, missed: ["1", "16", "256"] });
    expect(one?.formats["text"]?.configured).toMatchObject({ planted: 3, caught: 3, by: ["artifact.checksum"] });
    expect(one === undefined ? [] : invisibleAlone(one)).toEqual(["text"]);
    expect(faultsTable(summary)).toContain("| flipped byte in data | 0 of 3 | 3 of 3 | text | – | `artifact.checksum` |");
    expect(faultsTable(summary)).toContain("Of 3 planted faults 0 are caught by the artifact alone, 3 with a baseline or a configuration.");
  });

  it("plants nothing into what already fails, and tells of a false alarm", async () => {
    const failing = verifier(() => answer("failed", check("records.count", "fail")));
    const measured = await measureFaults([document], failing, home, options("empty artifact"));
    expect(measured.trials).toEqual([]);
    expect(summaryOf(measured, null, 1).falseAlarms).toEqual([
      "text, a text: records.count: other",
      "text, a text: with itself as baseline: records.count: other",
    ]);
  });

  it("a change that is told of a document held against itself is a false alarm too", async () => {
    const measured = await measureFaults(
      [document],
      verifier(() => answer("verified", check("baseline.diff", "changed"))),
      home,
      options("none"),
    );
    expect(measured.clean[0]?.falseAlarms).toEqual(["baseline.diff told a change"]);
  });

  it("a class that does not apply is told with its reason and not counted", async () => {
    const measured = await measureFaults(
      [document],
      verifier(() => answer("verified")),
      home,
      options("rows dropped"),
    );
    expect(measured).toMatchObject({ trials: [], inapplicable: [{ fault: "rows dropped", reason: "a text has no rows" }] });
  });
});

it("a cell tells what was caught, told and doubted of what was planted", () => {
  const cell = { planted: 6, caught: 3, told: 2, doubt: 1, missed: [], by: [] };
  expect([cellText(cell), cellText({ ...cell, told: 0, doubt: 0 }), cellText(undefined)]).toEqual(["3+2t+1?/6", "3/6", ""]);
});
