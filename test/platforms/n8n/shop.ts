/** An n8n with workflows that call each other, data tables of every type, and a sink that hears what fires. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { N8n } from "../../servers/n8n.ts";

export interface Api {
  <T>(method: string, path: string, body?: unknown): Promise<T>;
}

export function apiOf(n8n: Pick<N8n, "url" | "key">): Api {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${n8n.url}/api/v1${path}`, {
      method,
      headers: { "x-n8n-api-key": n8n.key, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
    const text = await answer.text();
    return (text === "" ? null : JSON.parse(text)) as T;
  };
}

/** An API key with these scopes only, made as people make one. */
export async function keyWith(n8n: N8n, label: string, scopes: readonly string[], expiresAt: number | null = null): Promise<string> {
  const made = await fetch(`${n8n.url}/rest/api-keys`, {
    method: "POST",
    headers: { "content-type": "application/json", cookie: n8n.cookie },
    body: JSON.stringify({ label, expiresAt, scopes }),
  });
  if (!made.ok) throw new Error(`the key ${label} was not made: ${made.status} ${(await made.text()).slice(0, 300)}`);
  return ((await made.json()) as { data: { rawApiKey: string } }).data.rawApiKey;
}

export const SECRET = "header-secret-9b2f61";
export const UNICODE = "Zürich 東京 e\u0301 👩‍👩‍👧 שלום";
export const LARGE = "x".repeat(1_000_000);

interface Made {
  readonly id: string;
}
export interface MadeTable extends Made {
  readonly columns: readonly { readonly id: string; readonly name: string }[];
}

export interface Shop {
  readonly things: MadeTable;
  readonly empty: MadeTable;
  readonly child: string;
  readonly parent: string;
  readonly listener: string;
  readonly credential: string;
}

const node = (name: string, type: string, parameters: unknown, more: object = {}) => ({
  id: name.toLowerCase(),
  name,
  type,
  typeVersion: 1,
  position: [0, 0],
  parameters,
  ...more,
});
const chain = (...names: readonly string[]) =>
  Object.fromEntries(names.slice(1).map((to, at) => [names[at] ?? "", { main: [[{ node: to, type: "main", index: 0 }]] }]));

/** @param sink where an active workflow would send to whenever any workflow is switched on */
export async function seedShop(api: Api, sink: string): Promise<Shop> {
  const credential = await api<Made>("POST", "/credentials", {
    name: "shop",
    type: "httpHeaderAuth",
    data: { name: "X-K", value: SECRET },
  });
  const columns = [
    { name: "title", type: "string" },
    { name: "pages", type: "number" },
    { name: "sold", type: "boolean" },
    { name: "at", type: "date" },
    { name: "spare", type: "string" },
  ];
  const things = await api<MadeTable>("POST", "/data-tables", { name: "things", columns });
  const empty = await api<MadeTable>("POST", "/data-tables", { name: "empty", columns: columns.slice(0, 1) });
  const data = Array.from({ length: 30 }, (_, at) => ({ title: `thing ${at + 1}`, pages: at + 0.5, sold: at % 2 === 0, at: null }));
  const first = { title: "first", pages: -1.25, sold: true, at: "2026-01-02T03:04:05.678Z", spare: "s" };
  const second = { title: UNICODE, pages: 9007199254740991, sold: false, at: "2026-11-22T10:00:00.000+02:00" };
  const rows = [first, second, { title: LARGE }, ...data.slice(3)];
  // Rows of one request have one time: the last one is to be newer than the others.
  for (const part of [rows.slice(0, -1), rows.slice(-1)])
    await api("POST", `/data-tables/${things.id}/rows`, { data: part, returnType: "count" });
  const child = await api<Made>("POST", "/workflows", {
    name: "child",
    nodes: [node("When called", "n8n-nodes-base.executeWorkflowTrigger", { inputSource: "passthrough" }, { typeVersion: 1.1 })],
    connections: {},
    settings: { executionOrder: "v1" },
  });
  const parent = await api<Made>("POST", "/workflows", {
    name: "parent",
    nodes: [
      node("Hook", "n8n-nodes-base.webhook", { httpMethod: "POST", path: "shop", options: {} }, { typeVersion: 2, webhookId: "shop" }),
      node(
        "Call",
        "n8n-nodes-base.executeWorkflow",
        { source: "database", workflowId: { __rl: true, value: child.id, mode: "id" } },
        { typeVersion: 1.2 },
      ),
      node("Insert", "n8n-nodes-base.dataTable", {
        resource: "row",
        operation: "insert",
        dataTableId: { __rl: true, mode: "id", value: things.id },
        columns: { mappingMode: "defineBelow", value: { title: "={{ $json.body.t }}" }, schema: [] },
      }),
      node(
        "Tell",
        "n8n-nodes-base.httpRequest",
        { url: sink },
        { typeVersion: 4.2, credentials: { httpHeaderAuth: { id: credential.id, name: "shop" } } },
      ),
    ],
    connections: chain("Hook", "Call", "Insert", "Tell"),
    settings: { executionOrder: "v1", errorWorkflow: child.id },
  });
  const listener = await api<Made>("POST", "/workflows", {
    name: "tells whenever it is switched on",
    nodes: [
      node("On", "n8n-nodes-base.n8nTrigger", { events: ["activate"] }),
      node("Tell", "n8n-nodes-base.httpRequest", { url: sink }, { typeVersion: 4.2 }),
    ],
    connections: chain("On", "Tell"),
    settings: { executionOrder: "v1" },
  });
  await api("POST", `/workflows/${child.id}/publish`, {});
  await api("POST", `/workflows/${parent.id}/publish`, {});
  await api("POST", `/workflows/${listener.id}/publish`, {});
  return { things, empty, child: child.id, parent: parent.id, listener: listener.id, credential: credential.id };
}

export async function startSink(): Promise<{ readonly url: string; heard(): number; stop(): Promise<void> }> {
  let heard = 0;
  const server = createServer((_, answer) => {
    heard += 1;
    answer.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sink`,
    heard: () => {
      const told = heard;
      heard = 0;
      return told;
    },
    stop: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
