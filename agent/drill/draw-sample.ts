/** Draws what is restored or compared, by the ledger: each collection a stratum, its records told by keys and times out of the sandbox. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { quoted } from "../core/link-pairs.ts";
import type { Row, Sandbox, SandboxTable } from "../core/ports.ts";
import { RECORDS } from "../core/sampled.ts";
import { stratumId } from "../core/sampling/buckets.ts";
import { NO_LIMIT } from "../core/sampling/budget.ts";
import { drawSample } from "../core/sampling/draw.ts";
import { type Frame, type FrameItem, frameOf, modeFor } from "../core/sampling/frame.ts";
import { parseLedger } from "../core/sampling/packing.ts";
import type { RestoreRequest } from "./protocol.ts";
import { SAMPLED_FILE } from "./protocol.ts";

/** A collection with more is drawn from without the ledger: so many keys are not held at once. */
export const MOST_FRAMED = 300_000;

/** @returns keys to read, by collection id; collections that were too large to be framed are left out */
export async function drawByLedger(
  tables: readonly SandboxTable[],
  sandbox: Pick<Sandbox, "query">,
  request: RestoreRequest,
  always: readonly { readonly collection: string; readonly key: string }[],
  workDir: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { sampling } = request;
  if (sampling === undefined) return new Map();
  const { seed, layer, point, now } = sampling;
  const frames: Frame[] = [];
  const critical = new Map<string, ReadonlySet<string>>();
  for (const table of tables.filter((one) => one.keyed <= MOST_FRAMED && one.loaded === one.keyed)) {
    const { id, name } = table.collection;
    const stratum = { collection: id, kind: RECORDS };
    const items = await itemsOf(table, sandbox, signal);
    const timed = items.every((item) => item.createdAt !== null);
    frames.push(frameOf(seed, stratum, items, { mode: modeFor(items, timed) }));
    const named = always.filter((one) => one.collection === id || one.collection === name).map((one) => one.key);
    if (named.length > 0) critical.set(stratumId(layer, stratum), new Set(named));
  }
  const sample = drawSample({
    seed,
    layer,
    ledger: parseLedger(sampling.ledger),
    frames,
    point,
    now,
    budget: { ...NO_LIMIT, items: request.drawn },
    lanes: { critical, endingWithinMs: 0, share: 0.5 },
  });
  await writeFile(join(workDir, SAMPLED_FILE), JSON.stringify({ taken: sample.taken, census: sample.census }), { flag: "wx", mode: 0o600 });
  return new Map(
    frames.map(({ stratum }) => [stratum.collection, (sample.items.get(stratumId(layer, stratum)) ?? []).map((item) => item.key)]),
  );
}

/** Of several records with one key the first counts: they cannot be told apart. */
async function itemsOf(table: SandboxTable, sandbox: Pick<Sandbox, "query">, signal: AbortSignal): Promise<readonly FrameItem[]> {
  const rows = await sandbox.query(
    `SELECT k, min(epoch_ms(created_at)) AS made, max(epoch_ms(updated_at)) AS edited FROM ${quoted(table.table)} WHERE k IS NOT NULL GROUP BY k ORDER BY k`,
    [],
    { signal, maxRows: MOST_FRAMED },
  );
  return rows.map((row) => ({ key: String(row["k"]), createdAt: momentOf(row["made"]), updatedAt: momentOf(row["edited"]) }));
}

function momentOf(value: Row[string] | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}
