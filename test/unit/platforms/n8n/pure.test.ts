import { describe, expect, it } from "vitest";
import { versionIn } from "../../../../agent/platforms/n8n/client.ts";
import { isTitleWith, nameOf, titleOf } from "../../../../agent/platforms/n8n/names.ts";
import { toN8n } from "../../../../agent/platforms/n8n/values.ts";
import { canonical, fieldOf } from "../../../../agent/products/n8n/tables.ts";
import { automationOf, digestOf, rewritten } from "../../../../agent/products/n8n/workflows.ts";
import { ExactNumber, objectsIn } from "../../../../agent/kit/json.ts";

describe("n8n, values", () => {
  it.each([
    ["text", "", null],
    ["text", "a", "a"],
    ["decimal", 1e21, "1000000000000000000000"],
    ["decimal", "9007199254740993", "9007199254740993"],
    ["decimal", 1.5e-7, "0.00000015"],
    ["decimal", -0, "0"],
    ["decimal", "NaN", "NaN"],
    ["boolean", false, "false"],
    ["timestamp", "2026-11-22T10:00:00+02:00", "2026-11-22T08:00:00.000Z"],
    ["timestamp", "soon", "soon"],
    ["text", undefined, null],
    ["decimal", new ExactNumber("9007199254740993"), "9007199254740993"],
    ["boolean", 1, "true"],
    ["boolean", "1", "1"],
    ["timestamp", "2026-11-22 08:00:00.5", "2026-11-22T08:00:00.500Z"],
  ] as const)("%s %s becomes %s", (type, cell, value) => {
    expect(canonical(type, cell)).toBe(value);
  });

  it("gives back what it read", () => {
    const field = (type: string) => fieldOf({ id: "c", name: "c", type, index: 0 });
    expect(toN8n(field("number"), "1.5")).toBe(1.5);
    expect(toN8n(field("number"), "many")).toBe("many");
    expect(toN8n(field("boolean"), "false")).toBe(false);
    expect(toN8n(field("string"), "x")).toBe("x");
    expect(toN8n(field("date"), null)).toBe(null);
  });
});

describe("n8n, workflows", () => {
  const body = {
    nodes: [
      { name: "a", type: "n8n-nodes-base.executeWorkflow", parameters: { workflowId: { __rl: true, value: "w1", mode: "list" } } },
      { name: "b", type: "n8n-nodes-base.executeWorkflow", parameters: { workflowId: "={{ $json.id }}" } },
      { name: "c", type: "n8n-nodes-base.dataTable", parameters: { dataTableId: { __rl: true, value: "by its name", mode: "name" } } },
      { name: "d", type: "vendor.other", parameters: { workflowId: "w1" } },
      { name: "e", type: "n8n-nodes-base.httpRequest", credentials: { httpHeaderAuth: { id: "c1", name: "x" }, empty: { id: null } } },
    ],
    connections: {},
    settings: { errorWorkflow: "w2", callerIds: "w1, w3", binaryMode: "separate" },
  };

  it("replaces ids and nothing else", () => {
    const mapped = rewritten(body, (kind, id) => `${kind}:${id}`);
    expect(objectsIn(mapped.nodes).map((node) => node["parameters"])).toEqual([
      { workflowId: { __rl: true, value: "workflow:w1", mode: "list" } },
      { workflowId: "={{ $json.id }}" },
      { dataTableId: { __rl: true, value: "by its name", mode: "name" } },
      { workflowId: "w1" },
      undefined,
    ]);
    expect(objectsIn(mapped.nodes)[4]?.["credentials"]).toEqual({
      httpHeaderAuth: { id: "credential:c1", name: "x" },
      empty: { id: null },
    });
    expect(mapped.settings).toEqual({ errorWorkflow: "workflow:w2", callerIds: "workflow:w1,workflow:w3", binaryMode: "separate" });
  });

  it("tells references that lead nowhere", () => {
    const known = { workflow: new Set(["w1", "w2"]), credential: new Set<string>(), table: new Set<string>() };
    const automation = automationOf({ ...body, id: "w9", name: "n", active: true }, known);
    expect(automation.trigger).toBe(null);
    expect(automation.references.map((one) => `${one.kind} ${one.target} ${one.resolved}`)).toEqual([
      "credential c1 false",
      "sub-flow w1 true",
      "sub-flow w2 true",
      "sub-flow w3 false",
    ]);
  });

  it("digests what people made, whatever the order of its keys", () => {
    const { binaryMode: _, ...settings } = body.settings;
    expect(digestOf({ settings, connections: {}, nodes: body.nodes })).toBe(digestOf(body));
    expect(digestOf({ ...body, nodes: body.nodes.slice(1) })).not.toBe(digestOf(body));
  });
});

describe("n8n, names", () => {
  it("keeps names within 128 characters and tags apart", () => {
    const long = `restorewatch-${"s".repeat(120)}`;
    expect(nameOf(titleOf(`${long}-1`), 3, "👩".repeat(200)).length).toBeLessThanOrEqual(128);
    expect(titleOf(`${long}-1`)).not.toBe(titleOf(`${long}-2`));
    expect(titleOf(titleOf(long))).toBe(titleOf(long));
    expect(isTitleWith(titleOf(`${long}-1`), long)).toBe(true);
    expect(isTitleWith("restorewatch-b-1", "restorewatch-a")).toBe(false);
  });

  it("reads the version off the sign-in page", () => {
    const settings = Buffer.from(JSON.stringify({ dsn: "", release: "n8n@2.41.1" })).toString("base64");
    expect(versionIn(`<meta name="n8n:config:sentry" content="${settings}">`)).toBe("2.41.1");
    expect(versionIn("<html></html>")).toBe(null);
  });
});
