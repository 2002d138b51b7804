import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { probeOf } from "../../../contracts/format.ts";
import { brokenLinks, format, openPath, recordsIn } from "./opening.ts";

const DATA = fileURLToPath(new URL("../../../../../shared/data/", import.meta.url));
const flowFiles = readdirSync(join(DATA, "node-red")).filter((name) => name.endsWith(".json"));

interface Plain {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly x?: number;
  readonly wires?: string[][];
}

describe("the example flows of Node-RED", () => {
  it("are all there", () => {
    expect(flowFiles).toHaveLength(29);
  });

  it.each(flowFiles)("%s is recognised, whole, counted right, and no link of it is broken", async (name) => {
    const path = join(DATA, "node-red", name);
    const plain = JSON.parse(readFileSync(path, "utf8")) as Plain[];
    expect((await format.recognise(await probeOf(path))).confidence).toBeGreaterThanOrEqual(0.9);
    const content = await openPath(path);
    expect(content.integrity).toEqual({ complete: true, problems: [], checksums: null, plainSecrets: [] });
    const counts = await Promise.all(
      content.collections.map(async (each) => [each.id, (await recordsIn(content, each.id)).map((one) => one.key)]),
    );
    const idsOf = (keep: (node: Plain) => boolean): string[] => plain.filter(keep).map((node) => node.id);
    expect(Object.fromEntries(counts)).toEqual({
      tabs: [],
      subflows: [],
      groups: idsOf((node) => node.type === "group"),
      nodes: idsOf((node) => node.type !== "group" && node.x !== undefined),
      "config-nodes": idsOf((node) => node.x === undefined),
    });
    const wires = (await recordsIn(content, "nodes")).flatMap((node) => (node.values["wires"] ?? []) as string[]);
    expect(wires).toHaveLength(plain.reduce((sum, node) => sum + new Set((node.wires ?? []).flat()).size, 0));
    expect(content.automations.map((each) => each.id)).toEqual([...new Set(plain.map((node) => node.z))]);
    expect(content.credentials).toEqual([]);
    expect(await brokenLinks(content)).toEqual([]);
    expect(content.automations.flatMap((each) => each.references).filter((each) => !each.resolved)).toEqual([]);
  });

  it("count 239 nodes and groups and 128 wires together", () => {
    const all = flowFiles.map((name) => JSON.parse(readFileSync(join(DATA, "node-red", name), "utf8")) as Plain[]).flat();
    expect([all.length, all.reduce((sum, node) => sum + (node.wires ?? []).flat().length, 0)]).toEqual([239, 128]);
  });
});

describe("documents of other products", () => {
  const others = ["baserow", "grist", "tcpd"].flatMap((folder) => readdirSync(join(DATA, folder)).map((name) => join(folder, name)));
  it.each(others)("%s is not taken for flows", async (name) => {
    expect((await format.recognise(await probeOf(join(DATA, name)))).confidence).toBeLessThan(0.5);
  });
});
