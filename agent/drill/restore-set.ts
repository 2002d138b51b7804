/** Draws the sample that is restored into a scratch workspace: a keyed draw, what must always be looked at, and what those point to. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Collection, ContentRecord, FileItem, Value } from "../core/content.ts";
import type { Json, RestoreSet } from "../core/platform-ports.ts";
import { quoted } from "../core/link-pairs.ts";
import type { Content, LoadReport, OriginalsContent, Row, Sandbox, SandboxTable } from "../core/ports.ts";
import { restoreSetLines } from "../core/restore-set.ts";
import { closeUnderLinks, linksOf } from "../core/sampling/close.ts";
import { drawByLedger } from "./draw-sample.ts";
import { RESTORE_SET_FILE, type RestoreRequest } from "./protocol.ts";

const BATCH = 500;
/** Keys of a collection that are told whole, so that what only production has can be found. */
const MOST_KEYS = 100_000;

/** @returns how many records and files lie in the file, and links that lead out of it */
export async function writeRestoreSet(
  content: Content,
  load: LoadReport,
  sandbox: Pick<Sandbox, "query">,
  request: RestoreRequest,
  always: readonly { readonly collection: string; readonly key: string }[],
  workDir: string,
  signal: AbortSignal,
): Promise<{ readonly records: number; readonly files: number; readonly cut: number }> {
  const set = await drawRestoreSet(content, load, sandbox, request, always, signal, workDir);
  const handle = await open(join(workDir, RESTORE_SET_FILE), "wx", 0o600);
  try {
    for (const line of restoreSetLines(set)) await handle.write(line);
  } finally {
    await handle.close();
  }
  return { records: sizeOf(set), files: set.fileBytes.size, cut: set.cut.size };
}

export async function drawRestoreSet(
  content: Content,
  load: LoadReport,
  sandbox: Pick<Sandbox, "query">,
  request: RestoreRequest,
  always: readonly { readonly collection: string; readonly key: string }[],
  signal: AbortSignal,
  workDir: string | null = null,
): Promise<RestoreSet> {
  const tables = new Map(load.tables.filter((table) => !table.collection.computed).map((table) => [table.collection.id, table]));
  const byLedger =
    workDir === null
      ? new Map<string, readonly string[]>()
      : await drawByLedger([...tables.values()], sandbox, request, always, workDir, signal);
  const others = [...tables.values()].filter((table) => !byLedger.has(table.collection.id));
  const sample = new Map([...byLedger, ...(await draw(others, sandbox, request, always, signal))]);
  const fetched = await fetchClosed(tables, sandbox, sample, request.most, signal);
  const collections = [...tables.values()].map((table) => table.collection);
  const { keys, cut } = closeUnderLinks(collections, fetched, sample, { most: request.most });
  const records = new Map(
    collections.map((collection): [string, readonly ContentRecord[]] => [
      collection.id,
      [...(fetched.get(collection.id)?.values() ?? [])].filter((record) => keys.get(collection.id)?.has(record.key) === true),
    ]),
  );
  const { fileBytes, left } = await readFiles(content, collections, records, request.maxFileBytes, signal);
  const { automations, credentials, files, access, settings, views, aspects } = content;
  return {
    collections,
    automations,
    credentials,
    files: files.filter((file) => fileBytes.has(file.id)),
    access,
    settings,
    views,
    aspects,
    originals: await originalsOf(content, signal),
    records,
    fileBytes,
    cut: new Set([...cut, ...left]),
    keys: await allKeys([...tables.values()], sandbox, signal),
  };
}

async function allKeys(
  tables: readonly SandboxTable[],
  sandbox: Pick<Sandbox, "query">,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const table of tables.filter((one) => one.keyed <= MOST_KEYS)) {
    const rows = await sandbox.query(`SELECT k FROM ${quoted(table.keys)} WHERE k IS NOT NULL`, [], { signal, maxRows: MOST_KEYS });
    found.set(table.collection.id, new Set(rows.map((row) => String(row["k"]))));
  }
  return found;
}

function sizeOf(set: RestoreSet): number {
  return [...set.records.values()].reduce((sum, list) => sum + list.length, 0);
}

