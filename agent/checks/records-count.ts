import type { Check } from "../core/ports.ts";
import { describeCount, describeNumber } from "../core/words-for-people.ts";
import { fail, listed, loadedOf, pass } from "./outcome.ts";

/** A collection this small may lose half of itself on any ordinary day. */
const LEAST_BEFORE = 20;
const FALL = 0.5;

export const recordsCount: Check = {
  id: "records.count",
  layer: "content",
  question:
    "Is the number of records the same everywhere it is told: reader, sandbox, manifest, run report; and not suddenly half of before?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["rows missing on import", "records missing through paging", "importer reports more than it wrote"],
  limits: "Records that neither a manifest, a run report nor an earlier backup knew of cannot be missed.",
  async run(view, { run, previous }) {
    const { load } = loadedOf(view);
    const wrong: string[] = [];
    let total = 0;
    for (const { collection, read, keyed } of load.tables) {
      if (!collection.computed) total += read;
      if (read !== keyed) wrong.push(`${collection.name}: ${describeNumber(read)} read, ${describeNumber(keyed)} in the sandbox`);
      if (collection.declaredRecords !== null && collection.declaredRecords !== read)
        wrong.push(`${collection.name}: ${describeNumber(read)} there, ${describeNumber(collection.declaredRecords)} declared`);
      const before = previous?.collections.find((candidate) => candidate.id === collection.id)?.records ?? 0;
      if (!collection.computed && before >= LEAST_BEFORE && read < before * FALL)
        wrong.push(`${collection.name}: ${describeCount(read, "record")}, the previous backup had ${describeNumber(before)}`);
    }
    for (const before of previous?.collections ?? []) {
      const there = load.tables.some((table) => table.collection.id === before.id || table.collection.name === before.name);
      if (!there && before.records >= LEAST_BEFORE)
        wrong.push(`${before.name}: gone, the previous backup had ${describeCount(before.records, "record")}`);
    }
    const reported = run?.items?.records;
    if (reported !== undefined && reported !== total)
      wrong.push(`${describeCount(total, "record")} there, the backup run reported ${describeNumber(reported)}`);
    if (wrong.length > 0) return fail(listed(wrong, 3), { expected: "the same number everywhere", count: wrong.length });
    const grown = previous === null ? "" : `, ${describeNumber(previous.inventory.records)} in the previous backup`;
    return pass(`${describeCount(total, "record")}${grown}`, total);
  },
};
