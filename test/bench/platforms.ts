/**
 * How fast products are read, beside a bare loop of `fetch` over the very same calls, one after the other, in the same run; and how fast a
 * sample is restored into a scratch place. `npm run bench:platforms -- nocodb n8n`: only these.
 */
import { Agent, type Dispatcher } from "undici";
import type { Collection, ContentRecord } from "../../agent/core/content.ts";
import type { OpenPlatform, PlatformDeps, RestoreSet } from "../../agent/core/platform-ports.ts";
import { createHttpFactory } from "../../agent/engine/platforms/http.ts";
import { systemClock } from "../../agent/kit/clock.ts";
import { systemRandom } from "../../agent/kit/random.ts";
import { bindSecrets } from "../../agent/kit/secret.ts";
import { memoryTelemetry } from "../doubles/telemetry.ts";
import { type FaultyProduct, PRODUCTS, type ScratchPlace, type Started } from "../platforms/faults/products.ts";
import { adminOf, production } from "../platforms/node-red/flows.ts";
import { machine, median, table } from "./table.ts";

const RECORDS = 5000;
const RUNS = 5;
/** A sample is restored, not everything. */
const RESTORED = 1000;
const RESTORES = 3;
/** Requests a second that a product takes; with so few, a twentieth of the records tells as much. */
const LIMITS: Readonly<Record<string, number>> = { airtable: 5 };
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

function recordsOf(type: string): number {
  return LIMITS[type] === undefined ? RECORDS : RECORDS / 20;
}

/** @returns waits until the product takes the next request */
function paced(type: string): () => Promise<void> {
  const limit = LIMITS[type];
  // A tenth more than it allows: the product counts when it gets them.
  const gap = limit === undefined ? 0 : 1100 / limit;
  let next = 0;
  return async () => {
    const wait = next - performance.now();
    next = Math.max(next, performance.now()) + gap;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  };
}

