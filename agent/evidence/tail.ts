/** Where the log ends, and what a kill may have left half written there. */
import { join } from "node:path";
import type { EvidenceHead } from "../core/evidence.ts";
import { damagedEvidence, listFiles, readTail } from "./files.ts";
import { isJson, type Line, NO_HASH, parseLine } from "./line.ts";

export interface LogEnd {
  readonly head: EvidenceHead;
  /** The newest file, or null in an empty directory; the next line goes there at `length`. */
  readonly file: string | null;
  /** Bytes of the newest file that count. */
  readonly length: number;
  /** Bytes after `length`: a write that a kill cut short. */
  readonly tornBytes: number;
  /** The last line is whole but for its line end. */
  readonly lacksLineEnd: boolean;
}

/**
 * Reads the end of the newest files only.
 * @throws AgentError `damaged` when the end is broken in another way than by a write cut short, `not_found` when the directory is not there
 */
export async function findEnd(directory: string): Promise<LogEnd> {
  const { files } = await listFiles(directory);
  const newest = files.at(-1) ?? null;
  if (newest === null) return { head: { seq: 0, hash: NO_HASH }, file: null, length: 0, tornBytes: 0, lacksLineEnd: false };
  const { size, lines } = await readTail(join(directory, newest));
  const [last, before] = lines;
  const end = { file: newest, length: size, tornBytes: 0, lacksLineEnd: false };
  if (last === undefined) return { ...end, head: await headOfOlder(directory, files.slice(0, -1)) };
  const line = parseLine(last.bytes);
  if (line?.sound === true && (last.ended || (await follows(line, before?.bytes ?? null, directory, files))))
    return { ...end, head: { seq: line.seq, hash: line.hash }, lacksLineEnd: !last.ended };
  // With its line end, and JSON: it was written whole, and changed later.
  if (last.ended && isJson(last.bytes)) throw damagedEvidence(newest, "the last line does not match its hash");
  const head = before === undefined ? await headOfOlder(directory, files.slice(0, -1)) : headOf(before.bytes, newest);
  return { ...end, head, length: last.start, tornBytes: size - last.start };
}

async function follows(line: Line, before: Uint8Array | null, directory: string, files: readonly string[]): Promise<boolean> {
  const head = before === null ? await headOfOlder(directory, files.slice(0, -1)) : headOf(before, files.at(-1) ?? "");
  return line.seq === head.seq + 1 && line.prev === head.hash;
}

async function headOfOlder(directory: string, files: readonly string[]): Promise<EvidenceHead> {
  for (const file of files.toReversed()) {
    const last = (await readTail(join(directory, file))).lines[0];
    if (last === undefined) continue;
    if (!last.ended) throw damagedEvidence(file, "it ends in the middle of a line");
    return headOf(last.bytes, file);
  }
  return { seq: 0, hash: NO_HASH };
}

function headOf(bytes: Uint8Array, file: string): EvidenceHead {
  const line = parseLine(bytes);
  if (line?.sound !== true) throw damagedEvidence(file, "a line at its end does not match its hash");
  return { seq: line.seq, hash: line.hash };
}
