/** What a workspace holds, in the ids of the backup: what was made for it carries its place in the name. */
import type { Automation, Collection, ContentRecord } from "../../core/content.ts";
import type { LoadOutcome, ReadBack, RestoreSet } from "../../core/platform-ports.ts";
import { collectionOf } from "../../products/n8n/tables.ts";
import { automationOf, rewritten, type Workflow } from "../../products/n8n/workflows.ts";
import { type Client, ifThere, MOST_ROWS } from "./client.ts";
import { nameOf } from "./names.ts";
import { pagesOf } from "./records.ts";
import { documentsOf, type Ids, matchCredentials, rewriteWith } from "./scratch-load.ts";

export async function readInstance(
  client: Client,
  title: string,
  set: RestoreSet,
  loaded: LoadOutcome,
  signal: AbortSignal,
): Promise<ReadBack> {
  const prefix = `${title} `;
  const tables = (await client.tables(signal)).filter((one) => one.name.startsWith(prefix));
  const listed = (await client.workflows(signal)).filter((one) => one.name.startsWith(prefix));
  const ourTable = named(title, set.collections);
  const ourWorkflow = named(title, set.automations);
  const theirs = await client.credentials(signal);
  const credentials = new Map<string, string>();
  matchCredentials(set, documentsOf(set).credentials, theirs, credentials, new Map());
  const back: Ids = {
    workflow: new Map(listed.map((one) => [one.id, ourWorkflow(one.name)?.id ?? `?${one.id}`])),
    table: new Map(tables.map((one) => [one.id, ourTable(one.name)?.id ?? `?${one.id}`])),
    credential: new Map([...credentials].map(([ours, scratch]) => [scratch, ours])),
  };
  const workflows: Workflow[] = [];
  for (const { id } of listed) {
    const read = await ifThere(() => client.workflow(id, signal));
    const ours = back.workflow.get(id) ?? `?${id}`;
    if (read !== null)
      workflows.push({ ...read, ...rewritten(read, rewriteWith(back)), id: ours, name: ourWorkflow(read.name)?.name ?? read.name });
  }
  const collections: Collection[] = [];
  const records = new Map<string, readonly ContentRecord[]>();
  for (const table of tables) {
    const live = collectionOf(table);
    const ours = ourTable(table.name);
    const mapped = translated(live, ours ?? null, back.table.get(table.id) ?? `?${table.id}`);
    collections.push(mapped);
    const keys = new Map([...(loaded.keys.get(mapped.id) ?? [])].map(([key, given]): [string, string] => [given, key]));
    const read: ContentRecord[] = [];
    for await (const page of pagesOf(client, live, { after: null, since: null, pageSize: MOST_ROWS, signal }))
      read.push(...page.map((record) => ({ ...record, key: keys.get(record.key) ?? `?${record.key}` })));
    records.set(mapped.id, read);
  }
  const known = {
    workflow: new Set(workflows.map((one) => one.id)),
    table: new Set(collections.map((one) => one.id)),
    credential: new Set(credentials.keys()),
  };
  const automations: readonly Automation[] = workflows.map((one) => automationOf(one, known));
  return {
    collections,
    automations,
    // Those of the scratch place, by the ids of the backup: their secrets are the scratch place's own.
    credentials: set.credentials.filter((one) => credentials.has(one.id)).map((one) => ({ ...one, state: "not-included" as const })),
    files: [],
    access: [],
    settings: [],
    views: [],
    aspects: set.aspects,
    records,
    fileDigests: new Map(),
    running: automations.filter((one) => one.active).map((one) => one.id),
  };
}

function named<T extends { readonly name: string }>(title: string, items: readonly T[]): (name: string) => T | undefined {
  const places = new Map(items.map((one, place) => [nameOf(title, place, one.name), one]));
  return (name) => places.get(name);
}

function translated(live: Collection, ours: Collection | null, id: string): Collection {
  const fields = live.fields.map((field) => ({ ...field, id: ours?.fields.find((one) => one.name === field.name)?.id ?? `?${field.id}` }));
  return { ...live, id, name: ours?.name ?? live.name, fields };
}
