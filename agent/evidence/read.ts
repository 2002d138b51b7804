/** Reading the log, beside a writer or not. */
import { join } from "node:path";
import type { EvidenceEntry, EvidenceHead } from "../core/evidence.ts";
import { damagedEvidence, listFiles, readBeginning, readLines } from "./files.ts";
import { claimedSeq, NO_HASH, parseLine } from "./line.ts";
import { findEnd } from "./tail.ts";

export interface StoredEntry {
  readonly seq: number;
  readonly hash: string;
  /** When it was appended, milliseconds since the epoch. */
  readonly at: number;
  readonly entry: EvidenceEntry;
}

/** @returns the head as it lies on disk; an empty log has seq 0. @throws AgentError as `findEnd` */
export async function readHead(directory: string): Promise<EvidenceHead> {
  return (await findEnd(directory)).head;
}

/**
 * @param after number of the last entry not wanted; only files that may hold later ones are opened
 * @param until number of the last entry wanted; not given: to the end, where a line that is just being written is left out
 * @yields entries in order, each proven to follow the one before
 * @throws AgentError `damaged` at the first broken link
 */
export async function* readEntries(directory: string, after: number, until: number | null = null): AsyncGenerator<StoredEntry> {
  const { files } = await listFiles(directory);
  const first = await firstFileFor(directory, files, after);
  let seq: number | null = null;
  let hash = NO_HASH;
  for (const [index, file] of files.slice(first).entries()) {
    const newest = first + index === files.length - 1;
    for await (const lines of readLines(join(directory, file))) {
      for (const { bytes, number, ended } of lines) {
        if (until !== null && (seq ?? 0) >= until) return;
        const line = parseLine(bytes);
        if (!ended && newest && line?.sound !== true && until === null) return;
        const where = `${file} line ${number}`;
        if (line?.sound !== true) throw damagedEvidence(where, "the line does not match its hash");
        const expected: number = seq === null ? (first === 0 ? 1 : line.seq) : seq + 1;
        if (line.seq !== expected) throw damagedEvidence(where, `entry ${expected} should follow, entry ${line.seq} is there`);
        if ((seq !== null || expected === 1) && line.prev !== hash) throw damagedEvidence(where, "it does not follow from the line before");
        seq = line.seq;
        hash = line.hash;
        if (seq > after) yield { seq, hash, at: line.at, entry: entryOf(line.entry, where) };
      }
    }
  }
  if (until !== null && until > Math.max(after, seq ?? 0)) throw damagedEvidence("its end", `entry ${until} is missing`);
}

/** Index of the newest file whose first entry is not beyond what is wanted. */
async function firstFileFor(directory: string, files: readonly string[], after: number): Promise<number> {
  for (let index = files.length - 1; index > 0; index -= 1) {
    const seq = claimedSeq(await readBeginning(join(directory, files[index] ?? "")));
    if (seq !== null && seq <= after + 1) return index;
  }
  return 0;
}

function entryOf(bytes: Uint8Array, where: string): EvidenceEntry {
  let entry: unknown;
  try {
    entry = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw damagedEvidence(where, "the entry is not JSON");
  }
  if (entry === null || typeof entry !== "object" || typeof (entry as { type?: unknown }).type !== "string")
    throw damagedEvidence(where, "the entry has no type");
  return entry as EvidenceEntry;
}
