/** What the contract does not ask: remapped references, credentials that are tried, places that could be production. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RestoreSet } from "../../../agent/core/platform-ports.ts";
import { restoreSet } from "../../contracts/platform.ts";
import { type N8n, startN8n } from "../../servers/n8n.ts";
import { type Postgres, startPostgres } from "../../servers/postgres.ts";
import { createOpener, type Opener } from "./opener.ts";
import { type Api, apiOf, keyWith, SECRET, seedShop, type Shop, startSink } from "./shop.ts";

const never = new AbortController().signal;

describe("n8n, traps", () => {
  let postgres: Postgres;
  let production: N8n;
  let scratch: N8n;
  let sink: Awaited<ReturnType<typeof startSink>>;
  let opener: Opener;
  let api: Api;
  let shop: Shop;
  let set: RestoreSet;

  beforeAll(async () => {
    postgres = await startPostgres();
    [production, scratch] = await Promise.all([startN8n(postgres, "production"), startN8n(postgres, "scratch")]);
    sink = await startSink();
    opener = createOpener();
    api = apiOf(production);
    shop = await seedShop(api, sink.url);
    set = await restoreSet(opener.open(production.url, production.key));
  });
  afterAll(async () => {
    await opener.close();
    await sink.stop();
    await production.stop();
    await scratch.stop();
    await postgres.stop();
  });

  const identity = async () => (await opener.open(production.url, production.key).platform.probe(never)).identity;

  it("tells what a workflow points at, and never a secret", () => {
    const parent = set.automations.find((one) => one.id === shop.parent);
    expect(parent?.trigger).toBe("n8n-nodes-base.webhook");
    expect(parent?.references).toEqual([
      { kind: "collection", target: shop.things.id, resolved: true },
      { kind: "credential", target: shop.credential, resolved: true },
      { kind: "sub-flow", target: shop.child, resolved: true },
      { kind: "webhook", target: "shop", resolved: true },
    ]);
    expect(set.credentials).toEqual([{ id: shop.credential, type: "httpHeaderAuth", state: "not-included" }]);
    const everything = JSON.stringify(set);
    expect(everything).not.toContain(SECRET);
    expect(everything).not.toContain("admin@example.com");
  });

  it("keeps neither pinned nor static data", async () => {
    const probe = opener.open(production.url, production.key);
    const document = { name: "pinned", nodes: [], connections: {}, settings: {} };
    const { id } = await api<{ id: string }>("POST", "/workflows", { ...document, staticData: { hook: "static-secret" } });
    const read = await api<{ staticData: unknown }>("GET", `/workflows/${id}`);
    expect(JSON.stringify(read.staticData)).toContain("static-secret");
    expect(JSON.stringify(await probe.platform.inventory(never))).not.toContain("static-secret");
    await api("DELETE", `/workflows/${id}`);
  });

  it("remaps references, and reads back the same bodies; a credential of the same name is tried by n8n itself", async () => {
    const theirs = apiOf(scratch);
    const twin = await theirs<{ id: string }>("POST", "/credentials", {
      name: "shop",
      type: "httpHeaderAuth",
      data: { name: "X-K", value: "another-value" },
    });
    const { workspace, probe } = opener.openScratch(scratch.url, scratch.key);
    const place = await workspace.provision("restorewatch-traps-remap", await identity(), never);
    try {
      const loaded = await workspace.load(place, set, never);
      const { data } = await theirs<{ data: { name: string; nodes: unknown }[] }>("GET", "/workflows?limit=250");
      const parent = JSON.stringify(data.find((one) => one.name.endsWith(" parent")));
      for (const old of [shop.child, shop.things.id, shop.credential]) expect(parent).not.toContain(old);
      expect(parent).toContain(twin.id);
      const back = await workspace.readBack(place, set, loaded, never);
      const bodies = (one: { readonly automations: RestoreSet["automations"] }) =>
        one.automations
          .map(({ id, name, references, bodyDigest }) => ({ id, name, references, bodyDigest }))
          .toSorted((a, b) => (a.id < b.id ? -1 : 1));
      expect(bodies(back)).toEqual(bodies(set));
      expect(await probe?.reconnect(place, never)).toEqual(new Map([[twin.id, null]]));
    } finally {
      await workspace.dispose(place, never);
    }
  });

  it("the sink would hear a restored workflow that is switched on: its silence in the contract says something", async () => {
    const { workspace } = opener.openScratch(scratch.url, scratch.key);
    const place = await workspace.provision("restorewatch-traps-loud", await identity(), never);
    try {
      const loaded = await workspace.load(place, set, never);
      sink.heard();
      const { data } = await apiOf(scratch)<{ data: { id: string; name: string }[] }>("GET", "/workflows?limit=250");
      const listener = data.find((one) => one.name.endsWith("tells whenever it is switched on"));
      await apiOf(scratch)("POST", `/workflows/${listener?.id ?? ""}/publish`, {});
      expect((await workspace.readBack(place, set, loaded, never)).running).toEqual([shop.listener]);
      await expect.poll(() => sink.heard(), { timeout: 10_000 }).toBeGreaterThan(0);
    } finally {
      await workspace.dispose(place, never);
    }
  });

  it("says that credentials are missing where the scratch place has none", async () => {
    const { data } = await apiOf(scratch)<{ data: { id: string }[] }>("GET", "/credentials");
    for (const { id } of data) await apiOf(scratch)("DELETE", `/credentials/${id}`);
    const { workspace } = opener.openScratch(scratch.url, scratch.key);
    const place = await workspace.provision("restorewatch-traps-none", await identity(), never);
    try {
      const loaded = await workspace.load(place, set, never);
      expect(loaded.refused).toContainEqual(expect.objectContaining({ aspect: "credentials", count: 1 }));
      const back = await workspace.readBack(place, set, loaded, never);
      expect(back.credentials).toEqual([]);
      const parent = back.automations.find((one) => one.id === shop.parent);
      expect(parent?.references).toContainEqual({ kind: "credential", target: shop.credential, resolved: false });
    } finally {
      await workspace.dispose(place, never);
    }
  });

  it("refuses a scratch place that cannot be told apart from production, or holds its ids", async () => {
    const blind = await keyWith(scratch, "blind", [
      "workflow:list",
      "workflow:read",
      "workflow:create",
      "dataTable:create",
      "dataTable:list",
    ]);
    const refused = { kind: "config", code: "scratch-is-production" };
    const here = opener.openScratch(scratch.url, scratch.key).workspace;
    await expect(
      opener.openScratch(scratch.url, blind).workspace.provision("restorewatch-traps-b", await identity(), never),
    ).rejects.toMatchObject(refused);
    await expect(here.provision("restorewatch-traps-c", { instance: null, scope: "x" }, never)).rejects.toMatchObject(refused);
    const there = opener.openScratch(production.url, production.key).workspace;
    const place = await there.provision("restorewatch-traps-d", { instance: "another", scope: "x" }, never);
    await expect(there.load(place, set, never)).rejects.toMatchObject(refused);
    await there.dispose(place, never);
  });

  it("the list leaves out what a single answer tells", async () => {
    const { data } = await api<{ data: object[] }>("GET", "/workflows");
    const single = Object.keys(await api<object>("GET", `/workflows/${shop.parent}`));
    expect(single).toContain("description");
    expect(Object.keys(data[0] ?? {})).not.toContain("description");
  });

  it("refuses what it gave out itself, and the same webhook a second time", async () => {
    const whole = await api<Record<string, unknown>>("GET", `/workflows/${shop.parent}`);
    const { name, nodes, connections, settings } = whole;
    for (const more of [{ id: shop.parent }, { active: true }, { tags: [] }])
      await expect(api("POST", "/workflows", { name, nodes, connections, settings, ...more })).rejects.toThrow(/: 400 .*read-only/u);
    const copy = await api<{ id: string; active: boolean }>("POST", "/workflows", { name, nodes, connections, settings });
    expect(copy.active).toBe(false);
    await expect(api("POST", `/workflows/${copy.id}/publish`, {})).rejects.toThrow(/: 409 /u);
    await api("DELETE", `/workflows/${copy.id}`);
  });

  it("numbers are doubles: what was rounded in production is not blamed on the backup", async () => {
    const raw = `{"data":[{"title":"rounded","pages":9007199254740993}],"returnType":"id"}`;
    const answer = await fetch(`${production.url}/api/v1/data-tables/${shop.things.id}/rows`, {
      method: "POST",
      headers: { "x-n8n-api-key": production.key, "content-type": "application/json" },
      body: raw,
    });
    const [made] = (await answer.json()) as { id: number }[];
    const open = opener.open(production.url, production.key);
    const collection = set.collections.find((one) => one.id === shop.things.id);
    if (collection === undefined) throw new Error("no collection");
    const [record] = await open.platform.readItems(collection, [String(made?.id)], never);
    expect(record?.values[1]).toBe("9007199254740992");
  });
});
