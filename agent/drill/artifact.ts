/** The bytes of an artifact: how many, their digest, and a first look for recognising them. Every byte that is here is read once. */
import { createHash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../core/errors.ts";
import type { DrillLimits } from "../core/policy.ts";
import type { ArtifactFacts, ArtifactFile, ArtifactProbe } from "../core/ports.ts";

export interface ReadArtifact {
  readonly facts: ArtifactFacts;
  readonly probe: ArtifactProbe;
  /** Throws AgentError `transient`/`artifact-changed` when a file was written to, exchanged, or removed since its bytes were read. */
  assertUnchanged(): Promise<void>;
}

const HEAD_BYTES = 64 * 1024;
const BLOCK_BYTES = 1024 * 1024;
const PROBE_ENTRIES = 10_000;

/**
 * @param path absolute
 * @param name as shown to people
 * @param onBytes told how many bytes were read so far
 * @param unread files of a directory that were left in the vault: they count as its own, and it then has no digest
 * @returns a directory's digest is the SHA-256 of its `sha256  path` lines, sorted, each ended by a line feed; symlinks are left out
 * Throws AgentError `limit` beyond `maxBytes` or `maxEntries`, and system errors as they are.
 */
export async function readArtifact(
  path: string,
  name: string,
  limits: Pick<DrillLimits, "maxBytes" | "maxEntries">,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
  unread: readonly ArtifactFile[] = [],
): Promise<ReadArtifact> {
  const status = await stat(path);
  if (status.isFile()) {
    assertSize(status.size, limits.maxBytes);
    const { bytes, sha256, mark } = await digestFile(path, signal, limits.maxBytes, onBytes, Buffer.allocUnsafe(BLOCK_BYTES));
    const head = await headOf(path, HEAD_BYTES);
    return {
      facts: { path: name, kind: "file", bytes, sha256, files: 1 },
      probe: { path, kind: "file", bytes, head, entries: [], readHead: () => Promise.resolve(new Uint8Array()) },
      assertUnchanged: () => assertMarks(new Map([[path, mark]])),
    };
  }
  if (!status.isDirectory()) {
    throw new AgentError("unsupported", "not-a-file", "The artifact is neither a file nor a directory.");
  }
  const left = { files: unread.length, bytes: unread.reduce((sum, file) => sum + file.bytes, 0) };
  assertSize(left.bytes, limits.maxBytes);
  const entries = await filesIn(path, limits.maxEntries - left.files);
  const lines: string[] = [];
  let bytes = 0;
  const marks = new Map<string, string>();
  // One for all: a megabyte anew for each of many small files takes longer than reading them.
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (const entry of entries) {
    const before = bytes;
    const one = await digestFile(
      join(path, entry),
      signal,
      limits.maxBytes - left.bytes - before,
      (read) => onBytes(before + read),
      block,
    ).catch((thrown: unknown) => {
      throw readable(entry, thrown);
    });
    marks.set(join(path, entry), one.mark);
    bytes += one.bytes;
    lines.push(`${one.sha256}  ${entry}\n`);
  }
  const known = new Set(entries);
  return {
    facts: {
      path: name,
      kind: "directory",
      bytes: bytes + left.bytes,
      sha256: left.files > 0 ? null : createHash("sha256").update(lines.sort().join("")).digest("hex"),
      files: entries.length + left.files,
      ...(left.files > 0 ? { unread: left } : {}),
    },
    probe: {
      path,
      kind: "directory",
      bytes,
      head: new Uint8Array(),
      entries: entries.slice(0, PROBE_ENTRIES),
      readHead(entry, length) {
        if (!known.has(entry)) throw new AgentError("not_found", "not-found", "There is no such file in the artifact.");
        return headOf(join(path, entry), length);
      },
    },
    async assertUnchanged() {
      await assertMarks(marks);
      const now = await filesIn(path, limits.maxEntries);
      if (now.length !== entries.length || now.some((entry, index) => entry !== entries[index])) throw changed();
    },
  };
}

/** What changes whenever a file does, and not when another link to it is made. */
function markOf({ ino, size, mtimeNs }: BigIntStats): string {
  return [ino, size, mtimeNs].join(":");
}

async function assertMarks(marks: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, mark] of marks) {
    const now = await stat(path, { bigint: true }).catch(() => null);
    if (now === null || markOf(now) !== mark) throw changed();
  }
}

function changed(): AgentError {
  return new AgentError("transient", "artifact-changed", "The artifact changed while it was read.", {
    mend: "verify it again when nothing writes to it any more",
  });
}

/** Names that are no UTF-8 come mangled out of a listing, and nothing can be opened by them. */
function readable(entry: string, thrown: unknown): unknown {
  const gone = (thrown as { code?: unknown }).code === "ENOENT";
  if (gone && entry.includes("\uFFFD"))
    return new AgentError("unsupported", "name-not-utf8", "A file of the artifact has a name that is not UTF-8 and cannot be opened.", {
      mend: "give it another name",
    });
  return gone ? changed() : thrown;
}

function assertSize(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) {
    throw new AgentError("limit", "artifact-too-large", "The artifact is larger than a drill may read.", {
      mend: "raise verify.limits.maxBytes",
    });
  }
}

async function digestFile(
  path: string,
  signal: AbortSignal,
  maxBytes: number,
  onBytes: (bytes: number) => void,
  block: Buffer,
): Promise<{ readonly bytes: number; readonly sha256: string; readonly mark: string }> {
  const digest = createHash("sha256");
  let bytes = 0;
  let mark = "";
  await withFile(path, async (file, status) => {
    // Taken before the first byte: what is written while reading shows too.
    mark = markOf(status);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(block, 0, block.length, null);
      if (bytesRead === 0) return;
      digest.update(block.subarray(0, bytesRead));
      bytes += bytesRead;
      assertSize(bytes, maxBytes);
      onBytes(bytes);
    }
  });
  return { bytes, sha256: digest.digest("hex"), mark };
}

async function headOf(path: string, length: number): Promise<Uint8Array> {
  return withFile(path, async (file) => {
    const head = Buffer.alloc(Math.min(length, BLOCK_BYTES));
    let filled = 0;
    while (filled < head.length) {
      const { bytesRead } = await file.read(head, filled, head.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return new Uint8Array(head.subarray(0, filled));
  });
}

async function withFile<T>(path: string, work: (file: FileHandle, status: BigIntStats) => Promise<T>): Promise<T> {
  // Between the look and the opening it may have become a pipe, which nothing may wait for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = await file.stat({ bigint: true });
    if (!status.isFile()) throw new AgentError("unsupported", "not-a-file", "A file of the artifact is no ordinary file any more.");
    return await work(file, status);
  } finally {
    await file.close();
  }
}

/** Relative paths of ordinary files, sorted. */
async function filesIn(root: string, maxEntries: number): Promise<readonly string[]> {
  const found: string[] = [];
  const waiting = [""];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile()) found.push(path);
      if (found.length + waiting.length > maxEntries) {
        throw new AgentError("limit", "too-many-entries", "The artifact has more files than a drill may look at.", {
          mend: "raise verify.limits.maxEntries",
        });
      }
    }
  }
  return found.sort();
}
