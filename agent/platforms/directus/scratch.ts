/** A Directus of its own to restore into. Whatever is made there bears the tag in its note, description or folder, and is removed by it. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { AgentError } from "../../core/errors.ts";
import type { PlatformDeps, ReadBack, ScratchWorkspace } from "../../core/platform-ports.ts";
import type { ContentRecord } from "../../core/content.ts";
import type { Client } from "./client.ts";
import { refusalOf } from "./errors.ts";
import { accessOf } from "../../products/directus/documents.ts";
import { describe, readDocuments } from "./inventory.ts";
import { collectionsOf } from "../../products/directus/model.ts";
import { identityOf } from "./platform.ts";
import { pagesOf } from "./records.ts";
import * as answers from "./schema.ts";
import { loadInto } from "./scratch-load.ts";

const PAGE = 1000;
const thing = z.object({ id: z.string(), description: z.string().nullish(), note: z.string().nullish(), name: z.string().nullish() });

export function createScratch(client: Client, url: string, deps: Pick<PlatformDeps, "clock">): ScratchWorkspace {
  return {
    provision: async (tag, production, signal) => {
      const { instance } = await identityOf(client, { url }, signal);
      if (instance === null || production.instance === null || instance === production.instance)
        throw new AgentError("config", "scratch-is-production", "directus: The scratch place is, or could be, the source itself.", {
          mend: "point scratch.url at another, empty installation",
        });
      const { id } = await client.post("/folders", { name: tag }, answers.createdSchema, signal);
      return { id, tag, createdAt: deps.clock.now() };
    },
    load: (workspace, set, signal, turn) => loadInto(client, workspace, set, signal, turn),
    readBack: async (workspace, set, loaded, signal): Promise<ReadBack> => {
      const documents = await readDocuments(client, signal);
      const ours = new Set(
        documents.snapshot.collections.filter((one) => bears(one.meta?.note, workspace.tag)).map((one) => one.collection),
      );
      const wanted = new Set(set.collections.map((one) => one.id).filter((id) => ours.has(id)));
      const collections = collectionsOf(documents.snapshot, wanted).map((one) => one.collection);
      const records = new Map<string, readonly ContentRecord[]>();
      for (const collection of collections) {
        const known = loaded.keys.get(collection.id);
        const found: ContentRecord[] = [];
        for await (const page of pagesOf(client, collection, { after: null, since: null, pageSize: PAGE, signal }))
          found.push(...page.map((record) => (known?.has(record.key) === true ? record : { ...record, key: `?${record.key}` })));
        records.set(collection.id, found);
      }
      const flows = documents.flows.filter((one) => bears(one.description, workspace.tag));
      const files = documents.files.filter((one) => set.fileBytes.has(one.id));
      const fileDigests = new Map<string, string>();
      for (const file of files) {
        const hash = createHash("sha256");
        for await (const part of (await client.asset(file.id, signal)).body) hash.update(part);
        fileDigests.set(file.id, hash.digest("hex"));
      }
      const entries = new Set(set.access.map((one) => one.id));
      return {
        ...describe({ ...documents, flows, files }),
        access: accessOf(documents).filter((one) => entries.has(one.id)),
        collections,
        aspects: set.aspects,
        records,
        fileDigests,
        running: flows.filter((one) => one.status === "active").map((one) => one.id),
      };
    },
    dispose: async (workspace, signal) => {
      await clear(client, workspace.tag, signal);
      return {
        left: [
          "Directus keeps activity and revisions of the flows, files, roles and fields that were restored until they expire; those of records go with their collection.",
        ],
      };
    },
    sweep: async (prefix, keep, signal) => {
      const folders = await client.all("/folders", answers.folderSchema, signal, { fields: "id,name,parent" });
      const tags = [...new Set(folders.map((one) => one.name).filter((name) => name.startsWith(prefix) && !keep.has(name)))];
      for (const tag of tags) await clear(client, tag, signal);
      return { found: tags.length, removed: tags.length };
    },
  };
}

/** The tag itself, or the tag and what stood there before. */
export function bears(text: string | null | undefined, tag: string): boolean {
  return text === tag || text?.startsWith(`${tag} `) === true;
}

/** The folder goes last: by it a workspace that was only half removed is found again. */
async function clear(client: Client, tag: string, signal: AbortSignal): Promise<void> {
  const list = async (path: string): Promise<readonly string[]> =>
    (await client.all(path, thing, signal, { fields: "*" })).filter((one) => bears(one.description ?? one.note, tag)).map((one) => one.id);
  for (const path of ["/flows", "/users", "/roles", "/policies", "/dashboards"])
    for (const id of await list(path)) await client.remove(`${path}/{id}`, { id }, signal);
  await clearCollections(client, tag, signal);
  const folders = await foldersOf(client, tag, signal);
  for (const folder of folders) {
    const files = await client.all("/files", answers.createdSchema, signal, { fields: "id", "filter[folder][_eq]": folder });
    for (const { id } of files) await client.remove("/files/{id}", { id }, signal);
  }
  for (const id of folders.toReversed()) await client.remove("/folders/{id}", { id }, signal);
  const left = [...(await foldersOf(client, tag, signal)), ...(await taggedCollections(client, tag, signal)), ...(await list("/flows"))];
  if (left.length > 0)
    throw new AgentError(
      "transient",
      "scratch-not-removed",
      `directus: ${left.length} things of a scratch workspace could not be removed.`,
    );
}

/** Foreign keys first: Directus answers 500 where another table still points at the one that is to go. */
async function clearCollections(client: Client, tag: string, signal: AbortSignal): Promise<void> {
  const ours = new Set(await taggedCollections(client, tag, signal));
  const relations = await client.get("/relations", z.array(answers.relationSchema), signal);
  for (const { collection, field } of relations)
    if (ours.has(collection)) await client.remove("/relations/{collection}/{field}", { collection, field }, signal);
  for (let left = await taggedCollections(client, tag, signal), before = left.length + 1; left.length > 0 && left.length < before;) {
    for (const collection of left) {
      try {
        await client.remove("/collections/{collection}", { collection }, signal);
      } catch (thrown) {
        // Another one still points at it: it goes in the next round.
        if (refusalOf(thrown) === null) throw thrown;
      }
    }
    before = left.length;
    left = await taggedCollections(client, tag, signal);
  }
}

async function taggedCollections(client: Client, tag: string, signal: AbortSignal): Promise<readonly string[]> {
  const all = await client.get("/collections", z.array(answers.collectionSchema), signal);
  const found = all.filter((one) => bears(one.meta?.note, tag));
  // Folders of collections last: what lies in them refers to them.
  return found.sort((a, b) => Number((a.schema ?? null) === null) - Number((b.schema ?? null) === null)).map((one) => one.collection);
}

/** The workspace's folder and all below, parents before children. */
async function foldersOf(client: Client, tag: string, signal: AbortSignal): Promise<readonly string[]> {
  const all = await client.all("/folders", answers.folderSchema, signal, { fields: "id,name,parent" });
  const found = all.filter((one) => one.name === tag).map((one) => one.id);
  for (const id of found) found.push(...all.filter((one) => one.parent === id).map((one) => one.id));
  return found;
}
