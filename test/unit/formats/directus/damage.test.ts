/** What is broken is told with its place and without its values; what is only large is our limit. */
import { describe, expect, test } from "vitest";
import { AgentError } from "../../../../agent/core/errors.ts";
import { type Files, problemsOf, seen, snapshotOf, textOf } from "./opening.ts";

async function failing(from: string | null, files: Files): Promise<AgentError> {
  const thrown = await problemsOf(from, files).then(
    (integrity) => new Error(`opened: ${JSON.stringify(integrity)}`),
    (error: unknown) => error,
  );
  if (!(thrown instanceof AgentError)) throw thrown;
  return thrown;
}

const TABLE = snapshotOf({ t: { id: ["integer"], secret: ["string"] } });
const items = (text: string): Files => ({ "snapshot.json": TABLE, "items/t.json": text });

describe("files of items", () => {
  test.each([
    ["cut off inside a row", '[{"id":1,"secret":"hush"},{"id":2,"secr', "json-truncated", /cut off: it ends inside row 2/],
    ["cut off between rows", '[{"id":1,"secret":"hush"},', "json-truncated", /inside row 2/],
    ["cut off behind its rows", '{"data":[{"id":1,"secret":"hush"}]', "json-truncated", /behind its last row, is cut off/],
    ["broken behind its rows", '{"data":[{"id":1,"secret":"hush"}],"x"}', "json-broken", /behind its last row, is not valid JSON/],
    ["more behind the end", '[{"id":1,"secret":"hush"}] [', "json-trailing", /goes on after/],
    ["a comma too many", '[{"id":1,"secret":"hush"},]', "json-empty", /row 2, holds? |row 2, is empty/],
    ["a bracket of the wrong kind", '[{"id":1,"secret":"hush"]]', "json-broken", /row 1, is not valid JSON/],
    ["a key twice", '[{"id":1,"secret":"hush","id":2}]', "json-duplicate-key", /names a key twice/],
    ["rows that are none", '[1,"hush"]', "no-row", /row 1 is no object/],
    ["a text", '"hush"', "no-rows", /neither a list nor an object/],
    [
      "an error that Directus answered with",
      '{"errors":[{"message":"hush","extensions":{"code":"FORBIDDEN"}}]}',
      "directus-error-saved",
      /\(FORBIDDEN\)/,
    ],
    ["a page of HTML", "<html>hush</html>", "json-broken", /is not valid JSON/],
  ])("%s", async (_what, text, code, says) => {
    const error = await failing(null, items(text));
    expect([error.kind, error.code]).toEqual(["damaged", code]);
    expect(error.message).toMatch(says);
    expect(error.message).toContain("items/t.json");
    expect(error.message).not.toContain("hush");
  });

  test.each([
    ["a row that is too short", "id,secret\n1\n", /line 2 has 1 cells where the header has 2/],
    ["a quote that never closes", 'id,secret\n1,"hush\n', /line 2 ends inside a quoted cell/],
    ["text behind a quote", 'id,secret\n1,"hu"sh\n', /text behind a closing quote/],
    ["a column twice", "id,id\n1,2\n", /line 1 names a column twice/],
  ])("CSV with %s", async (_what, text, says) => {
    const error = await failing(null, { "snapshot.json": TABLE, "items/t.csv": text });
    expect([error.kind, error.code]).toEqual(["damaged", "csv-row"]);
    expect(error.message).toMatch(says);
    expect(error.message).not.toContain("hush");
  });

  test("an empty file of JSON is no empty list; items without their key are told", async () => {
    expect(await failing(null, items(""))).toMatchObject({ kind: "damaged", code: "json-empty" });
    const button = { "snapshot.json": TABLE, "items/export-t-20261123-133727.json": "" };
    expect(await problemsOf(null, button)).toMatchObject({ complete: true, problems: [expect.stringContaining("of 0 bytes")] });
    expect((await problemsOf(null, items('[{"id":null,"secret":"a"},{"id":2,"secret":"b"}]'))).problems).toEqual([
      "1 item of t has no id.",
    ]);
    expect(await problemsOf(null, items("[]"))).toMatchObject({ complete: true, problems: [] });
    expect(await problemsOf(null, items('{"data":[]}'))).toMatchObject({ complete: true, problems: [] });
    expect(await problemsOf(null, items("null"))).toMatchObject({ complete: true, problems: [] });
  });

  test("what a script put around the answer does no harm", async () => {
    const rows = '[{"id":1,"secret":"a"}]';
    for (const text of [
      `{"data":${rows},"at":"2026-11-23","meta":{"total_count":1}}`,
      `{"at":"2026-11-23","data":${rows}}`,
      `\ufeff ${rows}\n`,
    ])
      await seen(null, items(text), async ({ content, records }) => {
        expect(content.integrity.problems).toEqual([]);
        expect(await records("t")).toMatchObject([{ key: "1", values: { secret: "a" } }]);
      });
  });

  test("rows that lie across the pieces a file is read in, with brackets and quotes in their texts", async () => {
    const text = `x"]},[{\\ ${"é".repeat(400_000)}`;
    const rows = Array.from({ length: 5 }, (_, at) => ({ id: at, secret: `${at}${text}` }));
    await seen(null, items(JSON.stringify({ data: rows }, null, 2)), async ({ records }) => {
      expect((await records("t")).map((one) => one.values["secret"])).toEqual(rows.map((row) => row.secret));
    });
  });
});

