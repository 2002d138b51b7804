/** Parts of a table: NDJSON, as it is or in Zstandard, read as blocks of whole lines. What comes out is measured against the bounds. */
import { AgentError } from "../../core/errors.ts";
import { readChunks, readStart, type TreeFile } from "../../kit/file-tree.ts";
import { unzstd, ZSTD_MAGIC, type ZstdTally } from "./zstd.ts";

export interface PartLimits {
  readonly maxBytes: number;
  readonly maxRatio: number;
}

/** A ratio means nothing for a few bytes. */
const HARMLESS_BYTES = 16 * 1024 * 1024;
const MAX_LINE = 64 * 1024 * 1024;
const LINE_FEED = 0x0a;

export async function isCompressed(file: TreeFile): Promise<boolean> {
  return (await readStart(file.place, ZSTD_MAGIC.length)).equals(ZSTD_MAGIC);
}

/**
 * @param label how errors call the part
 * @param watch counts frames, and is shown the packed bytes as they are read
 * @returns unpacked bytes; throws AgentError `damaged` where it does not unpack, `limit` beyond a bound, system errors as they are
 */
export async function* partBytes(
  file: TreeFile,
  label: string,
  compressed: boolean,
  limits: PartLimits,
  signal: AbortSignal,
  watch: { readonly tally?: ZstdTally; readonly raw?: (chunk: Buffer) => void } = {},
): AsyncGenerator<Buffer> {
  const raw = watched(readChunks(file.place, signal), watch.raw);
  let bytes = 0;
  try {
    for await (const chunk of compressed ? unzstd(raw, watch.tally) : raw) {
      signal.throwIfAborted();
      bytes += chunk.length;
      if (bytes > limits.maxBytes) throw new AgentError("limit", "too-large", `${label} unpacks to more than what may be read.`);
      if (bytes > HARMLESS_BYTES && bytes > file.bytes * limits.maxRatio)
        throw new AgentError("limit", "too-dense", `${label} unpacks to more than ${limits.maxRatio} times its size.`);
      yield chunk;
    }
  } catch (thrown) {
    if (thrown instanceof AgentError && thrown.code === "zstd-broken")
      throw new AgentError("damaged", "zstd-broken", `${label} cannot be unpacked. ${thrown.message}`, { cause: thrown });
    throw thrown;
  }
}

async function* watched(chunks: AsyncIterable<Buffer>, show: ((chunk: Buffer) => void) | undefined): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    show?.(chunk);
    yield chunk;
  }
}

export interface LineBlock {
  /** Number of the first line in the part, from 1. */
  readonly first: number;
  /** Text of each line; bytes that are no UTF-8 are U+FFFD. */
  readonly lines: readonly string[];
}

/** Blocks of whole lines, each of about as many bytes as the chunks have. A last line without a line feed counts. */
export async function* lineBlocks(chunks: AsyncIterable<Buffer>, label: string): AsyncGenerator<LineBlock> {
  let carry: Buffer[] = [];
  let carried = 0;
  let first = 1;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    if (end > 0) {
      const lines = Buffer.concat([...carry, chunk.subarray(0, end - 1)])
        .toString("utf8")
        .split("\n");
      carry = [];
      carried = 0;
      yield { first, lines };
      first += lines.length;
    }
    if (end === chunk.length) continue;
    carry.push(chunk.subarray(end));
    carried += chunk.length - end;
    if (carried > MAX_LINE) throw new AgentError("limit", "line-too-long", `${label} has a line that is longer than ${MAX_LINE} bytes.`);
  }
  if (carried > 0) yield { first, lines: [Buffer.concat(carry).toString("utf8")] };
}
