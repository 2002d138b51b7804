/** The append-only, hash-chained log: what is told to anyone is on disk here first. */
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { AgentError, asAgentError } from "../core/errors.ts";
import type { EvidenceEntry, EvidenceHead } from "../core/evidence.ts";
import type { Clock, EvidenceLog } from "../core/ports.ts";
import { type EvidenceDisk, type EvidenceFile, realDisk } from "./disk.ts";
import { dayOf, dayOfFile, fileOfDay } from "./files.ts";
import { canonicalJson, renderLine } from "./line.ts";
import { lockDirectory } from "./lock.ts";
import { readEntries } from "./read.ts";
import { findEnd, type LogEnd } from "./tail.ts";

/** A batch written at once holds no more than about this; one append is never split. */
const BATCH_BYTES = 4 * 1024 * 1024;

export interface OpenEvidence extends EvidenceLog {
  /** What a killed writer had left half written and was cut off at this opening, or null. */
  readonly repaired: { readonly file: string; readonly bytes: number } | null;
}

export interface OpenEvidenceOptions {
  readonly directory: string;
  readonly clock: Pick<Clock, "now">;
  /** Named to whoever finds the directory locked. */
  readonly pid?: number;
  readonly disk?: EvidenceDisk;
}

interface Waiting {
  /** Canonical JSON of each entry, as it was when it was appended. */
  readonly bodies: readonly string[];
  readonly resolve: (head: EvidenceHead) => void;
  readonly reject: (error: AgentError) => void;
}

/**
 * Opens the log for writing and makes its directory when it is not there. A write that a kill cut short is cut off.
 * @throws AgentError `config` evidence-locked while another agent has it open, `config` evidence-cannot-open, `damaged` when its end is broken
 */
export async function openEvidence({ directory, clock, pid = process.pid, disk = realDisk }: OpenEvidenceOptions): Promise<OpenEvidence> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    throw new AgentError(
      "config",
      "evidence-cannot-open",
      `The evidence directory ${directory} cannot be made: ${asAgentError(thrown).message}`,
      {
        cause: thrown,
        mend: "check evidence.directory in the configuration and who may write there",
      },
    );
  }
  const lock = lockDirectory(directory, pid);
  try {
    const end = await findEnd(directory);
    const file = end.file === null ? null : await mend(join(directory, end.file), end, disk);
    const writer = createWriter(directory, clock, disk, { ...end, length: end.length + (end.lacksLineEnd ? 1 : 0) }, file);
    return logOver(directory, writer, end, () => lock.release());
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

async function mend(path: string, end: LogEnd, disk: EvidenceDisk): Promise<EvidenceFile> {
  const file = await disk.open(path);
  try {
    if (end.tornBytes > 0) await file.truncate(end.length);
    if (end.lacksLineEnd) await file.write(Buffer.from("\n"), end.length);
    if (end.tornBytes > 0 || end.lacksLineEnd) await file.sync();
    return file;
  } catch (thrown) {
    await file.close();
    throw cannotWrite(basename(path), thrown);
  }
}

function logOver(directory: string, writer: Writer, end: LogEnd, release: () => void): OpenEvidence {
  let closing: Promise<void> | null = null;
  return {
    repaired: end.file !== null && end.tornBytes > 0 ? { file: end.file, bytes: end.tornBytes } : null,
    append(entries) {
      if (closing !== null) return Promise.reject(new AgentError("internal", "evidence-closed", "The evidence log is closed."));
      return writer.append(entries);
    },
    head: () => writer.head(),
    read: (after) => readEntries(directory, after, writer.head().seq),
    close() {
      closing ??= writer.close().finally(release);
      return closing;
    },
  };
}

interface Writer {
  append(entries: readonly EvidenceEntry[]): Promise<EvidenceHead>;
  head(): EvidenceHead;
  close(): Promise<void>;
}

/** Appends that come while one is being written wait and then share one write and one fsync, in the order they came. */
function createWriter(directory: string, clock: Pick<Clock, "now">, disk: EvidenceDisk, end: LogEnd, opened: EvidenceFile | null): Writer {
  let { head, length } = end;
  let day = end.file === null ? null : dayOfFile(end.file);
  let file = opened;
  let waiting: Waiting[] = [];
  let flushing: Promise<void> | null = null;

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const { batch, text, heads } = takeBatch();
      try {
        await write(Buffer.from(text));
        head = heads.at(-1) ?? head;
        for (const [index, one] of batch.entries()) one.resolve(heads[index] ?? head);
      } catch (thrown) {
        const error = cannotWrite(day === null ? "" : fileOfDay(day), thrown);
        await undo();
        for (const one of batch) one.reject(error);
      }
    }
    // In the same breath as the last look at what waits: an append that comes later must find that nobody is at work.
    flushing = null;
  }

  function takeBatch(): { batch: Waiting[]; text: string; heads: EvidenceHead[] } {
    const at = Math.trunc(clock.now());
    let { seq, hash } = head;
    let text = "";
    const heads: EvidenceHead[] = [];
    let taken = 0;
    for (const { bodies } of waiting) {
      if (taken > 0 && text.length >= BATCH_BYTES) break;
      for (const body of bodies) {
        seq += 1;
        const line = renderLine(seq, hash, at, body);
        ({ hash } = line);
        text += `${line.text}\n`;
      }
      heads.push({ seq, hash });
      taken += 1;
    }
    const batch = waiting.slice(0, taken);
    waiting = waiting.slice(taken);
    return { batch, text, heads };
  }

  async function write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const today = dayOf(clock.now());
    // A clock that jumped back goes on in the newest file: the order of names is the order of entries.
    const wanted = day === null || today > day ? today : day;
    if (wanted !== day) {
      await file?.close();
      file = null;
      day = wanted;
      length = 0;
    }
    if (file === null) {
      file = await disk.open(join(directory, fileOfDay(wanted)));
      // Whatever a failed write left behind the last entry goes before anything is added.
      if ((await file.size()) > length) await file.truncate(length);
      await disk.syncDirectory(directory);
    }
    await file.write(bytes, length);
    await file.sync();
    length += bytes.length;
  }

  /** Nothing of a failed write stays; the file is opened anew for the next, since after a failed fsync its pages cannot be trusted. */
  async function undo(): Promise<void> {
    const failed = file;
    file = null;
    try {
      await failed?.truncate(length);
      await failed?.sync();
    } catch {
      // Tried again before the next write, and at the next opening; until then the entries were rejected to whoever appended them.
    }
    try {
      await failed?.close();
    } catch {
      // The descriptor is gone either way.
    }
  }

  return {
    head: () => head,
    append(entries) {
      if (entries.length === 0) return Promise.resolve(head);
      return new Promise((resolve, reject) => {
        waiting.push({ bodies: entries.map(canonicalJson), resolve, reject });
        flushing ??= flush();
      });
    },
    async close() {
      await flushing;
      await file?.close();
      file = null;
    },
  };
}

function cannotWrite(file: string, thrown: unknown): AgentError {
  const error = asAgentError(thrown);
  const full = error.code === "enospc" || error.code === "edquot";
  return new AgentError(
    "limit",
    full ? "evidence-disk-full" : "evidence-not-written",
    `The evidence ${file} could not be written: ${error.message}`,
    {
      cause: thrown,
      mend: full ? "free some space on that disk" : "look at the disk and who may write there",
    },
  );
}