describe("snapshots", () => {
  const yaml = (): Promise<string> => textOf("rest/snapshot.yaml");

  test("in YAML: cut between lines, without its last line, with its last relation not whole", async () => {
    const whole = await yaml();
    const cut = (text: string): Promise<unknown> => problemsOf(null, { "snapshot.yaml": text });
    expect(await failing(null, { "snapshot.yaml": whole.slice(0, whole.indexOf("\nrelations:") + 1) })).toMatchObject({
      kind: "damaged",
      code: "directus-schema",
    });
    expect(await cut(whole.trimEnd())).toMatchObject({ complete: false, problems: [expect.stringContaining("does not end with a line")] });
    const lines = whole.trimEnd().split("\n");
    expect(await cut(`${lines.slice(0, -3).join("\n")}\n`)).toMatchObject({
      complete: false,
      problems: [expect.stringContaining("its last relation is not whole")],
    });
  });

  test("broken, of another kind, or made to unfold", async () => {
    const whole = await yaml();
    const at = whole.indexOf("fields:");
    expect(await failing(null, { "snapshot.yaml": `${whole.slice(0, at)}"hush: [${whole.slice(at)}` })).toMatchObject({
      kind: "damaged",
      code: "yaml-broken",
    });
    const bad = await failing(null, { "snapshot.json": TABLE.replace('"collection":"t"', '"collection":["hush"]') });
    expect([bad.kind, bad.code, bad.message]).toEqual([
      "damaged",
      "directus-schema",
      expect.stringContaining("at collections[0].collection"),
    ]);
    const unfolding = Array.from(
      { length: 9 },
      (_, n) =>
        `b${n}: &b${n} [${
          n === 0
            ? "x"
            : Array(9)
                .fill(`*b${n - 1}`)
                .join(",")
        }]`,
    ).join("\n");
    expect(await failing(null, { "snapshot.yaml": `${unfolding}\n${whole}` })).toMatchObject({ kind: "limit", code: "too-dense" });
  });

  test("a part that Directus writes once and refers to again is read twice", async () => {
    const text =
      "version: 1\ndirectus: 12.4.0\nvendor: postgres\ncollections:\n  - &a\n    collection: t\n    meta: null\n    schema:\n      name: t\n  - *a\nfields: []\nrelations: []\n";
    await seen(null, { "snapshot.yaml": text }, ({ content }) => {
      expect(content.integrity.complete).toBe(true);
      return Promise.resolve();
    });
  });
});
