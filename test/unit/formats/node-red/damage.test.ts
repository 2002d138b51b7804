import { describe, expect, it } from "vitest";
import { ROOMY } from "../../../contracts/format.ts";
import { flows } from "../../../fixtures/node-red/user-dir.ts";
import { openDir, openNodes, openText, recordsIn } from "./opening.ts";

const node = { id: "n1", type: "debug", z: "t", x: 1, y: 1, wires: [] };
const text = JSON.stringify([node, { ...node, id: "n2" }]);

describe("a damaged flows file", () => {
  it.each<[string, string | Uint8Array, string, string]>([
    ["empty", "", "json-empty", "The flows file is empty."],
    ["white space", " \n\t", "json-empty", "The flows file holds nothing but white space."],
    [
      "cut off in the second node",
      text.slice(0, 80),
      "json-truncated",
      "The flows file is cut off: it ends at character 80, inside [1], before it closes.",
    ],
    [
      "cut off by one byte",
      text.slice(0, -1),
      "json-truncated",
      `The flows file is cut off: it ends at character ${text.length - 1}, inside the outermost list, before it closes.`,
    ],
    [
      "written twice over each other",
      `${text}1}]`,
      "json-trailing",
      `The flows file goes on after its structure closed at character ${text.length - 1}.`,
    ],
    ["a stray character", text.replace('"type"', '"type'), "json-broken", ""],
    ["blocks of zeros", `${text.slice(0, 50)}\0\0\0`, "json-nul-bytes", "The flows file holds NUL bytes from byte 50 on."],
    [
      "not UTF-8",
      Buffer.from(text.replace("debug", "d\u00e9bug"), "latin1"),
      "json-not-utf8",
      "The flows file is not valid UTF-8, first at byte 21.",
    ],
    ["UTF-16", Buffer.from(`\uFEFF${text}`, "utf16le"), "json-not-utf8", "The flows file is UTF-16, and JSON files are UTF-8."],
    [
      "no flows at all",
      '[{"a":1},{"b":2}]',
      "not-node-red",
      "the flows file holds no Node-RED flows: few of its elements have an id and a type.",
    ],
    ["a number", "42", "not-node-red", "the flows file holds no Node-RED flows: few of its elements have an id and a type."],
  ])("%s", async (_what, bytes, code, message) => {
    const thrown = await openText(bytes).then(
      () => null,
      (error: unknown) => error,
    );
    expect(thrown).toMatchObject({ name: "AgentError", kind: "damaged", ...(code === "json-broken" ? {} : { code, message }) });
  });

  it("says where it stops being JSON, and nothing of what stands there", async () => {
    const broken = `[\n  {"id":"n1","type":"debug","planted secret" 1}\n]`;
    await expect(openText(broken)).rejects.toMatchObject({
      code: "json-broken",
      message: "The flows file is not valid JSON, first at line 2, column 46.",
    });
  });

  it("nested absurdly deep, is our limit and no stack overflow", async () => {
    const deep = `[{"id":"n","type":"debug","wires":[],"x":${"[".repeat(10_000)}${"]".repeat(10_000)}}]`;
    await expect(openText(deep)).rejects.toMatchObject({ kind: "limit", code: "too-deep" });
    await expect(openText("[".repeat(10_000))).rejects.toMatchObject({ kind: "limit" });
    await expect(openText(deep, { limits: { ...ROOMY, maxDepth: 11_000 } })).resolves.toMatchObject({ integrity: { complete: true } });
  });

  it("larger than allowed, is our limit", async () => {
    await expect(openText(text, { limits: { ...ROOMY, maxBytes: text.length - 1 } })).rejects.toMatchObject({
      kind: "limit",
      code: "too-large",
    });
    await expect(openText(text, { limits: { ...ROOMY, maxBytes: text.length } })).resolves.toBeDefined();
  });
});

describe("a flows file with parts that are no nodes", () => {
  it("keeps what can be kept and says what is wrong", async () => {
    const content = await openNodes([
      node,
      { ...node, id: "n2" },
      { type: "debug", x: 1, y: 1, wires: "n1" },
      7,
      { id: "n4", x: 1, y: 1 },
      { ...node, id: "n5" },
    ]);
    expect(content.integrity).toMatchObject({
      complete: false,
      problems: [
        "Element 3 of the flows file has no id.",
        "The wires of element 3 of the flows file are no lists of node ids.",
        "Element 4 of the flows file is not an object.",
        "Element 5 of the flows file has no type.",
      ],
    });
    expect((await recordsIn(content, "nodes")).map((each) => each.key)).toEqual(["n1", "n2", "#3", "n4", "n5"]);
    expect((await recordsIn(content, "config-nodes")).map((each) => each.key)).toEqual([]);
  });

  it("keeps both of two nodes with the same id", async () => {
    const content = await openNodes([{ id: "t", type: "tab", label: "A" }, { id: "t", type: "tab", label: "B" }, node, node]);
    expect((await recordsIn(content, "nodes")).map((each) => each.key)).toEqual(["n1", "n1"]);
    expect(content.automations.map((each) => [each.id, each.name])).toEqual([
      ["t", "A"],
      ["t#2", "B"],
    ]);
  });

  it("opens an empty list as flows without nodes", async () => {
    expect((await openNodes([])).integrity.complete).toBe(true);
  });
});

describe("a user directory that lacks a part", () => {
  it("without its flows file is damaged", async () => {
    await expect(openDir({ files: { "flows.json": null } })).rejects.toMatchObject({
      kind: "damaged",
      message: "There is no flows file in the directory: flows.json is missing.",
    });
  });

  it("with an empty flows file is damaged", async () => {
    await expect(openDir({ files: { "flows.json": "" } })).rejects.toMatchObject({ kind: "damaged", code: "json-empty" });
  });

  it.each([
    ["package.json", "{"],
    [".config.nodes.json", "x"],
    [".config.runtime.json", ""],
    ["flows_cred.json", '{"$":"00'],
  ])("with a broken %s is incomplete", async (name, broken) => {
    const content = await openDir({ files: { [name]: broken } });
    expect(content.integrity.complete).toBe(false);
    expect(content.integrity.problems[0]).toContain(name);
  });

  it("without the credentials file its nodes need is incomplete", async () => {
    const content = await openDir({ files: { "flows_cred.json": null } });
    expect(content.integrity.problems).toEqual(["flows_cred.json is missing, although nodes of the flows hold credentials."]);
    expect(content.credentials).toEqual([{ id: "a1b2c3d4e5f60003", type: "http request", state: "not-included" }]);
    expect(content.aspects.credentials).toEqual({ included: false, reason: "the directory holds no credentials file" });
  });

  it("that never had credentials lacks nothing", async () => {
    const nodes = flows().filter((each) => each["type"] !== "http request" && each["type"] !== "catch");
    const content = await openDir({ flows: nodes, files: { "flows_cred.json": null, ".flows_cred.json.backup": null } });
    expect(content.integrity).toMatchObject({ complete: true, problems: [] });
  });
});
