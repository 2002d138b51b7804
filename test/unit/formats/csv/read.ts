/** Opens and reads CSV artifacts in tests. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { ContentRecord } from "../../../../agent/core/content.ts";
import type { Content, FormatContext } from "../../../../agent/core/ports.ts";
import { csv } from "../../../../agent/formats/csv/index.ts";
import { contextIn, probeOf } from "../../../contracts/format.ts";
import { writeFiles } from "../../../fixtures/csv/write.ts";

export interface Desk {
  /** A new path that is not there yet. */
  place(): string;
  /** Writes one file, or a directory of files. */
  write(content: string | Uint8Array | Readonly<Record<string, string | Uint8Array>>): Promise<string>;
  open(path: string, more?: Partial<FormatContext>): Promise<Content>;
  read<T>(path: string, use: (content: Content) => Promise<T> | T): Promise<T>;
}

export function desk(): Desk {
  let directory = "";
  let made = 0;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "rw-csv-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  const place = (): string => {
    made += 1;
    return join(directory, `thing-${made}`);
  };
  const open = async (path: string, more: Partial<FormatContext> = {}): Promise<Content> => {
    const work = place();
    await mkdir(work);
    return csv.create().open(await probeOf(path), contextIn(work, more));
  };
  return {
    place,
    open,
    async write(content) {
      const path = place();
      if (typeof content === "object" && !(content instanceof Uint8Array)) return writeFiles(path, content);
      await writeFile(path, content);
      return path;
    },
    async read(path, use) {
      const content = await open(path);
      try {
        return await use(content);
      } finally {
        await content.close();
      }
    },
  };
}

export async function rowsOf(content: Content, collection: string): Promise<ContentRecord[]> {
  const rows: ContentRecord[] = [];
  for await (const batch of content.records(collection, new AbortController().signal)) rows.push(...batch);
  return rows;
}

/** Field name → type, of one table. */
export function typesOf(content: Content, collection: string): Record<string, string> {
  const fields = content.collections.find((one) => one.id === collection)?.fields ?? [];
  return Object.fromEntries(fields.map((field) => [field.name, field.type]));
}

export async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
}
