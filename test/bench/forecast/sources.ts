/** Real products whose source grows from trial to trial, read whole through the agent's own connectors. */
import type { Collection, ContentRecord } from "../../../agent/core/content.ts";
import type { OpenPlatform, RestoreSet } from "../../../agent/core/platform-ports.ts";
import type { FaultyProduct, Started } from "../../platforms/faults/products.ts";
import { adminOf, production } from "../../platforms/node-red/flows.ts";

const never = new AbortController().signal;

/** Adds so many records; `from` is how many were added before. */
export async function grow(
  product: FaultyProduct,
  started: Started,
  collections: readonly Collection[],
  from: number,
  count: number,
): Promise<void> {
  const numbers = Array.from({ length: count }, (_, at) => from + at);
  const token = started.secrets["TOKEN"] ?? "";
  const id = (name: string): string => collections.find((one) => one.name === name)?.id ?? "";
  const words = (at: number): string => `thing ${at} ${"of many words ".repeat(at % 7)}`;
  switch (product.definition.type) {
    case "node-red": {
      const admin = await adminOf({ url: started.url, user: "admin", password: started.secrets["PASSWORD"] ?? "" });
      const notes = Array.from({ length: from + count }, (_, at) => ({
        id: `more${at}`,
        type: "comment",
        z: "tab2",
        name: words(at),
        x: 1,
        y: 1,
        wires: [],
      }));
      await admin.deploy([...production("http://127.0.0.1:1/"), ...notes]);
      return;
    }
    case "nocodb":
      for (const part of chunks(numbers, 100))
        await post(
          `${started.url}/api/v2/tables/${id("Books")}/records`,
          { "xc-token": token },
          part.map((at) => ({ Name: words(at), Pages: at })),
        );
      return;
    case "n8n":
      for (const part of chunks(numbers, 500))
        await post(
          `${started.url}/api/v1/data-tables/${id("things")}/rows`,
          { "x-n8n-api-key": token },
          { data: part.map((at) => ({ title: words(at), pages: at })), returnType: "count" },
        );
      return;
    default:
      for (const part of chunks(numbers, 500))
        await post(
          `${started.url}/items/articles`,
          { authorization: `Bearer ${token}` },
          part.map((at) => ({ title: words(at), pages: at })),
        );
  }
}

function chunks<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size));
}

async function post(url: string, headers: Readonly<Record<string, string>>, body: unknown): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${new URL(url).pathname} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  await answer.arrayBuffer();
}

/** Everything that is restored when all is restored. */
export async function wholeSet({ platform, capturer }: OpenPlatform): Promise<RestoreSet> {
  if (capturer === null) throw new Error("it cannot be read whole");
  const inventory = await platform.inventory(never);
  const collections = inventory.collections.filter((one) => !one.computed);
  const records = new Map<string, readonly ContentRecord[]>();
  for (const collection of collections) {
    const read: ContentRecord[] = [];
    for await (const page of capturer.records(collection, { after: null, since: null, signal: never })) read.push(...page.records);
    records.set(collection.id, read);
  }
  const fileBytes = new Map<string, Uint8Array>();
  for (const file of inventory.files) {
    if (file.presence !== "inside") continue;
    const parts: Uint8Array[] = [];
    for await (const part of capturer.fileBytes(file, never)) parts.push(part);
    fileBytes.set(file.id, Buffer.concat(parts));
  }
  const originals = JSON.parse(JSON.stringify(inventory.originals)) as RestoreSet["originals"];
  return { ...inventory, collections, originals, records, fileBytes, cut: new Set() };
}
