/** What the tests deploy, and the admin API as a person would call it. */
import { createServer } from "node:http";
import type { NodeRed } from "../../servers/node-red.ts";

export const UNICODE = "Grüße 👩‍👩‍👧 e\u0301 שלום";
export const LARGE = "x".repeat(1_000_000);
export const BROKER_SECRET = "s3cret-of-the-broker";

export type Document = { readonly id: string; readonly type: string; readonly [name: string]: unknown };

/** @param sink address that the flows call as soon as they run */
export function production(sink: string): Document[] {
  return [
    { id: "tab1", type: "tab", label: "Ingest", disabled: false, info: "doc", env: [] },
    { id: "tab2", type: "tab", label: "Report", disabled: false, info: "" },
    { id: "tab3", type: "tab", label: "Old", disabled: true, info: "" },
    {
      id: "sub1",
      type: "subflow",
      name: "Twice",
      info: "",
      in: [{ x: 1, y: 1, wires: [{ id: "sc1" }] }],
      out: [{ x: 9, y: 1, wires: [{ id: "sc1", port: 0 }] }],
    },
    { id: "sc1", type: "change", z: "sub1", name: "", rules: [], x: 5, y: 5, wires: [[]] },
    {
      id: "mq1",
      type: "mqtt-broker",
      name: "broker",
      broker: "127.0.0.1",
      port: "1",
      autoConnect: false,
      credentials: { user: "bob", password: BROKER_SECRET },
    },
    { id: "once1", type: "inject", z: "tab1", name: UNICODE, once: true, onceDelay: 0, props: [], x: 100, y: 20, wires: [["rq1"]] },
    { id: "rq1", type: "http request", z: "tab1", name: "call", method: "GET", url: sink, x: 200, y: 20, wires: [[]] },
    { id: "in1", type: "http in", z: "tab1", name: "orders", url: "/orders", method: "post", x: 100, y: 80, wires: [["fn1"]] },
    { id: "fn1", type: "function", z: "tab1", name: LARGE, func: "return msg;", outputs: 1, x: 250.5, y: 80, wires: [["out1", "lo1"]] },
    { id: "out1", type: "http response", z: "tab1", name: "", x: 400, y: 80, wires: [] },
    { id: "lo1", type: "link out", z: "tab1", name: "to report", mode: "link", links: ["li1"], x: 400, y: 140, wires: [] },
    { id: "li1", type: "link in", z: "tab2", name: "from ingest", links: ["lo1"], x: 100, y: 80, wires: [["db1", "su1"]] },
    { id: "db1", type: "debug", z: "tab2", name: "", active: true, d: true, x: 300, y: 80, wires: [] },
    { id: "su1", type: "subflow:sub1", z: "tab2", name: "", x: 300, y: 110, wires: [[]] },
    { id: "mo1", type: "mqtt out", z: "tab2", name: "", topic: "x", broker: "mq1", x: 300, y: 150, wires: [] },
    ...Array.from({ length: 15 }, (_, at) => ({
      id: `note${String(at).padStart(2, "0")}`,
      type: "comment",
      z: "tab2",
      name: `note ${at}`,
      info: "",
      x: 10,
      y: 10 * at,
      wires: [],
    })),
  ];
}

export interface Admin {
  readonly token: string;
  call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
  deploy(flows: readonly unknown[]): Promise<string>;
  flows(): Promise<{ readonly rev: string; readonly flows: readonly Document[] }>;
}

export async function adminOf(server: Pick<NodeRed, "url" | "user" | "password">): Promise<Admin> {
  const login = await fetch(`${server.url}/auth/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_id: "node-red-admin",
      grant_type: "password",
      scope: "*",
      username: server.user,
      password: server.password,
    }),
  });
  const { access_token: token } = (await login.json()) as { access_token: string };
  const call: Admin["call"] = async (method, path, body) => {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        accept: "application/json",
        "node-red-api-version": "v2",
        "node-red-deployment-type": "full",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? null : (JSON.parse(text) as unknown) };
  };
  return {
    token,
    call,
    flows: async () => (await call("GET", "/flows")).body as { rev: string; flows: Document[] },
    deploy: async (flows) => {
      const { status, body } = await call("POST", "/flows", { flows });
      if (status !== 200) throw new Error(`not deployed: ${status}`);
      return (body as { rev: string }).rev;
    },
  };
}

/** Counts what flows send to it. */
export async function startSink(): Promise<{ readonly url: string; take(): number; stop(): Promise<void> }> {
  let hits = 0;
  const server = createServer((_, response) => {
    hits += 1;
    response.end("ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    take: () => {
      const before = hits;
      hits = 0;
      return before;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error("it did not come to be within ten seconds");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
