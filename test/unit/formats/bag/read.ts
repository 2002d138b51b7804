/** Makes, opens and reads bags in tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { ContentRecord } from "../../../../agent/core/content.ts";
import type { BulkContent, Content, FormatContext } from "../../../../agent/core/ports.ts";
import { bag } from "../../../../agent/formats/bag/index.ts";
import { contextIn, probeOf } from "../../../contracts/format.ts";

export type BagContent = Content & BulkContent;

/** Names for new artifacts in a directory that is removed after the file's tests. */
export function places(): (name?: string) => string {
  let directory = "";
  let made = 0;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "rw-bag-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  return (name = "bag") => {
    made += 1;
    return join(directory, `${name}-${made}`);
  };
}

export async function openBag(path: string, workDir: string, more: Partial<FormatContext> = {}): Promise<BagContent> {
  return (await bag.create().open(await probeOf(path), contextIn(workDir, more))) as BagContent;
}

export async function withBag<T>(
  path: string,
  workDir: string,
  use: (content: BagContent) => Promise<T> | T,
  more: Partial<FormatContext> = {},
): Promise<T> {
  const content = await openBag(path, workDir, more);
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

export async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
}
