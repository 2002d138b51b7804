/** Every failure real users met is answered by a check there is, or told to belong to a later layer, with the reason. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { checks } from "../../agent/checks/api.ts";
import { PITFALLS } from "../../agent/checks/pitfalls.ts";
import { pitfallsTable } from "../../agent/checks/table.ts";

const SHARED = fileURLToPath(new URL("../../../shared/", import.meta.url));
const ids = new Set(checks.map((check) => check.id));

/** Ids of the families of later layers and other sources, as verification.md §3 has them. */
const LATER = new Set([
  "automations.inactive-in-sandbox",
  "audit.continuous",
  "restore.readback",
  "restore.side-effects",
  "restore.reconnects",
  "restore.access",
  "restore.session",
  "restore.journey",
  "restore.rollback",
]);

test("each failure is answered by a check that is there", () => {
  for (const { failure, checks: answers } of PITFALLS) {
    expect(answers.length, failure).toBeGreaterThan(0);
    expect(
      answers.filter((id) => !ids.has(id)),
      failure,
    ).toEqual([]);
  }
});

test("what is left to a later layer is no check of today, and says why", () => {
  const later = PITFALLS.flatMap((pitfall) => pitfall.later);
  expect(later.filter(({ check }) => !LATER.has(check) && check !== "live.compared")).toEqual([]);
  expect(later.filter(({ check, because }) => ids.has(check) || because.length < 20)).toEqual([]);
});

test("the table has a row for each failure", () => {
  const rows = pitfallsTable(PITFALLS).split("\n").slice(2);
  expect(rows).toHaveLength(PITFALLS.length);
  expect(rows.find((row) => row.includes("relations/media swapped"))).toContain("`links.digest`, `links.reciprocal`");
});

test("the failures are those of platforms.md, word for word", () => {
  const [, section = ""] = /## 10\. Pitfalls[^\n]*\n([\s\S]*?)\n## /u.exec(readFileSync(`${SHARED}platforms.md`, "utf8")) ?? [];
  const told = [...section.matchAll(/^\| ([^|]+) \| /gmu)].map((match) => match[1]).filter((failure) => failure !== "failure");
  expect(told.length).toBeGreaterThan(10);
  expect(PITFALLS.map((pitfall) => pitfall.failure)).toEqual(told);
});

test("every id of the catalogue is a check, or belongs to a later layer", () => {
  const [, section = ""] =
    /## 3\. The catalogue of checks[^\n]*\n([\s\S]*?)\n## /u.exec(readFileSync(`${SHARED}verification.md`, "utf8")) ?? [];
  const told = [
    ...section.matchAll(
      /`((?:artifact|structure|records|links|files|automations|credentials|access|settings|audit|restore|baseline|governance)\.[a-z-]+)`/gu,
    ),
  ].map((match) => match[1] ?? "");
  expect(told.length).toBeGreaterThan(50);
  expect(told.filter((id) => !ids.has(id) && !LATER.has(id))).toEqual([]);
  expect([...LATER].filter((id) => ids.has(id) || !told.includes(id))).toEqual([]);
});
