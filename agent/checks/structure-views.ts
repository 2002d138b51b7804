import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { changed, contentOf, fail, listed, pass, skip } from "./outcome.ts";

export const structureViews: Check = {
  id: "structure.views",
  layer: "content",
  question: "Are the views there, and does each find the collection and fields it shows?",
  needs: "content",
  aspect: "views",
  pitfalls: ["all views and lookups lost on duplicate", "select filters lost"],
  limits: "What a view looks like to a person is not compared.",
  async run(view, { previous }) {
    const { views } = contentOf(view);
    const broken = views.filter((one) => one.broken !== null);
    if (broken.length > 0) {
      const examples = broken.slice(0, 5).map((one) => ({ collection: one.collection ?? "", item: one.id, note: one.broken ?? "" }));
      return fail(`${describeCount(broken.length, "view")} broken: ${broken[0]?.broken ?? ""}`, {
        expected: "every view finds what it shows",
        count: broken.length,
        examples,
      });
    }
    const lost = (previous?.views ?? []).filter((before) => !views.some((one) => one.id === before.id)).map((before) => before.name);
    if (lost.length > 0)
      return changed(`${listed(lost)} no longer there`, { expected: "the views of the previous backup", count: lost.length });
    if (views.length === 0) return skip("the backup holds no view, and the earlier one knew of none");
    return pass(describeCount(views.length, "view"), views.length);
  },
};