/** Requests of before do not count any more: who limits them looks at the last second. */
async function settled(type: string): Promise<void> {
  if (LIMITS[type] !== undefined) await new Promise((resolve) => setTimeout(resolve, 1100));
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
  const { type } = product.definition;
  const rows = (size: number): readonly number[][] =>
    Array.from({ length: recordsOf(type) / size }, (_, part) => Array.from({ length: size }, (_each, at) => part * size + at));
  const token = started.secrets["TOKEN"] ?? "";
  switch (type) {
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
    case "n8n": {
      const things = collections.find(({ name }) => name === "things")?.id ?? "";
      for (const part of rows(500))
        await post(
          `/api/v1/data-tables/${things}/rows`,
          { "x-n8n-api-key": token },
          { data: part.map((at) => ({ title: `thing ${at}`, pages: at })), returnType: "count" },
        );
      return;
    }
    case "airtable": {
      const authors = collections.find(({ name }) => name === "Authors")?.id ?? "";
      const pace = paced(type);
      await settled(type);
      for (const part of rows(10)) {
        await pace();
        const records = part.map((at) => ({ fields: { Name: `author ${at}` } }));
        await post(`/${String(started.config["base"])}/${authors}`, { authorization: `Bearer ${token}` }, { records });
      }
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

/** @param known null: of Node-RED, which gives out everything at once, the one answer is read anew */
async function captured(open: OpenPlatform, known: readonly Collection[] | null): Promise<number> {
  let count = 0;
  for (const collection of known ?? (await open.platform.inventory(never)).collections)
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

async function bare(type: string, sent: readonly Sent[]): Promise<number> {
  const pace = paced(type);
  await settled(type);
  const from = performance.now();
  for (const { method, url, headers, body } of sent) {
    await pace();
    const answer = await fetch(url, { method, headers, ...(body === null ? {} : { body }) });
    await answer.json();
  }
  return performance.now() - from;
}

/** The first records of each collection, in key order, and every file. */
async function sampleOf({ platform, capturer }: OpenPlatform, type: string): Promise<RestoreSet> {
  const inventory = await platform.inventory(never);
  // Of one list of nodes all are restored: the product takes them as one.
  const most = type === "node-red" ? Infinity : Math.min(RESTORED, recordsOf(type));
  const records = new Map<string, readonly ContentRecord[]>();
  for (const collection of inventory.collections) {
    const read: ContentRecord[] = [];
    for await (const page of capturer?.records(collection, { after: null, since: null, signal: never }) ?? []) {
      read.push(...page.records);
      if (read.length >= most) break;
    }
    records.set(collection.id, read.slice(0, most));
  }
  const fileBytes = new Map<string, Uint8Array>();
  for (const file of inventory.files) {
    if (file.presence !== "inside") continue;
    const parts: Uint8Array[] = [];
    for await (const part of capturer?.fileBytes(file, never) ?? []) parts.push(part);
    fileBytes.set(file.id, Buffer.concat(parts));
  }
  const originals = JSON.parse(JSON.stringify(inventory.originals)) as RestoreSet["originals"];
  return { ...inventory, originals, records, fileBytes, cut: new Set() };
}

/** Loads the sample into a workspace of its own; provision, reading back and disposing are not counted. */
async function restored(
  product: FaultyProduct,
  open: OpenPlatform,
  place: ScratchPlace,
  deps: PlatformDeps,
  watched: ReturnType<typeof watching>,
): Promise<(string | number | null)[]> {
  const { definition } = product;
  const set = await sampleOf(open, definition.type);
  const { identity } = await open.platform.probe(never);
  const config = definition.scratchSchema?.parse({ url: place.url, ...place.config });
  const { workspace } = definition.openScratch(bindSecrets(config, { env: place.secrets, baseDir: "/" }).value, deps);
  const records = [...set.records.values()].reduce((sum, list) => sum + list.length, 0);
  const runs: { readonly wallMs: number; readonly busyMs: number; readonly requests: number }[] = [];
  for (let run = 0; run < RESTORES; run += 1) {
    const made = await workspace.provision(`restorewatch-bench-000000-${run}`, identity, never);
    watched.take();
    const from = performance.now();
    const loaded = await workspace.load(made, set, never);
    const wallMs = performance.now() - from;
    const { sent, busyMs } = watched.take();
    runs.push({ wallMs, busyMs, requests: sent.length });
    const back = await workspace.readBack(made, set, loaded, never);
    const found = [...back.records.values()].reduce((sum, list) => sum + list.length, 0);
    if (found !== records) throw new Error(`${definition.type}: of ${records} restored records ${found} are there`);
    await workspace.dispose(made, never);
  }
  const of = (pick: (run: (typeof runs)[number]) => number): number => median(runs.map(pick));
  return [
    `${definition.type}, restored`,
    records,
    Math.round(of(({ wallMs }) => (records * 1000) / wallMs)),
    of(({ requests }) => (requests * 1000) / records),
    `${Math.round(100 * of(({ busyMs, wallMs }) => busyMs / wallMs))} %`,
    null,
    null,
  ];
}

async function bench(product: FaultyProduct): Promise<(string | number | null)[][]> {
  const started = await product.start();
  const watched = watching();
  try {
    const [clock, random, telemetry] = [systemClock(), systemRandom(), memoryTelemetry()];
    const budgets = { spend: () => Promise.resolve({ granted: true, left: 1 }) };
    const http = createHttpFactory({ clock, random, telemetry, dispatcher: watched.dispatcher, budgets });
    const { type } = product.definition;
    const pageSize = { n8n: 250, airtable: 100 }[type] ?? 1000;
    const config = product.definition.schema.parse({ url: started.url, ...started.config, pageSize });
    const bound = bindSecrets(config, { env: started.secrets, baseDir: "/" }).value;
    const deps: PlatformDeps = { clock, random, telemetry, http };
    const open = product.definition.open(bound, deps);
    await fill(product, started, (await open.platform.inventory(never)).collections);
    await settled(type);
    const { collections } = await open.platform.inventory(never);
    const keys = new Map<string, string[]>();
    for (const collection of collections)
      for await (const page of open.platform.listKeys(collection, never))
        keys.set(collection.id, [...(keys.get(collection.id) ?? []), ...page.map(({ key }) => key)]);
    const rows: (string | number | null)[][] = [];
    for (const [what, work] of [
      ["captured", () => captured(open, type === "node-red" ? null : collections)],
      ["read back", () => readBack(open, collections, keys)],
    ] as const) {
      await settled(type);
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
        await settled(type);
        const from = performance.now();
        const records = await work();
        const wallMs = performance.now() - from;
        const { sent, busyMs } = watched.take();
        runs.push({ records, wallMs, busyMs, requests: sent.length, bareMs: await bare(type, sent) });
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
    rows.push(await restored(product, open, await started.scratch(), deps, watched));
    return rows;
  } finally {
    await watched.dispatcher.destroy();
    await started.stop();
  }
}

console.log(machine());
const rows: (string | number | null)[][] = [];
const wanted = process.argv.slice(2);
for (const product of PRODUCTS.filter(({ definition }) => wanted.length === 0 || wanted.includes(definition.type)))
  rows.push(...(await bench(product)));
const headers = [
  "product",
  "records",
  "records/s",
  "requests per 1,000",
  "waiting for it",
  "bare loop, records/s",
  "time of bare (goal 1.10)",
];
console.log(table(`Reading products (median of ${RUNS}), restoring into them (median of ${RESTORES})`, headers, rows));
