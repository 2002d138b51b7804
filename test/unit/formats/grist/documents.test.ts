/** The documents of shared/data/grist: what the format reads, against SQL of this test's own over the original file. */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Content } from "../../../../agent/core/ports.ts";
import { column, rowsOf, temporaryDirectory, withDocument } from "./read.ts";

const data = fileURLToPath(new URL("../../../../../shared/data/grist/", import.meta.url));
const work = temporaryDirectory();

interface Counts {
  readonly collections: number;
  readonly records: number;
  readonly links: number;
  readonly automations: number;
  readonly credentials: number;
  readonly files: number;
  readonly views: number;
  readonly roles: number;
}

/** Pinned by hand once, so that format and SQL cannot go wrong together unseen. */
const PINNED: readonly (readonly [name: string, counts: Counts])[] = [
  ["ACL-Test", { collections: 2, records: 22, links: 0, automations: 0, credentials: 0, files: 0, views: 3, roles: 0 }],
  ["Class-Enrollment", { collections: 5, records: 130, links: 181, automations: 0, credentials: 0, files: 0, views: 9, roles: 0 }],
  ["Comments_44", { collections: 1, records: 4, links: 0, automations: 0, credentials: 0, files: 0, views: 1, roles: 0 }],
  [
    "ExternalAttachmentsInvalidStoreId",
    { collections: 1, records: 0, links: 0, automations: 0, credentials: 0, files: 0, views: 1, roles: 0 },
  ],
  ["FilmsWithImages", { collections: 3, records: 25, links: 19, automations: 0, credentials: 0, files: 8, views: 7, roles: 0 }],
  ["Hooks-v37", { collections: 1, records: 3, links: 0, automations: 1, credentials: 1, files: 0, views: 1, roles: 0 }],
  ["InvalidValues", { collections: 1, records: 15, links: 0, automations: 0, credentials: 0, files: 0, views: 1, roles: 0 }],
  ["Landlord", { collections: 7, records: 170, links: 263, automations: 0, credentials: 0, files: 6, views: 9, roles: 0 }],
  ["World-v39", { collections: 3, records: 5302, links: 5063, automations: 0, credentials: 0, files: 0, views: 7, roles: 0 }],
];

function countBySql(path: string): Counts {
  const database = new DatabaseSync(path, { readOnly: true });
  const one = (sql: string): number => Number(Object.values(database.prepare(sql).get() ?? { none: 0 })[0]);
  try {
    const tables = database.prepare("SELECT id, tableId FROM _grist_Tables WHERE summarySourceTable = 0").all();
    const sum = (of: (table: (typeof tables)[number]) => number): number => tables.reduce((total, table) => total + of(table), 0);
    const refs = database.prepare("SELECT colId FROM _grist_Tables_column WHERE parentId = ? AND NOT isFormula AND type LIKE 'Ref:%'");
    const refLists = database.prepare(
      "SELECT colId FROM _grist_Tables_column WHERE parentId = ? AND NOT isFormula AND type LIKE 'RefList:%'",
    );
    return {
      collections: tables.length,
      records: sum((table) => one(`SELECT count(*) FROM "${String(table["tableId"])}"`)),
      links: sum((table) => {
        const name = String(table["tableId"]);
        const single = refs.all(table["id"] ?? 0).map(({ colId }) => one(`SELECT count(*) FROM "${name}" WHERE "${String(colId)}" <> 0`));
        const many = refLists
          .all(table["id"] ?? 0)
          .map(({ colId }) =>
            one(`SELECT coalesce(sum(json_array_length("${String(colId)}")), 0) FROM "${name}" WHERE "${String(colId)}" <> ''`),
          );
        return [...single, ...many].reduce((total, count) => total + count, 0);
      }),
      automations: one("SELECT count(*) FROM _grist_Triggers"),
      credentials: one("SELECT count(*) FROM _grist_Triggers, json_each(actions)"),
      files: one("SELECT count(*) FROM _grist_Attachments"),
      views: one("SELECT count(*) FROM _grist_Views_section WHERE parentId IN (SELECT id FROM _grist_Views)"),
      roles: one("SELECT count(*) FROM _grist_ACLRules WHERE coalesce(userAttributes, '') <> ''"),
    };
  } finally {
    database.close();
  }
}

async function countByFormat(content: Content): Promise<Counts> {
  let records = 0;
  let links = 0;
  for (const collection of content.collections.filter((one) => !one.computed))
    for (const row of await rowsOf(content, collection.id)) {
      records += 1;
      for (const [index, field] of collection.fields.entries())
        if (field.link !== null && !field.computed) links += [row.values[index] ?? []].flat().length;
    }
  return {
    collections: content.collections.filter((one) => !one.computed).length,
    records,
    links,
    automations: content.automations.length,
    credentials: content.credentials.length,
    files: content.files.length,
    views: content.views.length,
    roles: content.access.filter((entry) => entry.kind === "role").length,
  };
}

