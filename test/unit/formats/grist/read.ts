/** Opens Grist documents in tests and reads them whole. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { ContentRecord } from "../../../../agent/core/content.ts";
import type { Content } from "../../../../agent/core/ports.ts";
import { grist } from "../../../../agent/formats/grist/index.ts";
import { contextIn, probeOf } from "../../../contracts/format.ts";

/** A directory for the tests of one file; removed afterwards. */
export function temporaryDirectory(): () => string {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "rw-grist-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  return () => directory;
}

export async function withDocument<T>(path: string, workDir: string, use: (content: Content) => Promise<T> | T): Promise<T> {
  const content = await grist.create().open(await probeOf(path), contextIn(workDir));
  try {
    return await use(content);
  } finally {
    await content.close();
  }
}

export async function rowsOf(content: Content, collection: string): Promise<ContentRecord[]> {
  const rows: ContentRecord[] = [];
  for await (const batch of content.records(collection, new AbortController().signal)) rows.push(...batch);
  return rows;
}

/** Values of one field by record key. */
export async function column(content: Content, collection: string, field: string): Promise<Record<string, unknown>> {
  const index = content.collections.find((one) => one.id === collection)?.fields.findIndex((one) => one.id === field) ?? -1;
  if (index < 0) throw new Error(`no field ${collection}.${field}`);
  return Object.fromEntries((await rowsOf(content, collection)).map((row) => [row.key, row.values[index]]));
}
