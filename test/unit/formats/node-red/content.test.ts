import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CREDENTIALS, flows, type Node, sealed, SECRET } from "../../../fixtures/node-red/user-dir.ts";
import { brokenLinks, openDir, openNodes, openText, recordsIn } from "./opening.ts";

/** The flows with one node changed. */
function changed(id: string, change: Node): Node[] {
  return flows().map((node) => (node["id"] === id ? { ...node, ...change } : node));
}

function without(id: string): Node[] {
  return flows().filter((node) => node["id"] !== id);
}

async function digests(nodes: Node[]): Promise<string[]> {
  return (await openNodes(nodes)).automations.map((each) => each.bodyDigest);
}

describe("a whole flows file", () => {
  it("is read into its collections, each with its fields", async () => {
    const content = await openNodes(flows());
    const counts = await Promise.all(content.collections.map(async (each) => [each.id, (await recordsIn(content, each.id)).length]));
    expect(Object.fromEntries(counts)).toEqual({ tabs: 2, subflows: 1, groups: 2, nodes: 11, "config-nodes": 3 });
    expect(await brokenLinks(content)).toEqual([]);
    expect((await recordsIn(content, "nodes"))[1]).toEqual({
      key: "0000000000000c02",
      values: {
        type: "subflow:0000000000000b01",
        name: null,
        tab: "0000000000000a01",
        subflow: null,
        group: "00000000000000f2",
        "instance-of": "0000000000000b01",
        wires: ["0000000000000c03"],
        "links-out": null,
        "links-in": null,
        calls: null,
        scope: null,
        configs: null,
        disabled: "false",
        x: "250",
        y: "80.5",
        body: '{"wires":[["0000000000000c03"],[]]}',
      },
    });
    expect((await recordsIn(content, "subflows"))[0]?.values).toMatchObject({
      in: ["0000000000000c09"],
      out: ["0000000000000c09"],
      status: ["0000000000000c09"],
    });
    expect(
      (await recordsIn(content, "groups")).map((each) => [each.values["parent"], each.values["nodes"], each.values["groups"]]),
    ).toEqual([
      [null, ["0000000000000c01"], ["00000000000000f2"]],
      ["00000000000000f1", ["0000000000000c02"], null],
    ]);
    expect((await recordsIn(content, "config-nodes")).map((each) => each.values["configs"])).toEqual([["a1b2c3d4e5f60004"], null, null]);
    expect((await recordsIn(content, "tabs")).map((each) => [each.values["name"], each.values["disabled"]])).toEqual([
      ["Ingest", "false"],
      ["Report", "true"],
    ]);
  });

  it.each<[string, Node[], string[]]>([
    ["a wire to nowhere", without("0000000000000c05"), ["nodes/0000000000000c04.wires → 0000000000000c05"]],
    [
      "a lost tab",
      without("0000000000000a01"),
      ["f1", "f2", "c01", "c02", "c03"].map(
        (id) => `${id.startsWith("f") ? "groups/00000000000000" : "nodes/0000000000000"}${id}.tab → 0000000000000a01`,
      ),
    ],
    ["a lost broker", without("a1b2c3d4e5f60002"), ["nodes/0000000000000c05.configs → a1b2c3d4e5f60002"]],
    ["a lost dashboard group", without("a1b2c3d4e5f60005"), ["nodes/0000000000000c10.configs → a1b2c3d4e5f60005"]],
    [
      "a group that lost a member",
      changed("00000000000000f2", { nodes: [] }),
      ["nodes/0000000000000c02.group → 00000000000000f2 one-sided"],
    ],
    [
      "a node that lost its group",
      changed("0000000000000c02", { g: undefined }),
      ["groups/00000000000000f2.nodes → 0000000000000c02 one-sided"],
    ],
    [
      "a link one side of which forgot the other",
      changed("0000000000000c04", { links: [] }),
      ["nodes/0000000000000c03.links-out → 0000000000000c04 one-sided"],
    ],
    [
      "a scope that is gone",
      changed("0000000000000c08", { scope: ["000000000000dead"] }),
      ["nodes/0000000000000c08.scope → 000000000000dead"],
    ],
    ["an environment variable for a configuration node", changed("0000000000000c05", { broker: "${BROKER}" }), []],
    ["a dynamic link call with a stale list", changed("0000000000000c07", { linkType: "dynamic", links: ["000000000000dead"] }), []],
  ])("tells %s", async (_what, nodes, broken) => {
    expect(await brokenLinks(await openNodes(nodes))).toEqual(broken);
  });

  it("tells a subflow that is gone, as a link and as a reference", async () => {
    const content = await openNodes(without("0000000000000b01"));
    expect(await brokenLinks(content)).toContain("nodes/0000000000000c02.instance-of → 0000000000000b01");
    expect(content.automations.flatMap((each) => each.references).filter((each) => !each.resolved)).toEqual([
      { kind: "sub-flow", target: "0000000000000b01", resolved: false },
    ]);
  });

  it("has an automation for each tab and subflow", async () => {
    const content = await openNodes(flows());
    expect(content.automations.map(({ bodyDigest, ...rest }) => (expect(bodyDigest).toMatch(/^[0-9a-f]{64}$/), rest))).toEqual([
      {
        id: "0000000000000a01",
        name: "Ingest",
        active: true,
        trigger: "http POST /orders",
        references: [
          { kind: "webhook", target: "http POST /orders", resolved: true },
          { kind: "sub-flow", target: "0000000000000b01", resolved: true },
        ],
      },
      {
        id: "0000000000000a02",
        name: "Report",
        active: false,
        trigger: "cron 00 03 * * *",
        references: [{ kind: "node", target: "0000000000000c04", resolved: true }],
      },
      { id: "0000000000000b01", name: "Clean", active: true, trigger: null, references: [] },
    ]);
  });

  it("keeps the digest of an automation when nodes only move or change their order, and no other time", async () => {
    const [ingest, report, clean] = await digests(flows());
    expect(await digests(flows().map((node) => ("x" in node ? { ...node, x: 7, y: 8 } : node)))).toEqual([ingest, report, clean]);
    expect(await digests([...flows().slice(0, 3), ...flows().slice(3).toReversed()])).toEqual([ingest, report, clean]);
    const edited = await digests(changed("0000000000000c09", { func: "return null;" }));
    expect([edited[0] === ingest, edited[1] === report, edited[2] === clean]).toEqual([true, true, false]);
    const rewired = await digests(changed("0000000000000c02", { wires: [[], ["0000000000000c03"]] }));
    expect([rewired[0] === ingest, rewired[1] === report]).toEqual([false, true]);
  });

  it("does not round numbers that a double cannot hold", async () => {
    const text = '[{"id":"n","type":"debug","wires":[],"x":12345678901234567890,"y":1.5,"serial":9007199254740993}]';
    const exact = await openText(text);
    expect((await recordsIn(exact, "nodes"))[0]?.values).toMatchObject({
      x: "12345678901234567890",
      body: '{"serial":9007199254740993,"wires":[]}',
    });
  });
});

