import type { LinkColumn } from "../core/link-pairs.ts";
import type { Check } from "../core/ports.ts";
import { describeCount, describeNumber } from "../core/words-for-people.ts";
import { linkColumnsOf } from "./links.ts";
import { fail, listed, loadedOf, pass, placeOf, skip } from "./outcome.ts";
import { quoted, spread } from "./scan.ts";

export const linksReciprocal: Check = {
  id: "links.reciprocal",
  layer: "content",
  question: "Where both sides of a relation are kept, do they agree?",
  needs: "sandbox",
  aspect: "links",
  pitfalls: ["relations swapped between records while the counts stay equal", "reciprocal side missing"],
  limits: "One-sided links have no other side to disagree with; a swap made on both sides alike is not seen.",
  async run(view) {
    const { sandbox } = loadedOf(view);
    const relations = bothSides(linkColumnsOf(view));
    if (relations.length === 0) return skip("no relation of this backup keeps both sides");
    const apart = [];
    let looked = 0;
    for (const [one, other] of relations) {
      // Pairs of which either record was not sampled say nothing.
      const forward = `SELECT k AS x, t AS y FROM (${one.pairs}) WHERE t IN (SELECT k FROM ${quoted(one.target.table)})`;
      const back = `SELECT t AS x, k AS y FROM (${other.pairs}) WHERE t IN (SELECT k FROM ${quoted(other.target.table)})`;
      const odd = `(SELECT x, y, true AS first FROM (${forward} EXCEPT ${back})) UNION ALL (SELECT x, y, false AS first FROM (${back} EXCEPT ${forward}))`;
      const [row] = await sandbox.query(
        `SELECT (SELECT count(*) FROM (${forward})) AS looked, (SELECT count(*) FROM (${odd})) AS wrong`,
        [],
        { signal: view.signal },
      );
      looked += Number(row?.["looked"] ?? 0);
      const count = Number(row?.["wrong"] ?? 0);
      if (count === 0) continue;
      const rows = await sandbox.query(`SELECT x, y, first FROM (${odd}) ORDER BY first DESC, x, y LIMIT 5`, [], { signal: view.signal });
      const examples = rows.map((found) =>
        found["first"] === true
          ? view.example(
              one.table.collection,
              String(found["x"]),
              one.field.name,
              `points there, ${placeOf(other.table.collection, other.field)} does not point back`,
            )
          : view.example(
              other.table.collection,
              String(found["y"]),
              other.field.name,
              `points there, ${placeOf(one.table.collection, one.field)} does not point back`,
            ),
      );
      apart.push({
        place: `${placeOf(one.table.collection, one.field)} and ${placeOf(other.table.collection, other.field)}`,
        count,
        examples,
      });
    }
    if (apart.length === 0 && looked === 0) return skip("no relation that keeps both sides is filled in");
    if (apart.length === 0) return pass(`both sides of ${describeCount(looked, "pair")} agree`, looked);
    const total = apart.reduce((sum, found) => sum + found.count, 0);
    const places = apart.map((found) => `${found.place}${apart.length > 1 ? ` (${describeNumber(found.count)})` : ""}`);
    return fail(`${describeCount(total, "pair")} that only one side knows, swapped or lost, between ${listed(places, 2)}`, {
      expected: "both sides agree",
      count: total,
      examples: spread(apart),
    });
  },
};

/** Each relation once. */
function bothSides(columns: readonly LinkColumn[]): [LinkColumn, LinkColumn][] {
  const seen = new Set<string>();
  return columns.flatMap((one): [LinkColumn, LinkColumn][] => {
    if (one.reciprocal === null) return [];
    const other = columns.find(
      (candidate) => candidate.field.id === one.reciprocal && candidate.table === one.target && candidate.target === one.table,
    );
    if (other === undefined) return [];
    const key = [`${one.table.table}.${one.field.id}`, `${other.table.table}.${other.field.id}`].sort().join(" ");
    if (seen.has(key)) return [];
    seen.add(key);
    return [[one, other]];
  });
}
