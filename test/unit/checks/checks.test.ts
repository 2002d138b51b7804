/** Every check on what it must pass and on what it must not; and that none of them tells a record's value. */
import { describe, expect, test } from "vitest";
import { checks } from "../../../agent/checks/api.ts";
import type { Check } from "../../../agent/core/ports.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import { REQUIRED_CHECKS } from "../../../agent/core/verdict.ts";
import { ask } from "../../contracts/check.ts";
import { collection, field, memoryContent, record } from "../../doubles/content.ts";
import { checksTable } from "../../../agent/checks/table.ts";
import { artifactFixtures } from "../../fixtures/checks/artifact.ts";
import { baselineFixtures } from "../../fixtures/checks/baseline.ts";
import type { CheckFixture, CheckFixtures } from "../../fixtures/checks/build.ts";
import { linksAndFilesFixtures } from "../../fixtures/checks/links-and-files.ts";
import { metadataFixtures, MILDER } from "../../fixtures/checks/metadata.ts";
import { recordsFixtures } from "../../fixtures/checks/records.ts";
import { relationsFixtures } from "../../fixtures/checks/relations.ts";
import { structureFixtures } from "../../fixtures/checks/structure.ts";

const fixtures: Readonly<Record<string, CheckFixtures>> = {
  ...artifactFixtures,
  ...structureFixtures,
  ...recordsFixtures,
  ...linksAndFilesFixtures,
  ...metadataFixtures,
  ...baselineFixtures,
  ...relationsFixtures,
};

/** As the runner tells it: an error of ours is the outcome `error`; any other is a fault of the check. */
async function answer(check: Check, fixture: CheckFixture) {
  try {
    return await ask(check, fixture);
  } catch (thrown) {
    if (thrown instanceof AgentError) return { status: "error" as const, observed: thrown.message, count: 0 };
    throw thrown;
  }
}

test("every check has its fixtures, and every fixture its check", () => {
  expect(Object.keys(fixtures).sort()).toEqual(checks.map((check) => check.id).sort());
});

test("ids are unique, questions end in a question mark, and what a check cannot see is said", () => {
  expect(new Set(checks.map((check) => check.id)).size).toBe(checks.length);
  const silent = checks.filter((check) => !check.question.endsWith("?") || check.limits.length <= 20 || check.pitfalls.length === 0);
  expect(silent.map((check) => check.id)).toEqual([]);
});

test("every required check of the offline layers is there", () => {
  const ids = checks.map((check) => check.id);
  expect([...REQUIRED_CHECKS.artifact, ...REQUIRED_CHECKS.content].flat().filter((id) => !ids.includes(id))).toEqual([]);
});

test("the table of checks has a row for each, with the formats that answer it", () => {
  const answers = new Map([
    ["links.digest", ["bag", "csv"]],
    ["links.resolve", ["bag", "csv", "grist"]],
  ]);
  const rows = checksTable(checks, answers, 3).split("\n");
  expect(rows).toHaveLength(checks.length + 2);
  const formatsOf = (id: string) => rows.find((row) => row.includes(`\`${id}\``))?.split(" | ")[3];
  expect(["links.digest", "links.resolve", "files.digest"].map(formatsOf)).toEqual(["bag, csv", "all", "none yet"]);
});

describe.each(checks.map((check) => ({ id: check.id, check })))("$id", ({ id, check }) => {
  const own = fixtures[id];
  if (own === undefined) throw new Error(`no fixtures for ${id}`);

  test("passes what is sound", async () => {
    expect(await ask(check, own.passes)).toMatchObject({ status: "pass" });
  });

  test("does not pass what is not", async () => {
    const outcome = await answer(check, own.fails);
    expect(outcome.status).toBe(MILDER[id] ?? "fail");
    expect(outcome.observed.length).toBeGreaterThan(0);
    expect(outcome.status !== "fail" || (outcome.count ?? 0) > 0).toBe(true);
  });

  test.each(Object.entries(own.more ?? {}))("%s", async (_, fixture) => {
    expect((await answer(check, fixture)).status).toBe(fixture.status);
  });
});

describe("values stay inside", () => {
  const MARK = "Ada Lovelace ada@example.org 4111111111111111";
  const content = memoryContent({
    collections: [
      collection("people", [
        field("name", "text", { unique: true }),
        field("amount", "decimal"),
        field("friend", "link", { link: { collection: "people", many: false, reciprocal: null } }),
        field("born", "date"),
        field("photo", "files"),
      ]),
    ],
    rows: {
      people: [
        record("1", [MARK, MARK, MARK, MARK, [MARK]]),
        record("2", [MARK, MARK, MARK, MARK, [MARK]]),
        record("2", [`${MARK}\u{FFFD}`, MARK, null, MARK, null]),
      ],
    },
  });

  test.each(checks.map((check) => check.id))("%s tells none", async (id) => {
    const check = checks.find((one) => one.id === id);
    if (check === undefined) return;
    const outcome = await ask(check, { content });
    expect(JSON.stringify(outcome)).not.toContain("Ada");
    expect(JSON.stringify(outcome)).not.toContain("4111");
  });
});

test.each(checks.filter((check) => check.needs === "sandbox").map((check) => check.id))("%s stops when it is told to", async (id) => {
  const check = checks.find((one) => one.id === id);
  const own = fixtures[id];
  if (check === undefined || own === undefined) return;
  const stopped = AbortSignal.abort(new DOMException("enough", "AbortError"));
  await expect(ask(check, own.passes, stopped)).rejects.toMatchObject({ name: "AbortError" });
});