describe("an exported selection", () => {
  const selection = [
    {
      id: "a1b2c3d4e5f60011",
      type: "mqtt in",
      z: "ffffffffffffff01",
      g: "ffffffffffffff02",
      broker: "ffffffffffffff03",
      x: 1,
      y: 1,
      wires: [["a1b2c3d4e5f60012"]],
    },
    { id: "a1b2c3d4e5f60012", type: "debug", z: "ffffffffffffff01", x: 1, y: 1, wires: [] },
  ];

  it("may leave out its tab, its group and its configuration", async () => {
    const content = await openNodes(selection);
    expect(await brokenLinks(content)).toEqual([]);
    expect(content.automations).toMatchObject([
      { id: "ffffffffffffff01", name: "nodes of ffffffffffffff01", active: true, trigger: "mqtt in" },
    ]);
    expect(content.aspects.settings).toMatchObject({ included: false, reason: expect.stringContaining("exported selection") });
  });

  it("may not leave out a node it is wired to", async () => {
    expect(await brokenLinks(await openNodes(selection.slice(0, 1)))).toEqual(["nodes/a1b2c3d4e5f60011.wires → a1b2c3d4e5f60012"]);
  });

  it("is no selection when it comes from the admin API or a user directory", async () => {
    expect(await brokenLinks(await openNodes({ flows: selection, rev: "1" }))).toHaveLength(4);
  });
});

