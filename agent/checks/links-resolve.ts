import type { Check } from "../core/ports.ts";
import { describeCount, describeNumber } from "../core/words-for-people.ts";
import { linkColumnsOf } from "./links.ts";
import { fail, listed, loadedOf, pass, placeOf, skip } from "./outcome.ts";
import { quoted, spread } from "./scan.ts";

/** A row number, a UUID, an id of random characters: what leads nowhere may also be people's text, and that is not told. */
const MADE_BY_A_PLATFORM = /^(?:\d{1,8}|[0-9a-f]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|rec[A-Za-z0-9]{14})$/u;

export const linksResolve: Check = {
  id: "links.resolve",
  layer: "content",
  question: "Does every reference from one record to another lead to a record that is there?",
  needs: "sandbox",
  aspect: "links",
  pitfalls: ["workflow id changes cut links", "links gone after duplicate or restore", "dangling link"],
  limits: "A reference that leads to the wrong record is links.reciprocal's affair.",
  async run(view) {
    const { sandbox } = loadedOf(view);
    const links = linkColumnsOf(view);
    if (links.length === 0) return skip("the backup holds no links");
    const dangling = [];
    let looked = 0;
    for (const { table, field, target, pairs } of links) {
      const [row] = await sandbox.query(
        `SELECT count(*) AS looked, count(*) FILTER (WHERE NOT known) AS wrong FROM (SELECT t IN (SELECT k FROM ${quoted(target.keys)}) AS known FROM (${pairs}))`,
        [],
        { signal: view.signal },
      );
      looked += Number(row?.["looked"] ?? 0);
      const count = Number(row?.["wrong"] ?? 0);
      if (count === 0) continue;
      const rows = await sandbox.query(
        `SELECT k, n, min(t) AS t FROM (${pairs}) WHERE t NOT IN (SELECT k FROM ${quoted(target.keys)}) GROUP BY k, n ORDER BY n LIMIT 5`,
        [],
        { signal: view.signal },
      );
      dangling.push({
        place: placeOf(table.collection, field),
        count,
        examples: rows.map((one) => {
          const key = String(one["t"]);
          const told = target.collection.keyKind === "platform" && MADE_BY_A_PLATFORM.test(key) ? ` ${key}` : "";
          const note = `leads to${told} in ${target.collection.name}, which is not there`;
          return view.example(table.collection, String(one["k"]), field.name, note);
        }),
      });
    }
    if (dangling.length === 0 && looked === 0) return skip("no link of the backup is filled in");
    if (dangling.length === 0)
      return pass(`${describeCount(looked, "reference")} lead somewhere`.replace("1 reference lead", "1 reference leads"), looked);
    const total = dangling.reduce((sum, one) => sum + one.count, 0);
    const places = dangling
      .toSorted((a, b) => b.count - a.count)
      .map((one) => `${one.place}${dangling.length > 1 ? ` (${describeNumber(one.count)})` : ""}`);
    return fail(`${describeCount(total, "dangling reference")} in ${listed(places)}`, {
      expected: "0",
      count: total,
      examples: spread(dangling),
    });
  },
};
