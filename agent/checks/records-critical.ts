import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { fail, listed, loadedOf, pass, skip } from "./outcome.ts";
import { quoted } from "./scan.ts";

export const recordsCritical: Check = {
  id: "records.critical",
  layer: "content",
  question: "Are the records that must never be missing there?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["the one record everybody needs is not in the backup"],
  limits: "Only the records named in the configuration (verify.critical).",
  async run(view, { critical }) {
    if (critical.length === 0) return skip("no record was named as critical (verify.critical)");
    const { load, sandbox } = loadedOf(view);
    const missing = [];
    const words: string[] = [];
    for (const wanted of critical) {
      const table = load.tables.find(({ collection }) => collection.id === wanted.collection || collection.name === wanted.collection);
      const rows =
        table === undefined
          ? []
          : await sandbox.query(`SELECT k FROM ${quoted(table.keys)} WHERE k = $1 LIMIT 1`, [wanted.key], { signal: view.signal });
      if (rows.length > 0) continue;
      words.push(wanted.collection);
      missing.push(
        table === undefined
          ? { collection: wanted.collection, item: "", note: "there is no such collection" }
          : view.example(table.collection, wanted.key),
      );
    }
    if (missing.length > 0)
      return fail(`${describeCount(missing.length, "critical record")} missing in ${listed([...new Set(words)])}`, {
        expected: describeCount(critical.length, "critical record"),
        count: missing.length,
        examples: missing.slice(0, 5),
      });
    return pass(`${describeCount(critical.length, "critical record")} there`, critical.length);
  },
};
