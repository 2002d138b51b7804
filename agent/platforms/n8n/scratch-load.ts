/** A backup into a workspace: workflows first and switched off, then data tables; ids are n8n's own and are remapped. */
import { z } from "zod";
import type { Collection, ContentRecord } from "../../core/content.ts";
import type { Json, LoadOutcome, LoadTurn, RestoreSet } from "../../core/platform-ports.ts";
import { type Rewrite, rewritten, type WorkflowBody } from "../../products/n8n/workflows.ts";
import { type Client, isOwn500, isRefusal } from "./client.ts";
import { unexpected } from "./errors.ts";
import { nameOf } from "./names.ts";
import {
  type CredentialEntry,
  createdSchema,
  credentialSchema,
  ignoredSchema,
  insertedSchema,
  tableSchema,
  workflowSchema,
} from "./schema.ts";
import { toN8n } from "./values.ts";

const MOST_INSERTS = 500;
/** Characters in one insert; a body of 16 MB is refused. */
const MOST_CHARACTERS = 8_000_000;

/** Id in the backup → id in the scratch place, by kind. */
export type Ids = Record<"workflow" | "credential" | "table", Map<string, string>>;
type Refused = Map<string, { readonly aspect: string; readonly reason: string; count: number }>;

export async function loadInstance(
  client: Client,
  title: string,
  set: RestoreSet,
  signal: AbortSignal,
  turn?: (next: LoadTurn) => void,
): Promise<LoadOutcome> {
  const ids: Ids = { workflow: new Map(), credential: new Map(), table: new Map() };
  const refused: Refused = new Map();
  const documents = documentsOf(set);
  matchCredentials(set, documents.credentials, await client.credentials(signal), ids.credential, refused);
  const made = await createWorkflows(client, title, set, documents.workflows, ids, refused, signal);
  for (const [place, collection] of set.collections.entries()) {
    const columns = collection.fields.map((field) => ({ name: field.name, type: field.platformType }));
    const body = { name: nameOf(title, place, collection.name), columns };
    ids.table.set(collection.id, (await client.send("POST", "/data-tables", {}, body, tableSchema, signal)).id);
  }
  for (const [id, body] of made) {
    const mapped = rewritten(body, rewriteWith(ids));
    if (JSON.stringify(mapped) === JSON.stringify(rewritten(body, (_, one) => one))) continue;
    const place = set.automations.findIndex((one) => one.id === id);
    const name = nameOf(title, place, set.automations[place]?.name ?? "");
    const workflow = ids.workflow.get(id) ?? "";
    await client.send("PUT", "/workflows/{workflow}", { workflow }, sent(name, mapped), ignoredSchema, signal);
  }
  const keys = new Map<string, ReadonlyMap<string, string>>();
  for (const collection of set.collections) {
    turn?.({ step: "records", collection: collection.id });
    keys.set(collection.id, await insertRows(client, ids.table.get(collection.id) ?? "", collection, set, refused, signal));
  }
  const tagged = documents.workflows.filter((one) => (one.tags ?? []).length > 0).length;
  if (tagged > 0) count(refused, "automations", "tags belong to the whole instance and are not made anew in a scratch place", tagged);
  return {
    claimed: new Map([...keys].map(([id, given]) => [id, given.size])),
    keys,
    refused: [...refused.values()],
  };
}

/** @returns the rewriting of ids of the backup; what has no counterpart keeps its id, which leads nowhere in a scratch place */
export function rewriteWith(ids: Ids): Rewrite {
  return (kind, id) => ids[kind].get(id) ?? id;
}

/** The product's own documents as a capture kept them; one that does not fit is left out and missed when it is read back. */
export function documentsOf(set: Pick<RestoreSet, "originals">) {
  const listOf = <T>(name: string, schema: z.ZodType<T>): readonly T[] => {
    const list: unknown = set.originals[name];
    return (Array.isArray(list) ? list : []).flatMap((one: unknown) => {
      const read = schema.safeParse(one);
      return read.success ? [read.data] : [];
    });
  };
  const kept = workflowSchema.extend({ tags: z.array(z.string()).nullish() });
  return { workflows: listOf("workflows", kept), credentials: listOf("credentials", credentialSchema) };
}

