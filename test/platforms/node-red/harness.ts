/** What the contract of connectors needs of a real Node-RED: production and an instance for restores. */
import type { KnownCell, PlatformHarness } from "../../contracts/platform.ts";
import { startNodeRed } from "../../servers/node-red.ts";
import { adminOf, BROKER_SECRET, LARGE, production, startSink, UNICODE, until } from "./flows.ts";
import { opener as createOpener, type Who } from "./opener.ts";

/** The same password as the administrator's. */
const NARROW = '{username:"narrow",password:"$2b$08$h8F8DT.qt2v96oZreuMFO.DY.ImOIpCAGh/jzid2ouR8KpR80rcB2",permissions:["settings.read"]}';

export async function nodeRedOnThisMachine(): Promise<PlatformHarness> {
  const [live, scratch, sink] = [
    await startNodeRed({ users: NARROW }),
    await startNodeRed({ secret: "another-secret" }),
    await startSink(),
  ];
  const [admin, place, gone] = [await adminOf(live), await adminOf(scratch), await adminOf(live)];
  await gone.call("POST", "/auth/revoke", { token: gone.token });
  await admin.deploy(production(sink.url));
  // Production calls the sink as soon as it runs: what is silent later is silent because of the agent.
  await until(() => sink.take() > 0);
  const opener = createOpener();
  const who: Readonly<Record<"wrong" | "expired" | "narrow", Who>> = {
    wrong: { token: "no-token-of-anybody" },
    expired: { token: gone.token },
    narrow: { user: "narrow", password: live.password },
  };
  const nodes = production(sink.url).filter((node) => "x" in node);
  const cell = (key: string, field: string, value: KnownCell["value"], collection = "nodes"): KnownCell => ({
    what: `${collection}/${key}/${field}`,
    collection,
    key,
    field,
    value,
  });
  return {
    seed: {
      main: { collection: "nodes", keys: nodes.map((node) => node.id).sort() },
      empty: "groups",
      types: [
        cell("in1", "type", "http in"),
        cell("in1", "name", "orders"),
        cell("db1", "name", null),
        cell("fn1", "x", "250.5"),
        cell("fn1", "disabled", "false"),
        cell("db1", "disabled", "true"),
        cell("tab3", "disabled", "true", "tabs"),
        cell("in1", "body", '{"method":"post","url":"/orders","wires":[["fn1"]]}'),
        cell("mq1", "body", '{"autoConnect":false,"broker":"127.0.0.1","port":"1"}', "config-nodes"),
      ],
      links: [
        cell("fn1", "wires", ["lo1", "out1"]),
        cell("in1", "tab", "tab1"),
        cell("lo1", "links-out", ["li1"]),
        cell("li1", "links-in", ["lo1"]),
        cell("su1", "instance-of", "sub1"),
        cell("sc1", "subflow", "sub1"),
        cell("mo1", "configs", ["mq1"]),
        cell("sub1", "in", ["sc1"], "subflows"),
      ],
      unicode: cell("once1", "name", UNICODE),
      large: cell("fn1", "name", LARGE),
      file: null,
      automations: ["tab1", "tab2", "tab3", "sub1"],
      views: [],
      roles: [],
    },
    mutate: {
      deleteRecord: async (_, key) => {
        const { flows } = await admin.flows();
        await admin.deploy(flows.filter((node) => node.id !== key));
      },
      editRecord: async (_, key) => {
        const { flows } = await admin.flows();
        await admin.deploy(flows.map((node) => (node.id === key ? { ...node, name: "edited" } : node)));
      },
      changeSchema: () => Promise.reject(new Error("Node-RED has no schema to change")),
    },
    open: ({ token, pageSize, clock } = {}) => {
      const asked = token === undefined ? { user: live.user, password: live.password } : who[token];
      return opener.open(live.url, asked, pageSize === undefined ? {} : { pageSize }, clock);
    },
    openScratch: ({ production: same } = {}) => opener.openScratch(same === true ? live.url : scratch.url, scratch),
    leftovers: async (prefix) => {
      const all = [...(await admin.flows()).flows, ...(await place.flows()).flows];
      return all.filter((node) => JSON.stringify(node).includes(prefix)).length;
    },
    fired: async () => {
      // Injects that fire at start do so within a tenth of a second.
      await new Promise((resolve) => setTimeout(resolve, 500));
      return sink.take();
    },
    secrets: [live.password, gone.token, admin.token, BROKER_SECRET, "no-token-of-anybody"],
    told: opener.told,
    dispose: async () => {
      await opener.close();
      await Promise.all([live.stop(), scratch.stop(), sink.stop()]);
    },
  };
}
