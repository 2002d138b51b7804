/** Everything of a base but its records: tables, views by name, people by id, and the attachments the records hold. */
import type { AccessEntry, Aspect, AspectState, FileItem } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/ids.ts";
import type { Json, LiveInventory } from "../../core/platform-ports.ts";
import type { Client } from "./client.ts";
import { collectionOf } from "./model.ts";
import { listing, type Place } from "./records.ts";
import type { BasePeople, Table } from "./schema.ts";
import { attachmentsOf } from "./values.ts";

/** Where an attachment was seen, and the address it was given out with: that one lives for two hours. */
export interface SeenFile {
  readonly table: string;
  readonly record: string;
  readonly field: string;
  readonly url: string;
  /** By our own monotonic clock, ms. */
  readonly seenAt: number;
}

export async function readInventory(
  client: Client,
  place: Place,
  seen: Map<string, SeenFile>,
  monotonic: () => number,
  signal: AbortSignal,
): Promise<LiveInventory> {
  const tables = await client.tables(place.base, signal);
  const people = await peopleOf(client, place.base, signal);
  const files: FileItem[] = [];
  for (const table of tables) files.push(...(await filesOf(client, place, table, seen, monotonic, signal)));
  return {
    collections: tables.map(collectionOf),
    automations: [],
    credentials: [],
    files: files.sort((a, b) => (a.id < b.id ? -1 : 1)),
    access: people === null ? [] : accessOf(people),
    settings: [],
    views: tables.flatMap((table) => table.views.map(({ id, name, type }) => ({ id, name, type, collection: table.id, broken: null }))),
    aspects: aspectsOf(people !== null),
    originals: { schema: { tables } as unknown as Json },
  };
}

/** Airtable has no list of its files: the cells that hold them are read. */
async function filesOf(
  client: Client,
  place: Place,
  table: Table,
  seen: Map<string, SeenFile>,
  monotonic: () => number,
  signal: AbortSignal,
): Promise<readonly FileItem[]> {
  const fields = table.fields.filter((field) => field.type === "multipleAttachments").map((field) => field.id);
  if (fields.length === 0) return [];
  const found: FileItem[] = [];
  for await (const rows of listing(client, place, table, { fields }, signal))
    for (const row of rows)
      for (const field of fields)
        for (const one of attachmentsOf(row.fields[field])) {
          seen.set(one.id, { table: table.id, record: row.id, field, url: one.url, seenAt: monotonic() });
          found.push({
            id: one.id,
            name: one.filename ?? one.id,
            bytes: one.size ?? null,
            declaredType: one.type ?? null,
            declaredDigest: null,
            presence: "inside",
          });
        }
  return found;
}

/** @returns null where the token may not see who works in the base */
async function peopleOf(client: Client, base: string, signal: AbortSignal): Promise<BasePeople | null> {
  try {
    return await client.people(base, signal);
  } catch (thrown) {
    // The schema was given out before: it is not the token as such that is refused.
    if (thrown instanceof AgentError && thrown.kind === "auth") return null;
    throw thrown;
  }
}

function accessOf(people: BasePeople): readonly AccessEntry[] {
  const one = (id: string, level: string): AccessEntry => ({ kind: "membership", id, digest: sha256Hex(level), broken: null });
  const { individualCollaborators: each, groupCollaborators: groups } = people;
  const entries = [
    ...[...(each?.baseCollaborators ?? []), ...(each?.workspaceCollaborators ?? [])].map((who) => one(who.userId, who.permissionLevel)),
    ...[...(groups?.baseCollaborators ?? []), ...(groups?.workspaceCollaborators ?? [])].map((who) =>
      one(who.groupId, who.permissionLevel),
    ),
  ];
  return [...new Map(entries.map((entry) => [`${entry.id} ${entry.digest}`, entry])).values()];
}

function aspectsOf(people: boolean): Readonly<Record<Aspect, AspectState>> {
  const included: AspectState = { included: true };
  const never = (reason: string): AspectState => ({ included: false, reason });
  return {
    records: included,
    links: included,
    views: included,
    automations: never("Airtable's API knows no automations, interfaces or forms"),
    credentials: never("Airtable gives out no credentials"),
    files: included,
    access: people ? included : never("the token may not see who works in the base"),
    settings: never("Airtable's API knows no settings of a base"),
    templates: never("Airtable's API knows no record templates"),
    sequences: never("auto numbers are Airtable's own; the next one is not told"),
    timestamps: included,
    audit: never("the audit log is given out to Enterprise accounts only"),
  };
}
