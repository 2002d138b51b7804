import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { contentOf, fail, listed, loadedOf, pass, placeOf, skip, unreadNote } from "./outcome.ts";
import { quoted } from "./scan.ts";

export const filesPresent: Check = {
  id: "files.present",
  layer: "content",
  question: "Is every attachment that a record names in the backup?",
  needs: "sandbox",
  aspect: "files",
  pitfalls: ["attachment not in the backup", "attachments shared with the source and deleted with it"],
  limits: "Attachments kept in another store by design are only counted.",
  async run(view) {
    const { files } = contentOf(view);
    const { load, sandbox } = loadedOf(view);
    const known = JSON.stringify(files.map((file) => file.id));
    const missing = files.filter((file) => file.presence === "missing");
    const examples = missing.slice(0, 5).map((file) => ({ collection: "attachments", item: file.id }));
    const places: string[] = [];
    let unknown = 0;
    for (const table of load.tables.filter(({ collection }) => !collection.computed)) {
      for (const { field, column, list } of table.columns) {
        if (field.computed || (field.type !== "file" && field.type !== "files")) continue;
        const values = list
          ? `SELECT k, n, unnest(${quoted(column)}) AS f FROM ${quoted(table.table)}`
          : `SELECT k, n, ${quoted(column)} AS f FROM ${quoted(table.table)}`;
        const rows = await sandbox.query(
          `SELECT arg_min(k, n) AS k, count(*) OVER () AS lost FROM (${values}) WHERE f IS NOT NULL AND f NOT IN (SELECT unnest(from_json($1, '["VARCHAR"]'))) GROUP BY f ORDER BY min(n) LIMIT 5`,
          [known],
          { signal: view.signal },
        );
        if (rows.length === 0) continue;
        unknown += Number(rows[0]?.["lost"] ?? 0);
        places.push(placeOf(table.collection, field));
        examples.push(
          ...rows.map((row) => view.example(table.collection, String(row["k"]), field.name, "names an attachment that is not there")),
        );
      }
    }
    const outside = files.filter((file) => file.presence === "outside").length;
    const count = missing.length + unknown;
    if (count > 0)
      return fail(`${describeCount(count, "attachment")} not in the backup${places.length > 0 ? `, named in ${listed(places)}` : ""}`, {
        expected: "every attachment",
        count,
        examples: examples.slice(0, 5),
      });
    if (files.length === 0) return skip("the backup names no attachment");
    if (outside === files.length) return skip(`${describeCount(outside, "attachment")}, all kept in another store by design`);
    return pass(
      `${describeCount(files.length - outside, "attachment")} there${outside > 0 ? `, ${outside} kept elsewhere by design` : ""}${unreadNote(files)}`,
      files.length,
    );
  },
};
