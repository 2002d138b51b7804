/**
 * Zstandard, frame by frame. Node's decompressor stops silently after the first frame of what it is given, so the frames are told
 * apart here by their headers (RFC 8878); that also finds a file that is cut off, or goes on with something else, at any place.
 */
import { Readable, pipeline } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { AgentError } from "../../core/errors.ts";

const OUTPUT_BYTES = 1024 * 1024;
const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Every frame costs a decompressor of its own; a writer of parts makes one frame, a parallel one some hundreds. */
const MAX_FRAMES = 100_000;

export const ZSTD_MAGIC = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd]);

/** A run of bytes that belong to one frame; `last` where the frame ends. */
interface Segment {
  readonly bytes: Buffer;
  readonly last: boolean;
  readonly skippable: boolean;
}

export interface ZstdTally {
  frames: number;
  skippable: number;
}

/**
 * @param tally counts the frames seen
 * @throws AgentError `damaged`/`zstd-broken` where the frames break off, are followed by something else, or do not unpack
 */
export async function* unzstd(source: AsyncIterable<Buffer>, tally: ZstdTally = { frames: 0, skippable: 0 }): AsyncGenerator<Buffer> {
  const segments = segmentsOf(source);
  try {
    for (;;) {
      const first = await segments.next();
      if (first.done === true) break;
      if (first.value.skippable) {
        tally.skippable += 1;
        for (let at = first.value; !at.last;) at = await nextOf(segments);
        continue;
      }
      tally.frames += 1;
      if (tally.frames > MAX_FRAMES) throw new AgentError("limit", "zstd-frames", `A part holds more than ${MAX_FRAMES} Zstandard frames.`);
      yield* unpackFrame(first.value, segments);
    }
    if (tally.frames === 0) throw broken("It holds no Zstandard frame.");
  } finally {
    await segments.return(undefined);
  }
}

async function* unpackFrame(first: Segment, segments: AsyncGenerator<Segment>): AsyncGenerator<Buffer> {
  async function* frame(): AsyncGenerator<Buffer> {
    for (let at = first; ; at = await nextOf(segments)) {
      yield at.bytes;
      if (at.last) return;
    }
  }
  const unpacker = createZstdDecompress({ chunkSize: OUTPUT_BYTES });
  // Whatever goes wrong comes out of the loop below.
  pipeline(Readable.from(frame(), { objectMode: true, highWaterMark: 2 }), unpacker, () => undefined);
  try {
    for await (const chunk of unpacker) yield chunk as Buffer;
  } catch (thrown) {
    const { code } = thrown as { code?: unknown };
    throw typeof code === "string" && /^(?:ZSTD|Z)_/iu.test(code) ? broken("A Zstandard frame does not unpack.", thrown) : thrown;
  }
}

async function nextOf(segments: AsyncGenerator<Segment>): Promise<Segment> {
  const next = await segments.next();
  if (next.done === true) throw broken("It is cut off inside a Zstandard frame.");
  return next.value;
}

function broken(why: string, cause?: unknown): AgentError {
  return new AgentError("damaged", "zstd-broken", why, cause === undefined ? {} : { cause });
}

async function* segmentsOf(source: AsyncIterable<Buffer>): AsyncGenerator<Segment> {
  const walker = new FrameWalker();
  for await (const chunk of source) {
    let start = 0;
    while (start < chunk.length) {
      const end = walker.walk(chunk, start);
      yield { bytes: chunk.subarray(start, end), last: walker.between, skippable: walker.skippable };
      start = end;
    }
  }
  if (!walker.between) throw broken("It is cut off inside a Zstandard frame.");
}

type Stage = "magic" | "skip-size" | "descriptor" | "header" | "block-header" | "block" | "checksum" | "skipped";

const HEADER_BYTES: Partial<Record<Stage, number>> = { magic: 4, "skip-size": 4, descriptor: 1, "block-header": 3 };

/** Follows the frames through the bytes, wherever the chunks are cut. */
class FrameWalker {
  /** Whether the last byte walked over ended a frame (also before the first). */
  between = true;
  /** Whether the frame walked through, or just ended, is one that is to be skipped. */
  skippable = false;
  #stage: Stage = "magic";
  readonly #head = Buffer.alloc(4);
  #filled = 0;
  #skip = 0;
  #checksum = false;
  #lastBlock = false;

  /** @returns where the walk stopped: behind a frame's end, or at the end of `chunk` */
  walk(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length) {
      this.between = false;
      const wanted = HEADER_BYTES[this.#stage];
      if (wanted === undefined) {
        const step = Math.min(this.#skip, chunk.length - at);
        at += step;
        this.#skip -= step;
        if (this.#skip === 0 && this.#afterSkip()) return at;
        continue;
      }
      this.#head[this.#filled] = chunk[at] ?? 0;
      this.#filled += 1;
      at += 1;
      if (this.#filled < wanted) continue;
      this.#filled = 0;
      this.#evaluate();
      if (HEADER_BYTES[this.#stage] === undefined && this.#skip === 0 && this.#afterSkip()) return at;
    }
    return at;
  }

  #evaluate(): void {
    if (this.#stage === "magic") {
      const magic = this.#head.readUInt32LE(0);
      this.skippable = (magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC;
      if (magic !== FRAME_MAGIC && !this.skippable) throw broken("It goes on with something that is no Zstandard frame.");
      this.#stage = this.skippable ? "skip-size" : "descriptor";
    } else if (this.#stage === "skip-size") this.#skipOver("skipped", this.#head.readUInt32LE(0));
    else if (this.#stage === "descriptor") this.#descriptor(this.#head[0] ?? 0);
    else this.#block(this.#head.readUIntLE(0, 3));
  }

  #descriptor(descriptor: number): void {
    const single = (descriptor & 0x20) !== 0;
    const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
    this.#checksum = (descriptor & 4) !== 0;
    this.#skipOver("header", (single ? 0 : 1) + dictionary + contentSize);
  }

  #block(header: number): void {
    const type = (header >> 1) & 3;
    if (type === 3) throw broken("A Zstandard block has a type that does not exist.");
    this.#lastBlock = (header & 1) !== 0;
    this.#skipOver("block", type === 1 ? 1 : header >> 3);
  }

  #skipOver(stage: Stage, bytes: number): void {
    this.#stage = stage;
    this.#skip = bytes;
  }

  /** @returns true where the frame ends here */
  #afterSkip(): boolean {
    if (this.#stage === "header") this.#stage = "block-header";
    else if (this.#stage === "block" && !this.#lastBlock) this.#stage = "block-header";
    else if (this.#stage === "block" && this.#checksum) this.#skipOver("checksum", 4);
    else {
      this.#stage = "magic";
      this.between = true;
      return true;
    }
    return false;
  }
}
