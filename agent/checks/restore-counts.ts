import type { Check } from "../core/ports.ts";
import { describeCount, describeNumber } from "../core/words-for-people.ts";
import { fail, listed, loadedOf, pass } from "./outcome.ts";
import { quoted } from "./scan.ts";

export const restoreCounts: Check = {
  id: "restore.counts",
  layer: "content",
  question: "Asked itself, does the sandbox hold as many records as the loader said, without a gap between the first and the last?",
  needs: "sandbox",
  aspect: null,
  pitfalls: ["importer says ok and wrote less", "importer reports more than it wrote"],
  limits: "Counts rows and their order; what stands in them is the other checks' affair.",
  async run(view) {
    const { load, sandbox } = loadedOf(view);
    const wrong: string[] = [];
    let counted = 0;
    for (const { collection, table, keys, loaded, keyed } of load.tables) {
      const [row] = await sandbox.query(
        `SELECT (SELECT count(*) FROM ${quoted(table)}) AS rows, count(*) AS keys, coalesce(max(n) + 1, 0) AS last, coalesce(min(n), 0) AS first
           FROM ${quoted(keys)}`,
        [],
        { signal: view.signal },
      );
      const of = (name: string): number => Number(row?.[name] ?? 0);
      counted += of("rows");
      if (of("rows") !== loaded)
        wrong.push(`${collection.name}: ${describeNumber(of("rows"))} there, the loader said ${describeNumber(loaded)}`);
      else if (of("keys") !== keyed)
        wrong.push(`${collection.name}: ${describeCount(of("keys"), "key")} there, the loader said ${describeNumber(keyed)}`);
      else if (of("first") !== 0 || of("last") !== of("keys"))
        wrong.push(`${collection.name}: ${describeCount(of("keys"), "record")} numbered up to ${describeNumber(of("last"))}`);
    }
    if (wrong.length > 0) return fail(listed(wrong, 3), { expected: "what the loader said", count: wrong.length });
    return pass(`${describeCount(counted, "row")} counted in ${describeCount(load.tables.length, "table")}, as the loader said`, counted);
  },
};
