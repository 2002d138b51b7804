/** How fast products are read, beside a bare loop of `fetch` over the very same calls, one after the other, in the same run. */
import { Agent, type Dispatcher } from "undici";
import type { Collection } from "../../agent/core/content.ts";
import type { OpenPlatform } from "../../agent/core/platform-ports.ts";
import { createHttpFactory } from "../../agent/engine/platforms/http.ts";
import { systemClock } from "../../agent/kit/clock.ts";
import { systemRandom } from "../../agent/kit/random.ts";
import { bindSecrets } from "../../agent/kit/secret.ts";
import { memoryTelemetry } from "../doubles/telemetry.ts";
import { type FaultyProduct, PRODUCTS, type Started } from "../platforms/faults/products.ts";
import { adminOf, production } from "../platforms/node-red/flows.ts";
import { machine, median, table } from "./table.ts";

const RECORDS = 5000;
const RUNS = 5;
const never = new AbortController().signal;

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

/** Remembers what is sent, and how long something was under way. */
function watching(): { readonly dispatcher: Dispatcher; take(): { readonly sent: readonly Sent[]; readonly busyMs: number } } {
  let sent: Sent[] = [];
  let [inside, since, busyMs] = [0, 0, 0];
  const left = (): void => {
    inside -= 1;
    if (inside === 0) busyMs += performance.now() - since;
  };
  const agent = new Agent();
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    const headers = Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)]));
    const body = typeof options.body === "string" ? options.body : null;
    sent.push({ method: options.method, url: `${String(options.origin)}${options.path}`, headers, body });
    if (inside === 0) since = performance.now();
    inside += 1;
    return dispatch(options, {
      onRequestStart: (...all) => handler.onRequestStart?.(...all),
      onResponseStart: (...all) => handler.onResponseStart?.(...all),
      onResponseData: (...all) => handler.onResponseData?.(...all),
      onResponseEnd: (...all) => {
        left();
        handler.onResponseEnd?.(...all);
      },
      onResponseError: (...all) => {
        left();
        handler.onResponseError?.(...all);
      },
    });
  });
  return {
    dispatcher,
    take: () => {
      const taken = { sent, busyMs };
      [sent, busyMs] = [[], 0];
      return taken;
    },
  };
}

/** More records than the shop of the tests has. */
async function fill(product: FaultyProduct, started: Started, collections: readonly Collection[]): Promise<void> {
  const post = async (path: string, headers: Record<string, string>, body: unknown): Promise<void> => {
    const answer = await fetch(started.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    await answer.arrayBuffer();
  };
  const rows = (size: number): readonly number[][] =>
    Array.from({ length: RECORDS / size }, (_, part) => Array.from({ length: size }, (_each, at) => part * size + at));
  const token = started.secrets["TOKEN"] ?? "";
  switch (product.definition.type) {
    case "node-red": {
      const admin = await adminOf({ url: started.url, user: "admin", password: started.secrets["PASSWORD"] ?? "" });
      const notes = rows(RECORDS)
        .flat()
        .map((at) => ({ id: `more${at}`, type: "comment", z: "tab2", name: `n ${at}`, x: 1, y: 1, wires: [] }));
      await admin.deploy([...production("http://127.0.0.1:1/"), ...notes]);
      return;
    }
    case "nocodb": {
      const books = collections.find(({ name }) => name === "Books")?.id ?? "";
      for (const part of rows(100))
        await post(
          `/api/v2/tables/${books}/records`,
          { "xc-token": token },
          part.map((at) => ({ Name: `book ${at}`, Pages: at })),
        );
      return;
    }
    default:
      for (const part of rows(500))
        await post(
          "/items/articles",
          { authorization: `Bearer ${token}` },
          part.map((at) => ({ title: `article ${at}`, pages: at })),
        );
  }
}

async function captured(open: OpenPlatform, collections: readonly Collection[]): Promise<number> {
  let count = 0;
  for (const collection of collections)
    for await (const page of open.capturer?.records(collection, { after: null, since: null, signal: never }) ?? [])
      count += page.records.length;
  return count;
}

async function readBack(
  open: OpenPlatform,
  collections: readonly Collection[],
  keys: ReadonlyMap<string, readonly string[]>,
): Promise<number> {
  let count = 0;
  for (const one of collections) count += (await open.platform.readItems(one, keys.get(one.id) ?? [], never)).length;
  return count;
}

async function bare(sent: readonly Sent[]): Promise<number> {
  const from = performance.now();
  for (const { method, url, headers, body } of sent) {
    const answer = await fetch(url, { method, headers, ...(body === null ? {} : { body }) });
    await answer.json();
  }
  return performance.now() - from;
}

async function bench(product: FaultyProduct): Promise<(string | number | null)[][]> {
  const started = await product.start();
  const watched = watching();
  try {
    const [clock, random, telemetry] = [systemClock(), systemRandom(), memoryTelemetry()];
    const budgets = { spend: () => Promise.resolve({ granted: true, left: 1 }) };
    const http = createHttpFactory({ clock, random, telemetry, dispatcher: watched.dispatcher, budgets });
    const config = product.definition.schema.parse({ url: started.url, ...started.config, pageSize: 1000 });
    const bound = bindSecrets(config, { env: started.secrets, baseDir: "/" }).value;
    const open = product.definition.open(bound, { clock, random, telemetry, http });
    await fill(product, started, (await open.platform.inventory(never)).collections);
    const { collections } = await open.platform.inventory(never);
    const keys = new Map<string, string[]>();
    for (const collection of collections)
      for await (const page of open.platform.listKeys(collection, never))
        keys.set(collection.id, [...(keys.get(collection.id) ?? []), ...page.map(({ key }) => key)]);
    const rows: (string | number | null)[][] = [];
    for (const [what, work] of [
      ["captured", () => captured(open, collections)],
      ["read back", () => readBack(open, collections, keys)],
    ] as const) {
      await work();
      const runs: {
        readonly records: number;
        readonly wallMs: number;
        readonly busyMs: number;
        readonly requests: number;
        readonly bareMs: number;
      }[] = [];
      for (let run = 0; run < RUNS; run += 1) {
        watched.take();
        const from = performance.now();
        const records = await work();
        const wallMs = performance.now() - from;
        const { sent, busyMs } = watched.take();
        runs.push({ records, wallMs, busyMs, requests: sent.length, bareMs: await bare(sent) });
      }
      const [first] = runs;
      const of = (pick: (run: (typeof runs)[number]) => number): number => median(runs.map(pick));
      rows.push([
        `${product.definition.type}, ${what}`,
        first?.records ?? 0,
        Math.round(of(({ records, wallMs }) => (records * 1000) / wallMs)),
        of(({ records, requests }) => (requests * 1000) / records),
        `${Math.round(100 * of(({ busyMs, wallMs }) => busyMs / wallMs))} %`,
        Math.round(of(({ records, bareMs }) => (records * 1000) / bareMs)),
        of(({ wallMs, bareMs }) => wallMs / bareMs).toFixed(2),
      ]);
    }
    return rows;
  } finally {
    await watched.dispatcher.destroy();
    await started.stop();
  }
}

console.log(machine());
const rows: (string | number | null)[][] = [];
for (const product of PRODUCTS) rows.push(...(await bench(product)));
const headers = [
  "product",
  "records",
  "records/s",
  "requests per 1,000",
  "waiting for it",
  "bare loop, records/s",
  "time of bare (goal 1.10)",
];
console.log(table(`Reading products (median of ${RUNS})`, headers, rows));
