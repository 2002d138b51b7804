/** The ten real templates, against a count of their JSON that shares nothing with the reader. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Content } from "../../../../agent/core/ports.ts";
import { openPath, REAL } from "./opening.ts";

type Json = Record<string, unknown>;
interface RawTable {
  readonly id: number;
  readonly name: string;
  readonly fields: readonly (Json & { readonly id: number; readonly name: string; readonly type: string })[];
  readonly rows: readonly (Json & { readonly id: number })[];
  readonly views: readonly Json[];
}
interface RawApplication {
  readonly type: string;
  readonly tables?: readonly RawTable[];
  readonly pages?: readonly { readonly id: number; readonly workflow_actions: readonly unknown[] }[];
  readonly integrations?: readonly unknown[];
  readonly login_page?: { readonly id: number; readonly workflow_actions: readonly unknown[] };
}

/** collections, records, links, automations, credentials, files, views */
type Counts = readonly [number, number, number, number, number, number, number];

const PINNED: Readonly<Record<string, Counts>> = {
  "all-fields.json": [2, 3, 5, 0, 0, 6, 3],
  "employee-directory.json": [4, 43, 155, 0, 0, 27, 13],
  "hotel-bookings.json": [4, 39, 81, 0, 0, 8, 18],
  "lightweight-crm.json": [5, 40, 124, 9, 1, 17, 24],
  "ooo-management.json": [6, 485, 290, 0, 0, 24, 23],
  "product-roadmap.json": [4, 38, 132, 0, 0, 2, 22],
  "project-tracker.json": [4, 33, 96, 0, 0, 7, 12],
  "recipe-book.json": [3, 135, 475, 0, 0, 14, 20],
  "supply-chain-procurement-management.json": [17, 257, 834, 10, 1, 2, 73],
  "venture-capital-investments.json": [5, 46, 98, 0, 0, 24, 15],
};

/** Real findings: `table.field row → row that is not there`. */
const DANGLING: Readonly<Record<string, readonly string[]>> = {
  "all-fields.json": ["All field types.Related 1 → 3", "All field types.Related 1 → 4", "All field types.Related 1 → 5"],
  "hotel-bookings.json": ["Reservations.Customer name 4 → 4", "Reservations.Room(s) 13 → 12", "Reservations.Room(s) 9 → 9"],
  "recipe-book.json": ["Dishes.Ingredients 16 → 100"],
};

function applicationsOf(file: string): readonly RawApplication[] {
  return (JSON.parse(readFileSync(join(REAL, file), "utf8")) as { export: RawApplication[] }).export;
}

function countRaw(file: string): Counts {
  const applications = applicationsOf(file);
  const tables = applications.flatMap((one) => one.tables ?? []);
  const links = tables.flatMap((table) =>
    table.fields
      .filter((field) => field.type === "link_row")
      .flatMap((field) => table.rows.flatMap((row) => [...new Set((row[`field_${field.id}`] ?? []) as number[])])),
  );
  const pages = applications.flatMap((one) => {
    const login = one.login_page;
    const own = one.pages ?? [];
    return login === undefined || own.some((page) => page.id === login.id) ? own : [...own, login];
  });
  const stored = readFileSync(join(REAL, file), "utf8").matchAll(/"name": ?"([^"/]+_[0-9a-f]{64}\.[^"]*)"/gu);
  return [
    tables.length,
    tables.reduce((sum, table) => sum + table.rows.length, 0),
    links.length,
    pages.filter((page) => page.workflow_actions.length > 0).length,
    applications.flatMap((one) => one.integrations ?? []).length,
    new Set([...stored].map((match) => match[1])).size,
    tables.reduce((sum, table) => sum + table.views.length, 0),
  ];
}

async function countRead(content: Content): Promise<{ counts: Counts; dangling: string[] }> {
  const signal = new AbortController().signal;
  const keys = new Map<string, Set<string>>();
  const pairs: { place: string; from: string; to: string; target: string }[] = [];
  let records = 0;
  for (const collection of content.collections) {
    const own = new Set<string>();
    keys.set(collection.id, own);
    for await (const batch of content.records(collection.id, signal))
      for (const record of batch) {
        records += 1;
        own.add(record.key);
        for (const [at, field] of collection.fields.entries())
          for (const target of field.link === null ? [] : [record.values[at] ?? []].flat())
            pairs.push({ place: `${collection.name}.${field.name}`, from: record.key, to: field.link?.collection ?? "", target });
      }
  }
  const dangling = pairs.filter((pair) => keys.get(pair.to)?.has(pair.target) !== true);
  const { collections, automations, credentials, files, views } = content;
  return {
    counts: [collections.length, records, pairs.length, automations.length, credentials.length, files.length, views.length],
    dangling: dangling.map((pair) => `${pair.place} ${pair.from} → ${pair.target}`).sort(),
  };
}

describe("the real templates", () => {
  it("are the ten that are pinned", () => {
    expect(readdirSync(REAL).sort()).toEqual(Object.keys(PINNED).sort());
  });

  it.each(Object.keys(PINNED))("%s is read to the last item, and its dangling links are not hidden", async (file) => {
    const content = await openPath(join(REAL, file));
    const { counts, dangling } = await countRead(content);
    expect(countRaw(file)).toEqual(PINNED[file]);
    expect(counts).toEqual(PINNED[file]);
    expect(dangling).toEqual(DANGLING[file] ?? []);
    expect(content.views.filter((view) => view.broken !== null)).toEqual([]);
    expect(content.automations.flatMap((one) => one.references).filter((reference) => !reference.resolved)).toEqual([]);
    expect(content.automations.some((one) => one.active)).toBe(false);
    expect(new Set(content.files.map((one) => `${one.presence} ${one.declaredDigest?.algorithm}`))).toEqual(new Set(["outside sha256"]));
    await content.close();
  });

  it("knows the times of every row", async () => {
    const content = await openPath(join(REAL, "recipe-book.json"));
    const raw = applicationsOf("recipe-book.json").flatMap((one) => one.tables ?? []);
    for (const table of raw) {
      for await (const batch of content.records(String(table.id), new AbortController().signal))
        expect(batch.map((record) => [record.key, record.createdAt, record.updatedAt])).toEqual(
          table.rows.map((row) => [String(row.id), Date.parse(String(row["created_on"])), Date.parse(String(row["updated_on"]))]),
        );
    }
    await content.close();
  });

  it("never lets a password hash out", async () => {
    const content = await openPath(join(REAL, "lightweight-crm.json"));
    const employees = content.collections.find((one) => one.name === "Employees");
    const at = employees?.fields.findIndex((field) => field.platformType === "password") ?? -1;
    const values: unknown[] = [];
    for await (const batch of content.records(employees?.id ?? "", new AbortController().signal))
      values.push(...batch.map((record) => record.values[at]));
    expect(values).toHaveLength(3);
    for (const value of values) expect(value).toMatch(/^sha256:[0-9a-f]{64}$/u);
    await content.close();
  });
});
