import type { Collection } from "../core/content.ts";
import type { Check, SandboxTable } from "../core/ports.ts";
import type { PointFacts } from "../core/values.ts";
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
      const there = load.tables.some(({ collection }) => isSame(collection, before));
      if (!there && before.records >= LEAST_BEFORE && !isRenamed(before, load.tables, previous))
        wrong.push(`${before.name}: gone, the previous backup had ${describeCount(before.records, "record")}`);
    }
    const all = previous?.inventory.records ?? 0;
    // Many small collections that are emptied together; what one collection lost is said already.
    if (wrong.length === 0 && all >= LEAST_BEFORE && total < all * FALL)
      wrong.push(`${describeCount(total, "record")} in all, the previous backup had ${describeNumber(all)}`);
    const reported = run?.items?.records;
    if (reported !== undefined && reported !== total)
      wrong.push(`${describeCount(total, "record")} there, the backup run reported ${describeNumber(reported)}`);
    if (wrong.length > 0) return fail(listed(wrong, 3), { expected: "the same number everywhere", count: wrong.length });
    const grown = previous === null ? "" : `, ${describeNumber(previous.inventory.records)} in the previous backup`;
    return pass(`${describeCount(total, "record")}${grown}`, total);
  },
};

type Before = PointFacts["collections"][number];

function isSame(collection: Collection, before: Before): boolean {
  return collection.id === before.id || collection.name === before.name;
}

/** A collection that was not there before, with the same fields and about as many records, is the old one under a new name. */
function isRenamed(before: Before, tables: readonly SandboxTable[], previous: PointFacts | null): boolean {
  const fields = before.fields.map((field) => field.id);
  return tables.some(({ collection, read }) => {
    const isNew = previous?.collections.some((other) => isSame(collection, other)) !== true;
    const sameFields = fields.length > 0 && fields.every((id) => collection.fields.some((field) => field.id === id));
    return isNew && sameFields && read >= before.records * FALL && read * FALL <= before.records;
  });
}
