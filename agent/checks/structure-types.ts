import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { changed, contentOf, listed, pass, placeOf, skip } from "./outcome.ts";

export const structureTypes: Check = {
  id: "structure.types",
  layer: "content",
  question: "Have fields kept their types since the previous backup?",
  needs: "content",
  aspect: null,
  pitfalls: ["field type changed", "schema drift"],
  limits: "Whether values fit their types is records.types' affair; without an earlier backup there is nothing to compare with.",
  async run(view, { previous }) {
    if (previous === null) return skip("there is no earlier verified backup to compare with");
    const { collections } = contentOf(view);
    let compared = 0;
    const other = collections.flatMap((one) => {
      const before = previous.collections.find((candidate) => candidate.id === one.id);
      return one.fields.flatMap((field) => {
        const old = before?.fields.find((candidate) => candidate.id === field.id);
        if (old === undefined) return [];
        compared += 1;
        return old.type === field.type && old.computed === field.computed
          ? []
          : [`${placeOf(one, field)}: ${old.type} became ${field.type}`];
      });
    });
    if (other.length > 0) return changed(listed(other, 3), { expected: "the types of the previous backup", count: other.length });
    return pass(`${describeCount(compared, "field")} of the same type as before`, compared);
  },
};
