/** Opens what a test wrote, and reads it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Value } from "../../../../agent/core/content.ts";
import { AgentError } from "../../../../agent/core/errors.ts";
import type { Content, FormatContext, Recognition } from "../../../../agent/core/ports.ts";
import { baserow } from "../../../../agent/formats/baserow/index.ts";
import { contextIn, probeOf } from "../../../contracts/format.ts";

export const REAL = fileURLToPath(new URL("../../../../../shared/data/baserow/", import.meta.url));

export const format = baserow.create();

export async function within<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "rw-baserow-"));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export async function openPath(path: string, more: Partial<FormatContext> = {}): Promise<Content> {
  return format.open(await probeOf(path), contextIn(tmpdir(), more));
}

/** The bytes as an artifact; what is opened is closed when `use` ends. */
export function withBytes<T>(
  bytes: Uint8Array | string,
  use: (content: Content) => Promise<T> | T,
  more: Partial<FormatContext> = {},
): Promise<T> {
  return within(async (directory) => {
    const path = join(directory, "artifact");
    await writeFile(path, bytes);
    const content = await openPath(path, more);
    try {
      return await use(content);
    } finally {
      await content.close();
    }
  });
}

export function withJson<T>(value: unknown, use: (content: Content) => Promise<T> | T, more: Partial<FormatContext> = {}): Promise<T> {
  return withBytes(JSON.stringify(value), use, more);
}

/** What opening ends in: `kind code: message`. */
export async function refusal(bytes: Uint8Array | string, more: Partial<FormatContext> = {}): Promise<string> {
  try {
    await withBytes(bytes, (content) => readAll(content), more);
  } catch (thrown) {
    if (thrown instanceof AgentError) return `${thrown.kind} ${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
  return "opened";
}

export function problemsOf(value: unknown): Promise<readonly string[]> {
  return withJson(value, (content) => content.integrity.problems);
}

export function recogniseBytes(bytes: Uint8Array | string): Promise<Recognition> {
  return within(async (directory) => {
    await writeFile(join(directory, "artifact"), bytes);
    return format.recognise(await probeOf(join(directory, "artifact")));
  });
}

/** Field name → value, by record key. */
export async function recordsIn(content: Content, collectionId: string): Promise<Record<string, Record<string, Value>>> {
  const fields = content.collections.find((one) => one.id === collectionId)?.fields ?? [];
  const records: Record<string, Record<string, Value>> = {};
  for await (const batch of content.records(collectionId, new AbortController().signal))
    for (const { key, values } of batch) records[key] = Object.fromEntries(fields.map((field, at) => [field.name, values[at] ?? null]));
  return records;
}

/** Reads every record and every file; returns how many records there were. */
export async function readAll(content: Content): Promise<number> {
  const signal = new AbortController().signal;
  let records = 0;
  for (const collection of content.collections) for await (const batch of content.records(collection.id, signal)) records += batch.length;
  for (const file of content.files.filter((one) => one.presence === "inside"))
    for await (const chunk of content.fileBytes(file.id, signal)) void chunk;
  return records;
}