/** Secrets cannot be restored: where the scratch place has a credential of the same type and name, workflows are led to it. */
export function matchCredentials(
  set: Pick<RestoreSet, "credentials">,
  ours: readonly CredentialEntry[],
  theirs: readonly CredentialEntry[],
  ids: Map<string, string>,
  refused: Refused,
): void {
  for (const { id } of set.credentials) {
    const entry = ours.find((one) => one.id === id);
    const same = theirs.filter((one) => one.type === entry?.type && one.name === entry.name);
    if (same.length === 1 && same[0] !== undefined) ids.set(id, same[0].id);
    else count(refused, "credentials", "the API never gives out secrets, and the scratch place has no credential of that type and name", 1);
  }
}

async function createWorkflows(
  client: Client,
  title: string,
  set: RestoreSet,
  documents: ReturnType<typeof documentsOf>["workflows"],
  ids: Ids,
  refused: Refused,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, WorkflowBody>> {
  const made = new Map<string, WorkflowBody>();
  for (const [place, automation] of set.automations.entries()) {
    signal.throwIfAborted();
    const document = documents.find((one) => one.id === automation.id);
    if (document === undefined) {
      count(refused, "automations", "the backup holds no document of the workflow", 1);
      continue;
    }
    const body = sent(nameOf(title, place, automation.name), document);
    try {
      const { id } = await client.send("POST", "/workflows", {}, body, createdSchema, signal);
      ids.workflow.set(automation.id, id);
      made.set(automation.id, document);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      count(refused, "automations", "n8n refuses a workflow as the backup holds it", 1);
    }
  }
  return made;
}

/** Everything else is read-only: sending it is 400. It is created inactive. */
function sent(name: string, body: WorkflowBody): Json {
  const { binaryMode: _, ...settings } = body.settings ?? {};
  // What a capture kept came as JSON.
  return { name, nodes: body.nodes, connections: body.connections, settings } as unknown as Json;
}

/** @returns key in the backup → key in the workspace */
async function insertRows(
  client: Client,
  table: string,
  collection: Collection,
  set: RestoreSet,
  refused: Refused,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const given = new Map<string, string>();
  const send = async (part: readonly Prepared[], again = false): Promise<void> => {
    if (part.length === 0) return;
    signal.throwIfAborted();
    const body = { data: part.map((one) => one.row), returnType: "id" };
    try {
      const answer = await client.send("POST", "/data-tables/{table}/rows", { table }, body, insertedSchema, signal);
      if (answer.length !== part.length) throw unexpected("fewer new rows than were sent");
      part.forEach((one, at) => given.set(one.key, String(answer[at]?.id ?? "")));
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      // One value that it does not take refuses the whole batch; a trouble of its own that passes is no value's fault.
      if (part.length === 1 && !again && isOwn500((thrown as Error).cause)) await send(part, true);
      else if (part.length === 1) count(refused, "records", "n8n refuses a row with the values the backup holds", 1);
      else for (const half of [part.slice(0, part.length >> 1), part.slice(part.length >> 1)]) await send(half);
    }
  };
  for (const part of batches((set.records.get(collection.id) ?? []).map((record) => prepared(record, collection)))) await send(part);
  return given;
}

interface Prepared {
  readonly key: string;
  readonly row: Readonly<Record<string, Json>>;
  readonly size: number;
}

function prepared(record: ContentRecord, collection: Collection): Prepared {
  const row = Object.fromEntries(
    collection.fields.map((field, at): [string, Json] => [field.name, toN8n(field, record.values[at] ?? null)]),
  );
  return { key: record.key, row, size: JSON.stringify(row).length };
}

function* batches(rows: readonly Prepared[]): Generator<readonly Prepared[]> {
  let part: Prepared[] = [];
  let size = 0;
  for (const row of rows) {
    if (part.length > 0 && (part.length >= MOST_INSERTS || size + row.size > MOST_CHARACTERS)) {
      yield part;
      [part, size] = [[], 0];
    }
    part.push(row);
    size += row.size;
  }
  yield part;
}

function count(refused: Refused, aspect: string, reason: string, more: number): void {
  const known = refused.get(reason);
  if (known === undefined) refused.set(reason, { aspect, reason, count: more });
  else known.count += more;
}
