/** What Node-RED says that is not so, shown on the product itself, and how the connector is not taken in. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RestoreSet } from "../../../agent/core/platform-ports.ts";
import { restoreSet } from "../../contracts/platform.ts";
import { startFaultyProxy } from "../../doubles/faulty-proxy.ts";
import { type NodeRed, startNodeRed } from "../../servers/node-red.ts";
import { type Admin, adminOf, BROKER_SECRET, type Document, production, startSink, until } from "./flows.ts";
import { opener as createOpener } from "./opener.ts";

const never = new AbortController().signal;
const opener = createOpener();
let live: NodeRed;
let scratch: NodeRed;
let admin: Admin;
let place: Admin;
let sink: Awaited<ReturnType<typeof startSink>>;

beforeAll(async () => {
  [live, scratch, sink] = [await startNodeRed(), await startNodeRed({ secret: "another-secret" }), await startSink()];
  [admin, place] = [await adminOf(live), await adminOf(scratch)];
  await admin.deploy(production(sink.url));
  await until(() => sink.take() > 0);
});

afterAll(async () => {
  await opener.close();
  await Promise.all([live.stop(), scratch.stop(), sink.stop()]);
});

const source = (more: Readonly<Record<string, unknown>> = {}) => opener.open(live.url, { user: live.user, password: live.password }, more);
const workspaceOf = () => opener.openScratch(scratch.url, { user: scratch.user, password: scratch.password }).workspace;
const provision = async (tag: string) => {
  const { identity } = await source().platform.probe(never);
  return workspaceOf().provision(tag, identity, never);
};

describe("credentials", () => {
  it("are gone although revision and flows are equal: the inventory tells", async () => {
    const before = await source().platform.inventory(never);
    expect(before.credentials).toEqual([{ id: "mq1", type: "mqtt-broker", state: "not-included" }]);
    const exported = await admin.flows();
    await admin.deploy(exported.flows.filter((node) => node.id !== "mq1"));
    await admin.deploy(exported.flows);
    expect(await admin.flows(), "the product says that all is as it was").toEqual(exported);
    const after = await source().platform.inventory(never);
    expect(after.originals).toEqual(before.originals);
    expect(after.credentials).toEqual([]);
    expect(after.automations.find((one) => one.id === "tab2")?.references).not.toEqual(
      before.automations.find((one) => one.id === "tab2")?.references,
    );
    await admin.deploy(production(sink.url));
    expect((await source().platform.inventory(never)).credentials).toEqual(before.credentials);
  });

  it("do not come back with a restore, and that is said", async () => {
    const set = await restoreSet(source());
    const workspace = await provision("restorewatch-lies-credentials");
    const { load, readBack, dispose } = workspaceOf();
    const loaded = await load(workspace, set, never);
    expect(loaded.refused.filter((one) => one.aspect === "credentials").map((one) => one.count)).toEqual([1]);
    expect((await readBack(workspace, set, loaded, never)).credentials).toEqual([]);
    await dispose(workspace, never);
  });

  it("are sealed from the user directory where it is at hand, as Node-RED encrypted them", async () => {
    const told: { credential: string; clear: Uint8Array }[] = [];
    for await (const one of source({ userDir: live.userDir }).capturer?.secrets(never) ?? []) told.push(one);
    expect(told.map((one) => one.credential)).toEqual(["flows_cred.json", ".config.runtime.json"]);
    const file = await readFile(join(live.userDir, "flows_cred.json"));
    expect(Buffer.compare(told[0]?.clear ?? Buffer.alloc(0), file)).toBe(0);
    expect(file.includes(BROKER_SECRET)).toBe(false);
    const none: unknown[] = [];
    for await (const one of source().capturer?.secrets(never) ?? []) none.push(one);
    expect(none).toEqual([]);
  });
});

describe("the admin API", () => {
  it("gives a new id to each tab that is posted by itself, and refuses ids that are taken", async () => {
    const made = await admin.call("POST", "/flow", { id: "mine", label: "asked for an id", nodes: [] });
    expect(made.status).toBe(200);
    const { id } = made.body as { id: string };
    expect(id).not.toBe("mine");
    const taken = await admin.call("POST", "/flow", { label: "twice", nodes: [{ id: "in1", type: "comment", x: 1, y: 1, wires: [] }] });
    expect(taken.status).toBe(400);
    expect((await admin.call("DELETE", `/flow/${id}`)).status).toBe(204);
  });

  it("refuses a deploy upon a revision that is past; a load then says that somebody was there", async () => {
    expect(await admin.call("POST", "/flows", { rev: "past", flows: [] })).toMatchObject({
      status: 409,
      body: { code: "version_mismatch" },
    });
    const set = await restoreSet(source());
    const workspace = await provision("restorewatch-lies-rev");
    await place.deploy([{ id: "other", type: "tab", label: "somebody else" }]);
    await expect(workspaceOf().load(workspace, set, never)).rejects.toMatchObject({ code: "not-our-workspace" });
    await workspaceOf().dispose(workspace, never);
    expect(
      (await place.flows()).flows.map((node) => node.id),
      "what is not ours is left alone",
    ).toEqual(["other"]);
    await place.deploy([]);
  });

  it("answers HTML about modules unless asked for JSON", async () => {
    const answer = await fetch(`${live.url}/nodes`, { headers: { authorization: `Bearer ${admin.token}` } });
    expect((await answer.text()).trimStart().startsWith("<")).toBe(true);
    const { originals } = await source().platform.inventory(never);
    expect(originals["modules"]).toMatchObject({ "node-red": "5.0.7" });
  });

  it("forgets logins: the agent logs in again, once", async () => {
    const { platform } = source();
    const before = await platform.inventory(never);
    await rm(join(live.userDir, ".sessions.json"));
    await live.restart();
    await until(() => sink.take() > 0);
    admin = await adminOf(live);
    expect(await platform.inventory(never)).toEqual(before);
  });
});

describe("restores", () => {
  const strange: Document = { id: "st1", type: "no-such-node", z: "tab1", name: "", x: 1, y: 1, wires: [] };

  it("take nodes whose module is not there without a word; the load says it", async () => {
    await admin.deploy([...production(sink.url), strange]);
    const set = await restoreSet(source());
    const workspace = await provision("restorewatch-lies-module");
    const { load, readBack, dispose } = workspaceOf();
    const loaded = await load(workspace, set, never);
    expect(loaded.refused.find((one) => one.aspect === "automations")).toMatchObject({ count: 1 });
    expect(loaded.refused.find((one) => one.aspect === "automations")?.reason).toContain("no-such-node");
    const back = await readBack(workspace, set, loaded, never);
    expect(back.records.get("nodes")?.some((record) => record.key === "st1")).toBe(true);
    await dispose(workspace, never);
    await admin.deploy(production(sink.url));
    await until(() => sink.take() > 0);
  });

  it("start nothing, not even configuration nodes that lie on no tab; switched on, the same flows would", async () => {
    const socket = { id: "ws1", type: "websocket-listener", path: "/ws", wholemsg: "false" };
    const lost = { id: "ls1", type: "inject", z: "", name: "", once: true, onceDelay: 0, props: [], x: 1, y: 1, wires: [["rq1"]] };
    const inside = await restoreSet(source());
    const flows = [...production(sink.url).map((node) => ({ ...node, credentials: undefined })), socket, lost];
    const set: RestoreSet = JSON.parse(JSON.stringify({ originals: { flows: { rev: "1", flows } } })) as RestoreSet;
    const whole = { ...inside, ...set };
    const workspace = await provision("restorewatch-lies-silent");
    const { load, readBack, dispose } = workspaceOf();
    sink.take();
    const loaded = await load(workspace, whole, never);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(sink.take(), "no inject fired").toBe(0);
    const orders = await fetch(`${scratch.url}/orders`, { method: "POST" });
    expect(orders.status, "no address of a flow answers").toBe(404);
    const deployed = (await place.flows()).flows;
    expect(deployed.find((node) => node.id === "ws1")?.["d"]).toBe(true);
    expect((await readBack(workspace, whole, loaded, never)).running).toEqual([]);
    await place.deploy(deployed.map((node) => (node.id === "tab1" ? { ...node, disabled: false } : node)));
    await until(() => sink.take() > 0);
    expect((await readBack(workspace, whole, loaded, never)).running).toEqual(["tab1"]);
    await dispose(workspace, never);
    expect((await place.flows()).flows).toEqual([]);
    for (const name of ["flows.json", ".flows.json.backup"])
      expect(await readFile(join(scratch.userDir, name), "utf8"), `${name} holds nothing of the restore`).not.toContain("orders");
  });

  it("come back with what the scratch instance really has: what was edited or is missing there shows", async () => {
    const set = await restoreSet(source());
    const workspace = await provision("restorewatch-lies-edited");
    const { load, readBack, dispose } = workspaceOf();
    const loaded = await load(workspace, set, never);
    const { flows } = await place.flows();
    const extra = { id: "new1", type: "comment", z: "tab2", name: "", x: 1, y: 1, wires: [] };
    await place.deploy(
      [...flows.filter((node) => node.id !== "fn1"), extra].map((node) => (node.id === "in1" ? { ...node, url: "/other" } : node)),
    );
    const nodes = (await readBack(workspace, set, loaded, never)).records.get("nodes") ?? [];
    const before = new Map(set.records.get("nodes")?.map((record) => [record.key, record.values]));
    expect(nodes.some((record) => record.key === "fn1")).toBe(false);
    expect(nodes.some((record) => record.key === "?new1")).toBe(true);
    expect(
      nodes
        .filter((record) => before.has(record.key))
        .filter((record) => JSON.stringify(record.values) !== JSON.stringify(before.get(record.key)))
        .map((record) => record.key),
    ).toEqual(["in1"]);
    await dispose(workspace, never);
  });
});

describe("the scratch instance", () => {
  it("is refused by another name of production, when it has flows, and when production has none", async () => {
    const { identity } = await source().platform.probe(never);
    const alias = opener.openScratch(live.url.replace("127.0.0.1", "localhost"), { user: live.user, password: live.password });
    const refused = { kind: "config", code: "scratch-is-production" };
    await expect(alias.workspace.provision("restorewatch-lies-alias", identity, never)).rejects.toMatchObject(refused);
    await admin.deploy([...production(sink.url), { id: "added", type: "tab", label: "edited since" }]);
    await expect(alias.workspace.provision("restorewatch-lies-alias", identity, never)).rejects.toMatchObject(refused);
    await expect(workspaceOf().provision("restorewatch-lies-alias", { ...identity, instance: null }, never)).rejects.toMatchObject(refused);
    expect((await admin.flows()).flows.some((node) => node.id === "added")).toBe(true);
  });

  it("serves one drill at a time", async () => {
    const workspace = await provision("restorewatch-lies-first");
    await expect(provision("restorewatch-lies-second")).rejects.toMatchObject({ kind: "transient", code: "scratch-busy" });
    expect(await workspaceOf().sweep("restorewatch-lies", new Set([workspace.tag]), never)).toEqual({ found: 0, removed: 0 });
    await workspaceOf().dispose(workspace, never);
  });
});

it("an instance that asks nobody to log in is read, and the probe says so", async () => {
  const open = await startNodeRed();
  try {
    const settings = await readFile(join(open.userDir, "settings.js"), "utf8");
    await writeFile(join(open.userDir, "settings.js"), settings.replace("adminAuth:", "notAuth:"));
    await open.restart();
    for (const who of [{}, { user: "admin", password: "whatever" }]) {
      const { permissions } = await opener.open(open.url, who).platform.probe(never);
      expect(permissions[0]?.name).toContain("asks nobody to log in");
      expect(permissions.every((one) => one.granted === true)).toBe(true);
    }
  } finally {
    await open.stop();
  }
});

describe("the revision", () => {
  it("is a digest of the flows: answers that are all shortened alike do not look whole", async () => {
    const proxy = await startFaultyProxy(live.url);
    try {
      const through = opener.open(proxy.url, { user: live.user, password: live.password });
      const shortened = (body: string): string => {
        const answer = JSON.parse(body) as { flows: unknown[]; rev: string };
        return JSON.stringify({ ...answer, flows: answer.flows.slice(0, -1) });
      };
      proxy.set(({ url }) => (url.startsWith("/flows") ? { kind: "edit", change: shortened } : null));
      await expect(through.platform.inventory(never)).rejects.toMatchObject({ kind: "transient", code: "flows-not-whole" });
      expect(proxy.spoilt()).toBe(2);
      proxy.set(({ url, at }) => (url.startsWith("/flows") && at === 1 ? { kind: "edit", change: shortened } : null));
      expect((await through.platform.inventory(never)).originals).toEqual((await source().platform.inventory(never)).originals);
    } finally {
      await proxy.close();
    }
  });

  it("agrees with flows of every kind the editor and the API can leave behind", async () => {
    const odd: Document[] = [
      { id: "odd-tab", type: "tab", label: 'Zahlen – 数 \u2028 "quoted"', disabled: false, info: "" },
      {
        id: "odd1",
        type: "inject",
        z: "odd-tab",
        name: "",
        repeat: "",
        payload: "1e400",
        x: 1.5,
        y: -0.25,
        wires: [[]],
        7: "first",
        3: "second",
      },
      { id: "odd2", type: "comment", z: "odd-tab", name: "big", big: 9_007_199_254_740_992, tiny: 1e-7, x: 1, y: 1, wires: [] },
      { id: "odd3", type: "gone-type", z: "odd-tab", credentials: { password: "never-kept" }, x: 1, y: 1, wires: [] },
    ];
    await admin.deploy([...production(sink.url), ...odd]);
    try {
      const { originals } = await source().platform.inventory(never);
      expect(originals["flows"]).toMatchObject({ rev: (await admin.flows()).rev });
    } finally {
      await admin.deploy(production(sink.url));
    }
  });
});
