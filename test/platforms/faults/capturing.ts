/** A capture through a proxy, and everything it took along, so that two can be told apart. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent } from "undici";
import { AgentError } from "../../../agent/core/errors.ts";
import type { CaptureWriter, OpenPlatform } from "../../../agent/core/platform-ports.ts";
import type { Clock } from "../../../agent/core/ports.ts";
import { captureSource } from "../../../agent/engine/capture/capture.ts";
import { createHttpFactory } from "../../../agent/engine/platforms/http.ts";
import { openBagWriter } from "../../../agent/formats/bag/writer.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { bindSecrets } from "../../../agent/kit/secret.ts";
import { dirVaultWriter } from "../../../agent/vaults/dir/writer.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import type { FaultyProduct, Started } from "./products.ts";

export type Outcome =
  /** `content`: digest of every record, file and document that went in. */
  | { readonly kind: "complete"; readonly content: string; readonly records: number; readonly changed: readonly string[] }
  | { readonly kind: "error"; readonly error: unknown };

export interface Capturing {
  open(timeoutMs?: number): OpenPlatform;
  capture(timeoutMs?: number): Promise<Outcome>;
  /** Files that lie in the vault. */
  visible(): Promise<readonly string[]>;
  /** Nothing in the vault, nothing to resume. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** Waits are over at once, and time has passed. */
function hastyClock(): Clock {
  const real = systemClock();
  let ahead = 0;
  return {
    ...real,
    now: () => real.now() + ahead,
    monotonic: () => real.monotonic() + ahead,
    sleep: (ms, signal) => {
      signal?.throwIfAborted();
      ahead += ms;
      return Promise.resolve();
    },
  };
}

export async function capturing(product: FaultyProduct, started: Started, url: string): Promise<Capturing> {
  const root = await mkdtemp(join(tmpdir(), "rw-faults-"));
  const [vault, staging] = [join(root, "vault"), join(root, "staging")];
  await mkdir(vault);
  const dispatcher = new Agent();
  const taken = new Map<string, string>();
  const random = { next: () => 0, bytes: (count: number) => new Uint8Array(count) };
  const { definition } = product;

  const open = (timeoutMs = 20_000): OpenPlatform => {
    const [clock, telemetry] = [hastyClock(), memoryTelemetry()];
    const budgets = { spend: () => Promise.resolve({ granted: true, left: 1 }) };
    const http = createHttpFactory({ clock, random, telemetry, dispatcher, timeoutMs, budgets });
    const config = definition.schema.parse({ url, ...started.config });
    return definition.open(bindSecrets(config, { env: started.secrets, baseDir: "/" }).value, { clock, random, telemetry, http });
  };
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
    open,
    visible,
    async capture(timeoutMs) {
      try {
        const result = await captureSource(
          { sourceId: "source", platform: definition.type, prefix: "source/", immutableMs: null, resumeWithinMs: 3_600_000 },
          open(timeoutMs),
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
    close: async () => {
      await dispatcher.destroy();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** `kind code`, or what else it was: only the former is an outcome anybody can act upon. */
export function reasonOf(error: unknown): string {
  return error instanceof AgentError ? `${error.kind} ${error.code}` : `not an AgentError: ${String(error)}`;
}
