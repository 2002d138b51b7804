/** What is taken for an export of Directus, and what is not. */
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { formats } from "../../../../agent/formats/api.ts";
import { recognise } from "../../../../agent/drill/recognise.ts";
import { probeOf } from "../../../contracts/format.ts";
import { seedsOf } from "../../../fuzz/seeds.ts";
import { saveArtifact } from "../../../fuzz/campaign.ts";
import { ROOT } from "../../../meta/sources.ts";
import { format, made, recognised, snapshotOf, textOf, within, writeExport } from "./opening.ts";

const DATA = resolve(ROOT, "../shared/data");

describe("Directus is Directus", () => {
  test.each(["rest", "button", "template.zip", "rest/snapshot.yaml", "button/snapshot.json"])(
    "%s, under auto, among all formats",
    async (name) => {
      expect((await recognise(formats, "auto", await probeOf(made(name)))).id).toBe("directus");
    },
  );

  test("a folder of CSV with a snapshot is Directus, and without it CSV", async () => {
    const csv = { "tags.csv": await textOf("csv/tags.csv"), "notes.csv": await textOf("csv/notes.csv") };
    await within(async (directory) => {
      const path = await writeExport(directory, null, { ...csv, "snapshot.json": await textOf("button/snapshot.json") });
      expect((await recognise(formats, "auto", await probeOf(path))).id).toBe("directus");
    });
    expect((await recognised(null, csv)).confidence).toBe(0);
  });

  test.each([
    ["one folder down", "backup/snapshot.yaml"],
    ["with a date", "2026-11-23-snapshot-prod.yaml"],
    ["as schema.yml", "schema.yml"],
    ["in a folder of its own", "src/schema/snapshot.yaml"],
  ])("a snapshot %s", async (_what, name) => {
    expect(await recognised(null, { [name]: await textOf("rest/snapshot.yaml") })).toMatchObject({
      confidence: 0.97,
      formatVersion: "12.4.0",
    });
  });

  test("with its members in another order", async () => {
    const { version, directus, vendor, ...lists } = JSON.parse(snapshotOf({ t: { id: ["integer"] } })) as Record<string, unknown>;
    const sorted = await recognised(null, { "snapshot.json": JSON.stringify({ ...lists, directus, vendor, version }) });
    expect(sorted.confidence).toBeGreaterThanOrEqual(0.5);
  });
});

describe("what is not Directus", () => {
  test.each<readonly [string, Record<string, string>]>([
    ["a snapshot of something else", { "snapshot.json": '{"version":1,"collections":[{"collection":"x"}]}' }],
    ["a schema of something else", { "schema.json": '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}' }],
    ["a compose file that runs it", { "docker-compose.yaml": "version: 3\nservices:\n  directus:\n    image: directus/directus:12.4.0\n" }],
    ["an OpenAPI schema", { "schema.yaml": "openapi: 3.1.0\ninfo:\n  title: directus\n" }],
    ["three lists of other things", { "collections.json": "[]", "fields.json": "[]", "relations.json": "[]" }],
    ["items alone", { "items/articles.json": '[{"id":1}]' }],
  ])("%s", async (_what, files) => {
    expect((await recognised(null, files)).confidence).toBe(0);
  });

  const real = ["baserow", "grist", "node-red"].flatMap((folder) => readdirSync(join(DATA, folder)).map((name) => `${folder}/${name}`));
  test("none of the real documents of other products", async () => {
    expect(real.length).toBeGreaterThan(40);
    for (const name of real) expect([name, (await format.recognise(await probeOf(join(DATA, name)))).confidence]).toEqual([name, 0]);
  });

  test.each(["bag", "baserow", "csv", "n8n", "node-red"])("no document of %s that is made here", async (other) => {
    for (const seed of await seedsOf(other))
      await within(async (directory) => {
        const path = await saveArtifact(seed.finish === null ? seed.files : seed.finish(seed.files), join(directory, "artifact"));
        expect([seed.name, (await format.recognise(await probeOf(path))).confidence]).toEqual([seed.name, 0]);
      });
  });

  test("a capture of this agent is a bag, whatever originals lie in it", async () => {
    const files = { "bagit.txt": "BagIt-Version: 1.0\n", "data/originals/directus-snapshot.json": await textOf("button/snapshot.json") };
    expect((await recognised(null, files)).confidence).toBe(0);
  });
});
