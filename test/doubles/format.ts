/** Formats held in memory: one that works, with a tiny layout of its own, and one that breaks where it is told to. */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { AgentError, asAgentError } from "../../agent/core/errors.ts";
import type { ArtifactProbe, Content, Format, FormatContext, Recognition } from "../../agent/core/ports.ts";
import { memoryContent, type MemoryContentParts } from "./content.ts";

const MAGIC = "RWMEMORY1\n";

/** Writes an artifact of the memory format: a magic line, a JSON line, a digest line. Bytes are base64. */
export async function writeMemoryArtifact(path: string, parts: MemoryContentParts): Promise<string> {
  const bytes = Object.fromEntries(Object.entries(parts.bytes ?? {}).map(([id, data]) => [id, Buffer.from(data).toString("base64")]));
  const body = JSON.stringify({ ...parts, bytes });
  await writeFile(path, `${MAGIC}${body}\n${digest(body)}\n`);
  return path;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function memoryFormat(id = "memory"): Format {
  return {
    id,
    async recognise(probe): Promise<Recognition> {
      const known = probe.kind === "file" && Buffer.from(probe.head.subarray(0, MAGIC.length)).toString("latin1") === MAGIC;
      return known
        ? { confidence: 1, formatVersion: "1", because: "it starts with the magic line" }
        : { confidence: 0, formatVersion: null, because: "the magic line is not there" };
    },
    async open(probe, context) {
      context.signal.throwIfAborted();
      if (probe.bytes > context.limits.maxBytes)
        throw new AgentError("limit", "artifact-too-large", "The artifact is larger than the limit allows.");
      const text = await readFile(probe.path, "utf8").catch((thrown: unknown) => {
        throw asAgentError(thrown);
      });
      return memoryContent({ ...parse(text), format: id, formatVersion: "1" });
    },
  };
}

function parse(text: string): MemoryContentParts {
  const [magic, body, sum] = text.split("\n");
  if (`${magic}\n` !== MAGIC || body === undefined || sum !== digest(body))
    throw new AgentError("damaged", "artifact-damaged", "The artifact does not match its own digest.");
  const parts = JSON.parse(body) as Omit<MemoryContentParts, "bytes"> & { bytes: Record<string, string> };
  const bytes = Object.fromEntries(Object.entries(parts.bytes).map(([id, data]) => [id, new Uint8Array(Buffer.from(data, "base64"))]));
  return { ...parts, bytes };
}

export interface FormatFault {
  readonly on: "recognise" | "open" | "records" | "fileBytes" | "close";
  readonly error: Error;
  /** For records and fileBytes: after this many batches or chunks. */
  readonly after?: number;
}

/** A format that behaves like `inner` except for its faults, each of which strikes once. */
export interface FaultyFormat extends Format {
  /** Throws when a fault was never met: the test did not exercise what it says. */
  verifyAllStruck(): void;
}

export function faultyFormat(inner: Format, faults: readonly FormatFault[] = []): FaultyFormat {
  const waiting = [...faults];
  const take = (on: FormatFault["on"]): FormatFault | null => {
    const index = waiting.findIndex((fault) => fault.on === on);
    return index < 0 ? null : (waiting.splice(index, 1)[0] ?? null);
  };
  const strike = (on: FormatFault["on"]): void => {
    const fault = take(on);
    if (fault !== null) throw fault.error;
  };
  async function* broken<T>(stream: AsyncIterable<T>, on: FormatFault["on"]): AsyncIterable<T> {
    const fault = take(on);
    let seen = 0;
    for await (const part of stream) {
      if (fault !== null && seen >= (fault.after ?? 0)) throw fault.error;
      seen += 1;
      yield part;
    }
    if (fault !== null) throw fault.error;
  }
  return {
    id: inner.id,
    async recognise(probe: ArtifactProbe) {
      strike("recognise");
      return inner.recognise(probe);
    },
    async open(probe: ArtifactProbe, context: FormatContext): Promise<Content> {
      strike("open");
      const content = await inner.open(probe, context);
      return {
        ...content,
        records: (collectionId, signal) => broken(content.records(collectionId, signal), "records"),
        fileBytes: (fileId, signal) => broken(content.fileBytes(fileId, signal), "fileBytes"),
        close: async () => {
          await content.close();
          strike("close");
        },
      };
    },
    verifyAllStruck() {
      if (waiting.length > 0) throw new Error(`Faults that never struck: ${waiting.map((fault) => fault.on).join(", ")}`);
    },
  };
}
