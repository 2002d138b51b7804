/** What both access checks ask, each of its own kinds of entry. Not a check itself. */
import type { CheckOutcome, CheckView, Expectation } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { changed, contentOf, fail, pass, skip } from "./outcome.ts";

export async function accessOutcome(kinds: readonly string[], view: CheckView, { previous }: Expectation): Promise<CheckOutcome> {
  const entries = contentOf(view).access.filter((entry) => kinds.includes(entry.kind));
  const broken = entries.filter((entry) => entry.broken !== null);
  if (broken.length > 0) {
    const examples = broken.slice(0, 5).map((entry) => ({ collection: entry.kind, item: entry.id, note: entry.broken ?? "" }));
    return fail(`${describeCount(broken.length, "entry", "entries")} broken: ${broken[0]?.broken ?? ""}`, {
      expected: "every entry finds what it is about",
      count: broken.length,
      examples,
    });
  }
  const lost = (previous?.access ?? []).filter((before) => kinds.includes(before.kind) && !entries.some((entry) => entry.id === before.id));
  if (lost.length > 0)
    return changed(`${describeCount(lost.length, "entry", "entries")} no longer there`, {
      expected: "those of the previous backup",
      count: lost.length,
    });
  if (entries.length === 0) return skip("the backup defines none");
  return pass(describeCount(entries.length, "entry", "entries"), entries.length);
}