describe("the Grist documents at hand", () => {
  it.each(PINNED)("%s holds what SQL counts in it", async (name, pinned) => {
    const path = `${data}${name}.grist`;
    expect(countBySql(path)).toEqual(pinned);
    expect(await withDocument(path, work(), countByFormat)).toEqual(pinned);
  });

  it.each(PINNED)("%s is whole, and nothing in it points nowhere", async (name) => {
    await withDocument(`${data}${name}.grist`, work(), (content) => {
      expect(content.integrity).toEqual({ complete: true, problems: [], checksums: null, plainSecrets: null });
      expect(content.views.filter((view) => view.broken !== null)).toEqual([]);
      expect(content.access.filter((entry) => entry.broken !== null)).toEqual([]);
      expect(content.automations.flatMap((automation) => automation.references).filter((reference) => !reference.resolved)).toEqual([]);
      expect(content.files.filter((file) => file.presence !== "inside")).toEqual([]);
    });
  });

  it.each(["FilmsWithImages", "Landlord"])("%s: the bytes of every attachment have the SHA-1 that the document names", async (name) => {
    await withDocument(`${data}${name}.grist`, work(), async (content) => {
      for (const file of content.files) {
        const hash = createHash("sha1");
        for await (const chunk of content.fileBytes(file.id, new AbortController().signal)) hash.update(chunk);
        expect({ algorithm: "sha1", value: hash.digest("hex") }).toEqual(file.declaredDigest);
      }
    });
  });

  it("World: values of every row are what SQL says, by another way", async () => {
    const path = `${data}World-v39.grist`;
    const database = new DatabaseSync(path, { readOnly: true });
    const sql = database.prepare("SELECT id, Name, CAST(Population AS INTEGER) AS p, Country FROM City").all();
    database.close();
    const expected = sql.map((row) => [String(row["id"]), row["Name"], String(row["p"]), String(row["Country"])]);
    await withDocument(path, work(), async (content) => {
      const fields = content.collections.find((one) => one.id === "City")?.fields.map((field) => field.id) ?? [];
      const picked = ["Name", "Population", "Country"].map((id) => fields.indexOf(id));
      const rows = await rowsOf(content, "City");
      expect(rows.map((row) => [row.key, ...picked.map((index) => row.values[index])])).toEqual(expected);
    });
  });

  it("World: an empty text in a column of numbers is empty, not text", async () => {
    await withDocument(`${data}World-v39.grist`, work(), async (content) => {
      const years = Object.values(await column(content, "Country", "IndepYear"));
      expect(years.filter((year) => year === null)).toHaveLength(47);
      expect(years).toContain("-1523");
    });
  });

  it("Hooks: the webhook is on, waits for a column, and its secret is not in the document", async () => {
    await withDocument(`${data}Hooks-v37.grist`, work(), (content) => {
      const webhook = "826f215e-0a24-45df-9895-a3640e31ae46";
      expect(content.automations[0]).toMatchObject({ name: "Webhook of Stuff", active: true, trigger: "add, update" });
      expect(content.automations[0]?.references).toEqual([
        { kind: "collection", target: "Stuff", resolved: true },
        { kind: "collection", target: "Stuff.Ready", resolved: true },
        { kind: "webhook", target: webhook, resolved: true },
      ]);
      expect(content.credentials).toEqual([{ id: webhook, type: "webhook", state: "not-included" }]);
    });
  });

  it("InvalidValues: what does not fit is in computed columns only, kept as text", async () => {
    await withDocument(`${data}InvalidValues.grist`, work(), async (content) => {
      const fields = content.collections[0]?.fields.map((field) => [field.id, field.type, field.computed]);
      expect(fields).toEqual([
        ["Code", "text", false],
        ["Eval", "text", true],
        ["Numeric", "decimal", true],
        ["List", "text", true],
      ]);
      expect(await column(content, "Table1", "Numeric")).toMatchObject({ "3": "5", "4": "5.5", "10": '["E","ZeroDivisionError"]' });
    });
  });

  it("ExternalAttachmentsInvalidStoreId: attachments would go to a store outside, and the reason says so", async () => {
    await withDocument(`${data}ExternalAttachmentsInvalidStoreId.grist`, work(), (content) => {
      expect(content.aspects.files).toEqual({ included: false, reason: expect.stringContaining("store outside") as unknown });
      expect(content.settings.map((setting) => setting.id)).toContain("attachmentStoreId");
    });
  });

  it("Comments: comments are a setting by digest, no text of theirs is told", async () => {
    await withDocument(`${data}Comments_44.grist`, work(), (content) => {
      expect(content.settings.map((setting) => setting.id)).toContain("comments");
      expect(JSON.stringify(content)).not.toContain("Resolved");
    });
  });
});
