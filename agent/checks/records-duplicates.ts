import type { Check } from "../core/ports.ts";
import { describeCount, describeNumber } from "../core/words-for-people.ts";
import { fail, listed, loadedOf, pass, skip } from "./outcome.ts";
import { quoted } from "./scan.ts";

export const recordsDuplicates: Check = {
  id: "records.duplicates",
  layer: "content",
  question: "Is every record there only once, by its key?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["rows duplicated by a repeated import", "primary key duplicated"],
  limits: "Two records of the same content under different keys are not duplicates here.",
  async run(view) {
    const { load, sandbox } = loadedOf(view);
    let looked = 0;
    let extra = 0;
    const places: string[] = [];
    const examples = [];
    for (const table of load.tables) {
      looked += table.keyed;
      const rows = await sandbox.query(
        `SELECT k, count(*) AS c, sum(count(*) - 1) OVER () AS extra FROM ${quoted(table.keys)} GROUP BY k HAVING count(*) > 1 ORDER BY min(n) LIMIT 5`,
        [],
        { signal: view.signal },
      );
      const more = Number(rows[0]?.["extra"] ?? 0);
      if (more === 0) continue;
      extra += more;
      places.push(`${table.collection.name}${load.tables.length > 1 ? ` (${describeNumber(more)})` : ""}`);
      examples.push(...rows.map((row) => view.example(table.collection, String(row["k"]), undefined, `there ${Number(row["c"])} times`)));
    }
    if (extra > 0)
      return fail(`${describeCount(extra, "record")} too many under a key that is taken, in ${listed(places)}`, {
        expected: "each key once",
        count: extra,
        examples: examples.slice(0, 5),
      });
    if (looked === 0) return skip("the backup holds no records");
    return pass(`${describeCount(looked, "key")}, each once`, looked);
  },
};
