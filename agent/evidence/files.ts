/** The files of the log, one a UTC day, and their lines. */
import { createReadStream } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { AgentError, asAgentError } from "../core/errors.ts";

const NAME = /^evidence-(\d{4}-\d{2}-\d{2})\.ndjson$/;
const CHUNK = 256 * 1024;
/** No line we write comes near it; a longer one is damage, and is not kept in memory. */
export const LINE_MOST = 64 * 1024 * 1024;
const END = 0x0a;

export function fileOfDay(day: string): string {
  return `evidence-${day}.ndjson`;
}

export function dayOfFile(file: string): string | null {
  return NAME.exec(file)?.[1] ?? null;
}

export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/**
 * @returns names of the log's files, oldest day first, and of files that look like them but are not
 * @throws AgentError `not_found` when the directory is not there
 */
export async function listFiles(directory: string): Promise<{ readonly files: readonly string[]; readonly strangers: readonly string[] }> {
  const names = await asked(directory, () => readdir(directory));
  const like = names.filter((name) => name.endsWith(".ndjson")).sort();
  return { files: like.filter((name) => NAME.test(name)), strangers: like.filter((name) => !NAME.test(name)) };
}

export interface RawLine {
  /** Without its line end; only the beginning of a line longer than LINE_MOST. */
  readonly bytes: Uint8Array;
  /** From 1. */
  readonly number: number;
  /** False for the rest after the last line end of the file. */
  readonly ended: boolean;
  readonly tooLong: boolean;
}

/** @yields the lines of a file in bunches, up to the size it has when this begins */
export async function* readLines(path: string): AsyncGenerator<readonly RawLine[]> {
  const size = await sizeOf(path);
  if (size === 0) return;
  let number = 0;
  let rest: Buffer[] = [];
  let restBytes = 0;
  const finish = (ended: boolean): RawLine => {
    number += 1;
    const line = { bytes: Buffer.concat(rest), number, ended, tooLong: restBytes > LINE_MOST };
    rest = [];
    restBytes = 0;
    return line;
  };
  const keep = (part: Buffer): void => {
    if (restBytes <= LINE_MOST && part.length > 0) rest.push(part);
    restBytes += part.length;
  };
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK, end: size - 1 }) as AsyncIterable<Buffer>) {
      const lines: RawLine[] = [];
      let start = 0;
      for (let end = chunk.indexOf(END); end >= 0; end = chunk.indexOf(END, start)) {
        keep(chunk.subarray(start, end));
        lines.push(finish(true));
        start = end + 1;
      }
      // Copied: the stream reuses nothing, but a small rest would hold the whole chunk.
      keep(Buffer.from(chunk.subarray(start)));
      if (lines.length > 0) yield lines;
    }
  } catch (thrown) {
    throw cannotRead(path, thrown);
  }
  if (restBytes > 0) yield [finish(false)];
}

/** The last line, and the one before it, without reading the whole file. */
export interface Tail {
  readonly size: number;
  /** Newest first, at most two. `start`: its offset in the file. */
  readonly lines: readonly { readonly bytes: Uint8Array; readonly start: number; readonly ended: boolean }[];
}

export async function readTail(path: string): Promise<Tail> {
  const file = await asked(path, () => open(path, "r"));
  try {
    const { size } = await file.stat();
    for (let window = CHUNK; ; window *= 4) {
      const from = Math.max(0, size - window);
      const buffer = Buffer.alloc(size - from);
      await file.read(buffer, 0, buffer.length, from);
      const lines: Tail["lines"][number][] = [];
      let end = buffer.length;
      while (end > 0 && lines.length < 2) {
        const ended = buffer[end - 1] === END;
        const stop = ended ? end - 1 : end;
        const start = stop === 0 ? 0 : buffer.lastIndexOf(END, stop - 1) + 1;
        // The line may begin before the window.
        if (start === 0 && from > 0) break;
        lines.push({ bytes: buffer.subarray(start, stop), start: from + start, ended });
        end = start;
      }
      if (lines.length === 2 || from === 0) return { size, lines };
    }
  } catch (thrown) {
    throw cannotRead(path, thrown);
  } finally {
    await file.close();
  }
}

export async function readBeginning(path: string): Promise<Uint8Array> {
  const file = await asked(path, () => open(path, "r"));
  try {
    const buffer = Buffer.alloc(200);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  } catch (thrown) {
    throw cannotRead(path, thrown);
  } finally {
    await file.close();
  }
}

export async function sizeOf(path: string): Promise<number> {
  const file = await asked(path, () => open(path, "r"));
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function asked<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw cannotRead(path, thrown);
  }
}

/** Not being able to look at the log says nothing about it: never `damaged`. */
function cannotRead(path: string, thrown: unknown): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const error = asAgentError(thrown);
  if (error.kind === "not_found")
    return new AgentError("not_found", "evidence-missing", `There is no evidence at ${path}.`, {
      cause: thrown,
      mend: "start the agent once",
    });
  return new AgentError(error.kind, "evidence-unreadable", `The evidence ${path} cannot be read: ${error.message}`, { cause: thrown });
}

export function damagedEvidence(where: string, why: string): AgentError {
  return new AgentError("damaged", "evidence-damaged", `The evidence is damaged at ${where}: ${why}.`, {
    mend: "restorewatch evidence verify names every entry that is wrong; put the files back from their backup",
  });
}
