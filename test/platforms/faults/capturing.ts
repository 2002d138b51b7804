/** A capture through a proxy, and everything it took along, so that two can be told apart. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentError } from "../../../agent/core/errors.ts";
import type { CaptureWriter, OpenPlatform } from "../../../agent/core/platform-ports.ts";
import { captureSource } from "../../../agent/engine/capture/capture.ts";
import { openBagWriter } from "../../../agent/formats/bag/writer.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { dirVaultWriter } from "../../../agent/vaults/dir/writer.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import type { FaultyProduct } from "./products.ts";

export type Outcome =
  /** `content`: digest of every record, file and document that went in. */
  | { readonly kind: "complete"; readonly content: string; readonly records: number; readonly changed: readonly string[] }
  | { readonly kind: "error"; readonly error: unknown };

export interface Capturing {
  capture(open: OpenPlatform): Promise<Outcome>;
  /** Files that lie in the vault. */
  visible(): Promise<readonly string[]>;
  /** Nothing in the vault, nothing to resume. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function capturing({ definition }: FaultyProduct): Promise<Capturing> {
  const root = await mkdtemp(join(tmpdir(), "rw-faults-"));
  const [vault, staging] = [join(root, "vault"), join(root, "staging")];
  await mkdir(vault);
  const taken = new Map<string, string>();
  const watched = (writer: CaptureWriter): CaptureWriter => ({
    ...writer,
    page: async (collection, records, cursor) => {
      for (const record of records) taken.set(`${collection.id}/${record.key}`, JSON.stringify(record));
      await writer.page(collection, records, cursor);
    },
    file: async (id, bytes) => {
      const written = await writer.file(id, bytes);
      taken.set(`file ${id}`, written.sha256);
      return written;
    },
    finish: (described, originals, info) => {
      taken.set("described", JSON.stringify([described, originals]));
      return writer.finish(described, originals, info);
    },
  });
  const visible = async (): Promise<readonly string[]> => {
    const entries = await readdir(vault, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  };
  return {
    visible,
    async capture(open) {
      try {
        const result = await captureSource(
          { sourceId: "source", platform: definition.type, prefix: "source/", immutableMs: null, resumeWithinMs: 3_600_000 },
          open,
          {
            clock: systemClock(),
            telemetry: memoryTelemetry(),
            openWriter: async (begin) => {
              const writer = await openBagWriter(staging, begin);
              if (!writer.resumed) taken.clear();
              return watched(writer);
            },
            discard: () => rm(staging, { recursive: true, force: true }),
            seal: null,
            vault: dirVaultWriter(vault, "source/"),
          },
          new AbortController().signal,
        );
        const lines = [...taken].map(([key, value]) => `${key} ${value}`).sort();
        const content = createHash("sha256").update(lines.join("\n")).digest("hex");
        return { kind: "complete", content, records: result.records, changed: result.changed };
      } catch (error) {
        return { kind: "error", error };
      }
    },
    clear: async () => {
      await rm(vault, { recursive: true, force: true });
      await rm(staging, { recursive: true, force: true });
      await mkdir(vault);
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

/** `kind code`, or what else it was: only the former is an outcome anybody can act upon. */
export function reasonOf(error: unknown): string {
  return error instanceof AgentError ? `${error.kind} ${error.code}` : `not an AgentError: ${String(error)}`;
}