describe("a user directory", () => {
  it("tells version, settings, credentials and what the flows need", async () => {
    const content = await openDir({}, { key: SECRET });
    expect(content).toMatchObject({ formatVersion: "5.0.7", integrity: { complete: true, problems: [], plainSecrets: [] } });
    expect(content.settings.map((each) => each.id)).toEqual([
      ".config.nodes.json",
      ".config.runtime.json",
      "lib/flows/part.json",
      "package.json",
      "settings.js",
    ]);
    expect(content.settings.find((each) => each.id === "lib/flows/part.json")?.digest).toBe(
      createHash("sha256").update("[]").digest("hex"),
    );
    expect(content.credentials).toEqual([
      { id: "a1b2c3d4e5f60002", type: "mqtt-broker", state: "decryptable" },
      { id: "a1b2c3d4e5f60003", type: "http request", state: "decryptable" },
    ]);
    expect(content.automations[1]?.references).toEqual([
      { kind: "node", target: "0000000000000c04", resolved: true },
      { kind: "module", target: "node-red-dashboard", resolved: true },
      { kind: "credential", target: "a1b2c3d4e5f60003", resolved: true },
      { kind: "credential", target: "a1b2c3d4e5f60002", resolved: true },
    ]);
    expect(content.automations[2]?.references).toEqual([{ kind: "module", target: "dayjs", resolved: true }]);
  });

  it("tells a module that nothing asks for", async () => {
    const content = await openDir({ files: { "package.json": '{"name":"node-red-project"}' } }, { key: SECRET });
    expect(content.automations.flatMap((each) => each.references).filter((each) => !each.resolved)).toEqual([
      { kind: "module", target: "node-red-dashboard", resolved: false },
      { kind: "module", target: "dayjs", resolved: false },
    ]);
  });

  it.each<[string, Record<string, string>, string | null, string]>([
    ["the given secret", {}, SECRET, "decryptable"],
    ["another secret", {}, "not it", "undecryptable"],
    ["no secret", {}, null, "key-missing"],
    ["the secret Node-RED made", { ".config.runtime.json": JSON.stringify({ _credentialSecret: SECRET }) }, null, "decryptable"],
    ["the secret of an older version", { ".config.json": JSON.stringify({ _credentialSecret: SECRET, nodes: {} }) }, null, "decryptable"],
    ["a literal in settings.js", { "settings.js": `module.exports = {\n    credentialSecret: "${SECRET}",\n}` }, null, "decryptable"],
    [
      "a literal that is commented out",
      { "settings.js": `module.exports = {\n  //credentialSecret: "${SECRET}",\n}` },
      null,
      "key-missing",
    ],
    ["a file that is cut off", { "flows_cred.json": sealed(CREDENTIALS).replace(/.{9}"\}$/, '"}') }, SECRET, "undecryptable"],
    ["a file that is no credentials file", { "flows_cred.json": '{"$":"zzzz"}' }, SECRET, "undecryptable"],
  ])("opens its credentials with %s", async (_what, files, key, state) => {
    const content = await openDir({ files }, { key });
    expect(new Set(content.credentials.map((each) => each.state))).toEqual(new Set([state]));
    expect(content.aspects.credentials).toEqual({ included: true });
  });

  it("opens the credentials of the active project with the project's secret", async () => {
    const files = {
      "settings.js": null,
      "flows.json": null,
      "flows_cred.json": null,
      ".config.projects.json": JSON.stringify({ activeProject: "shop", projects: { shop: { credentialSecret: SECRET } } }),
      "projects/shop/package.json": '{"node-red":{"settings":{"flowFile":"flow.json","credentialsFile":"flow_cred.json"}}}',
      "projects/shop/flow.json": JSON.stringify(flows()),
      "projects/shop/flow_cred.json": sealed(CREDENTIALS),
    };
    expect((await openDir({ files })).credentials.map((each) => each.state)).toEqual(["decryptable", "decryptable"]);
  });

  it("says that credentials lie there unencrypted, without saying them", async () => {
    const content = await openDir({ files: { "flows_cred.json": JSON.stringify(CREDENTIALS) } });
    expect(content.credentials.map((each) => each.state)).toEqual(["plain", "plain"]);
    expect(content.integrity.plainSecrets).toEqual(["flows_cred.json holds the credentials of 2 nodes without encryption."]);
  });

  it("keeps secrets within the flows out of every record", async () => {
    const content = await openNodes(changed("a1b2c3d4e5f60002", { credentials: { user: "bob", password: "planted-password" } }));
    expect(content.integrity.plainSecrets).toEqual(["The flows file itself holds the credentials of 1 node in clear."]);
    expect(content.credentials).toContainEqual({ id: "a1b2c3d4e5f60002", type: "mqtt-broker", state: "plain" });
    expect(JSON.stringify([await recordsIn(content, "config-nodes"), content.automations])).not.toContain("planted-password");
    const kept = await openNodes(changed("a1b2c3d4e5f60002", { credentials: { user: "", password: "__PWRD__" } }));
    expect(kept.integrity.plainSecrets).toEqual([]);
  });
});