/** The smallest keyed digests of each collection, in turns, so that a small collection is not lost beside a great one. */
async function draw(
  tables: readonly SandboxTable[],
  sandbox: Pick<Sandbox, "query">,
  request: RestoreRequest,
  always: readonly { readonly collection: string; readonly key: string }[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const drawn = new Map<string, string[]>();
  const shares = fairShares(
    tables.map((table) => table.loaded),
    request.drawn,
  );
  for (const [at, table] of tables.entries()) {
    const { id, name } = table.collection;
    const share = shares[at] ?? 0;
    const named = always.filter((one) => one.collection === id || one.collection === name).map((one) => one.key);
    const rows = await sandbox.query(
      `SELECT DISTINCT k FROM ${quoted(table.table)} WHERE k IS NOT NULL ORDER BY sha256($1 || k), k LIMIT ${share}`,
      [`${request.seed}/${id}/`],
      { signal, maxRows: share },
    );
    drawn.set(id, [...new Set([...named, ...rows.map((row) => String(row["k"]))])]);
  }
  return drawn;
}

/**
 * As many of each as of the others, as far as there are so many; what a small one leaves over goes to the larger.
 * @returns by place, at least one of each that has any, and `total` in all where there are so many
 */
export function fairShares(sizes: readonly number[], total: number): readonly number[] {
  const shares = sizes.map((size) => Math.min(1, size));
  let left = total - shares.reduce((sum, one) => sum + one, 0);
  for (;;) {
    const open = sizes.flatMap((size, at) => (size > (shares[at] ?? 0) ? [at] : []));
    if (left <= 0 || open.length === 0) return shares;
    const each = Math.max(1, Math.floor(left / open.length));
    for (const at of open) {
      const more = Math.min(each, (sizes[at] ?? 0) - (shares[at] ?? 0), left);
      shares[at] = (shares[at] ?? 0) + more;
      left -= more;
    }
  }
}

async function fetchClosed(
  tables: ReadonlyMap<string, SandboxTable>,
  sandbox: Pick<Sandbox, "query">,
  sample: ReadonlyMap<string, readonly string[]>,
  most: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlyMap<string, ContentRecord>>> {
  const fetched = new Map<string, Map<string, ContentRecord>>([...tables.keys()].map((id) => [id, new Map<string, ContentRecord>()]));
  let wanted = new Map([...sample].map(([id, keys]): [string, ReadonlySet<string>] => [id, new Set(keys)]));
  let count = 0;
  while (wanted.size > 0 && count < most) {
    const next = new Map<string, Set<string>>();
    for (const [id, keys] of wanted) {
      const table = tables.get(id);
      const known = fetched.get(id);
      if (table === undefined || known === undefined) continue;
      const missing = [...keys].filter((key) => !known.has(key)).slice(0, most - count);
      for (const record of await fetchRecords(table, sandbox, missing, signal)) {
        if (known.has(record.key)) continue;
        known.set(record.key, record);
        count += 1;
        for (const link of linksOf(table.collection, record))
          next.set(link.collection, (next.get(link.collection) ?? new Set<string>()).add(link.key));
      }
    }
    wanted = new Map([...next].map(([id, keys]) => [id, new Set([...keys].filter((key) => fetched.get(id)?.has(key) === false))]));
    if ([...wanted.values()].every((keys) => keys.size === 0)) break;
  }
  return fetched;
}

async function fetchRecords(
  table: SandboxTable,
  sandbox: Pick<Sandbox, "query">,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<ContentRecord[]> {
  const records: ContentRecord[] = [];
  const columns = table.columns.map(({ column }) => `, ${quoted(column)}`).join("");
  for (let at = 0; at < keys.length; at += BATCH) {
    const batch = keys.slice(at, at + BATCH);
    const places = batch.map((_, index) => `$${index + 1}`).join(", ");
    const rows = await sandbox.query(
      `SELECT k, created_at, updated_at${columns} FROM ${quoted(table.table)} WHERE k IN (${places}) ORDER BY n`,
      batch,
      { signal, maxRows: BATCH * 2 },
    );
    records.push(...rows.map((row) => recordOf(table, row)));
  }
  return records;
}

function recordOf(table: SandboxTable, row: Row): ContentRecord {
  return {
    key: String(row["k"]),
    values: table.columns.map(({ column }): Value => {
      const value = row[column] ?? null;
      if (value === null) return null;
      return typeof value === "object" ? value.map(String) : String(value);
    }),
    createdAt: momentOf(row["created_at"]),
    updatedAt: momentOf(row["updated_at"]),
  };
}

/** Times come as ISO text in UTC. */
function momentOf(value: Row[string] | undefined): number | null {
  return typeof value === "string" ? Date.parse(/Z$/u.test(value) ? value : `${value.replace(" ", "T")}Z`) : null;
}

/** Files the records hold, until the budget is spent; what is left out is cut, not compared. */
async function readFiles(
  content: Content,
  collections: readonly Collection[],
  records: ReadonlyMap<string, readonly ContentRecord[]>,
  maxBytes: number,
  signal: AbortSignal,
): Promise<{ readonly fileBytes: ReadonlyMap<string, Uint8Array>; readonly left: readonly string[] }> {
  const items = new Map<string, FileItem>(content.files.map((file) => [file.id, file]));
  const fileBytes = new Map<string, Uint8Array>();
  const left: string[] = [];
  let budget = maxBytes;
  for (const collection of collections)
    for (const [index, field] of collection.fields.entries()) {
      if (field.type !== "file" && field.type !== "files") continue;
      for (const record of records.get(collection.id) ?? []) {
        const value = record.values[index] ?? null;
        for (const id of value === null ? [] : typeof value === "string" ? [value] : value) {
          if (fileBytes.has(id)) continue;
          const item = items.get(id);
          const bytes = item?.presence === "inside" ? await readWithin(content.fileBytes(id, signal), budget) : null;
          if (bytes === null) left.push(`${collection.id}/${record.key}/${field.id}`);
          else {
            fileBytes.set(id, bytes);
            budget -= bytes.length;
          }
        }
      }
    }
  return { fileBytes, left };
}

async function readWithin(stream: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream) {
    size += part.length;
    if (size > most) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function originalsOf(content: Content, signal: AbortSignal): Promise<Readonly<Record<string, Json>>> {
  if (!("originals" in content)) return {};
  return (await (content as Content & OriginalsContent).originals(signal)) as Readonly<Record<string, Json>>;
}
