import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { fail, listed, loadedOf, pass, skip } from "./outcome.ts";
import { quoted } from "./scan.ts";

export const recordsSequence: Check = {
  id: "records.sequence",
  layer: "content",
  question: "Would the next record get a key that is free?",
  needs: "sandbox",
  aspect: "sequences",
  pitfalls: ["sequence not advanced after an import: the next insert has to be unique"],
  limits: "Only where the backup says which key comes next.",
  async run(view) {
    const { load, sandbox } = loadedOf(view);
    const asked = load.tables.filter((table) => table.collection.nextKey !== null);
    const behind: string[] = [];
    for (const { collection, keys } of asked) {
      const [row] = await sandbox.query(`SELECT CAST(max(TRY_CAST(k AS HUGEINT)) AS VARCHAR) AS top FROM ${quoted(keys)}`, [], {
        signal: view.signal,
      });
      const top = row?.["top"];
      if (typeof top === "string" && BigInt(top) >= BigInt(collection.nextKey ?? "0"))
        behind.push(`${collection.name}: next would be ${collection.nextKey ?? ""}, ${top} is taken`);
    }
    if (asked.length === 0) return skip("the backup does not say which key comes next");
    if (behind.length > 0) return fail(listed(behind, 3), { expected: "a free key comes next", count: behind.length });
    return pass(`${describeCount(asked.length, "sequence")} ahead of the greatest key`, asked.length);
  },
};
