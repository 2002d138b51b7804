import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { probeOf } from "../../../contracts/format.ts";
import { flows, writeUserDir } from "../../../fixtures/node-red/user-dir.ts";
import { format, recogniseText, within } from "./opening.ts";

const node = { id: "n1", type: "debug", z: "t", x: 1, y: 1, wires: [] };
const tab = { id: "t", type: "tab", label: "Flow 1" };

describe("recognising a file", () => {
  it.each<[string, unknown, number]>([
    ["a selection of nodes", [node], 0.95],
    ["whole tabs", [tab, node], 0.97],
    ["what the admin API gives", { flows: [tab, node], rev: "1" }, 0.97],
    ["the revision before the flows", { rev: "1", flows: [tab] }, 0.97],
    ["a single node", node, 0.95],
    ["configuration nodes of Node-RED alone", [{ id: "b", type: "mqtt-broker", broker: "x" }], 0.7],
    ["objects with id and type that anybody may write", [{ id: "1", type: "person", name: "x" }], 0.2],
    ["ids that are numbers", [{ id: 1, type: "database", name: "x", tables: [] }], 0],
    ["nodes within another object", { nodes: [node], connections: {} }, 0],
    ["an empty list", [], 0],
    ["mostly other things", [node, {}, {}, {}], 0],
    ["a browser's tabs", [{ id: "1", type: "tab", url: "https://example.org" }], 0.2],
  ])("%s", async (_what, document, confidence) => {
    expect((await recogniseText(JSON.stringify(document))).confidence).toBe(confidence);
  });

  it("knows flows behind a byte order mark, and flows cut off within the first node", async () => {
    expect((await recogniseText(`\uFEFF${JSON.stringify([node])}`)).confidence).toBe(0.95);
    expect((await recogniseText(JSON.stringify([tab]).slice(0, 40))).confidence).toBe(0.97);
  });

  it("knows flows cut off anywhere after the first node", async () => {
    const text = JSON.stringify(flows());
    const first = JSON.stringify(flows()[0]).length;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: first, max: text.length }), async (length) => {
        expect((await recogniseText(text.slice(0, length))).confidence).toBeGreaterThanOrEqual(0.9);
      }),
      { numRuns: 60 },
    );
  });

  it("never takes arbitrary JSON for flows", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        expect((await recogniseText(text)).confidence).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

function look(files: Record<string, string | null>): Promise<number> {
  return within(async (directory) => (await format.recognise(await probeOf(await writeUserDir(directory, { files })))).confidence);
}

describe("recognising a user directory", () => {
  const text = JSON.stringify(flows());

  it.each<[string, Record<string, string | null>, number]>([
    ["flows.json", {}, 0.97],
    ["a flows file named after the host", { "settings.js": null, "flows.json": null, "flows_raspberrypi.json": text }, 0.97],
    [
      "a flows file settings.js names",
      { "settings.js": "module.exports = { uiPort: 1880,\n  flowFile: 'shop.json' }", "flows.json": null, "shop.json": text },
      0.97,
    ],
    [
      "a flows file by another name, with its credentials",
      { "settings.js": null, "flows.json": null, "shop.json": text, "shop_cred.json": "{}" },
      0.97,
    ],
    [
      "the active project",
      {
        "settings.js": null,
        "flows.json": null,
        ".config.projects.json": '{"activeProject":"shop"}',
        "projects/shop/package.json": '{"node-red":{"settings":{"flowFile":"flow.json"}}}',
        "projects/shop/flow.json": text,
      },
      0.97,
    ],
    ["no flows file, but the rest", { "flows.json": null }, 0.7],
    ["an empty flows file, and the rest", { "flows.json": "" }, 0.7],
  ])("%s", async (_what, files, confidence) => {
    expect(await look(files)).toBe(confidence);
  });

  it("does not take a directory for one by the name of a file", async () => {
    const bare = {
      "flows_cred.json": null,
      ".config.runtime.json": null,
      ".config.nodes.json": null,
      "package.json": '{"name":"shop"}',
      "settings.js": null,
    };
    expect(await look({ ...bare, "flows.json": '[{"a":1}]' })).toBe(0);
  });
});
