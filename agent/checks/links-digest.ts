import { comparable } from "../core/link-pairs.ts";
import type { Check } from "../core/ports.ts";
import type { LinkFacts, PointFacts } from "../core/values.ts";
import { describeCount, describeNumber } from "../core/words-for-people.ts";
import { linkColumnsOf } from "./links.ts";
import { changed, fail, listed, loadedOf, pass, placeOf, skip } from "./outcome.ts";

export const linksDigest: Check = {
  id: "links.digest",
  layer: "content",
  question: "Do records still point to the same records as in the previous backup, where nobody edited them?",
  needs: "sandbox",
  aspect: "links",
  pitfalls: ["relations swapped between records while the counts stay equal", "links gone after duplicate or restore"],
  limits:
    "Needs an earlier verified backup. Kept is one digest a field, so it knows that pairs changed, not which: as soon as a record of either side was edited, added or removed since, or where records do not say when they were edited, a change is shown as changed, never as a failure. Where a platform does not count a new link as an edit, it is a failure here.",
  async run(view, { previous }) {
    const { load } = loadedOf(view);
    const columns = linkColumnsOf(view);
    if (columns.length === 0) return skip("the backup holds no links");
    if (load.checked < load.population || view.facts?.links === undefined)
      return skip("only a sample was loaded, and a digest takes all pairs");
    if (previous === null) return skip("there is no earlier verified backup to compare with");
    if (previous.links === undefined) return skip("of the earlier verified backup no digests are known");
    const failures: string[] = [];
    const changes: string[] = [];
    let pairs = 0;
    let fields = 0;
    for (const { table, field, target } of columns) {
      const of = (facts: PointFacts): LinkFacts | undefined =>
        facts.links?.find((one) => one.collection === table.collection.id && one.field === field.id);
      const [now, before] = [of(view.facts), of(previous)];
      if (now === undefined || before === undefined || !comparable(now.digest, before.digest)) continue;
      fields += 1;
      pairs += now.pairs;
      if (now.digest === before.digest) continue;
      const place = placeOf(table.collection, field);
      const sides = [table.collection.id, target.collection.id];
      if (sides.every((id) => isUntouched(id, view.facts, previous)))
        failures.push(`${place}: ${difference(now, before)}, though no record of either side was edited since`);
      else changes.push(`${place}: ${difference(now, before)}`);
    }
    const expected = "the pairs of the previous backup";
    if (failures.length > 0) return fail(listed(failures, 3), { expected, count: failures.length });
    if (changes.length > 0) return changed(listed(changes, 3), { expected, count: changes.length });
    if (fields === 0) return skip("no link field of this backup can be compared with the earlier one");
    return pass(`${describeCount(pairs, "pair")} in ${describeCount(fields, "field")}, the same as before`, pairs);
  },
};

/**
 * As many records as before, and the latest edit is the very one that was the latest then: an edit since would be later, an added or
 * removed record would be counted.
 */
function isUntouched(collection: string, now: PointFacts | null, before: PointFacts): boolean {
  const of = (facts: PointFacts | null): PointFacts["collections"][number] | undefined =>
    facts?.collections.find((one) => one.id === collection);
  const [here, there] = [of(now), of(before)];
  if (here === undefined || there === undefined || here.records !== there.records) return false;
  return typeof here.editedAt === "number" && here.editedAt === there.editedAt;
}

function difference(now: LinkFacts, before: LinkFacts): string {
  if (now.pairs !== before.pairs) return `${describeCount(now.pairs, "pair")}, ${describeNumber(before.pairs)} before`;
  return `as many pairs as before (${describeNumber(now.pairs)}), but other ones`;
}
