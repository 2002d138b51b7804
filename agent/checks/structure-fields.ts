import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { changed, contentOf, fail, listed, pass, placeOf } from "./outcome.ts";

export const structureFields: Check = {
  id: "structure.fields",
  layer: "content",
  question: "Are all fields (columns) there, each once, and does every link lead to a collection of the backup?",
  needs: "content",
  aspect: null,
  pitfalls: ["partial schema apply drops foreign keys", "field dropped"],
  limits: "A field removed on purpose and one the backup lost look alike without production: both are shown as changed.",
  async run(view, { previous }) {
    const { collections } = contentOf(view);
    const twice = collections.flatMap((one) =>
      one.fields
        .filter((field, index) => one.fields.findIndex((other) => other.id === field.id) !== index)
        .map((field) => placeOf(one, field)),
    );
    if (twice.length > 0) return fail(`${listed(twice)} defined twice`, { expected: "each field once", count: twice.length });
    const astray = collections.flatMap((one) =>
      one.fields
        .filter((field) => field.link !== null && !collections.some((other) => other.id === field.link?.collection))
        .map((field) => placeOf(one, field)),
    );
    if (astray.length > 0)
      return fail(`${listed(astray)} links to a collection that is not in the backup`, {
        expected: "every link leads somewhere",
        count: astray.length,
      });
    const lost = (previous?.collections ?? []).flatMap((before) => {
      const now = collections.find((one) => one.id === before.id || one.name === before.name);
      return now === undefined
        ? []
        : before.fields.filter((field) => !now.fields.some((other) => other.id === field.id)).map((field) => placeOf(now, field));
    });
    if (lost.length > 0)
      return changed(`${listed(lost)} no longer there`, { expected: "the fields of the previous backup", count: lost.length });
    const count = collections.reduce((sum, one) => sum + one.fields.length, 0);
    return pass(describeCount(count, "field"), count);
  },
};
