import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { changed, contentOf, fail, listed, pass } from "./outcome.ts";

export const structureCollections: Check = {
  id: "structure.collections",
  layer: "content",
  question: "Are all collections (tables) there, each once?",
  needs: "content",
  aspect: null,
  pitfalls: ["rows and whole tables missing after an import", "duplicate or restore silently drops tables"],
  limits: "A collection that was dropped on purpose and one the backup lost look alike without production: both are shown as changed.",
  async run(view, { previous }) {
    const { collections } = contentOf(view);
    const twice = collections
      .filter((one, index) => collections.findIndex((other) => other.id === one.id) !== index)
      .map((one) => one.name);
    if (twice.length > 0) return fail(`${listed(twice)} defined twice`, { expected: "each collection once", count: twice.length });
    const lost = (previous?.collections ?? [])
      .filter((before) => !collections.some((one) => one.id === before.id || one.name === before.name))
      .map((before) => before.name);
    if (lost.length > 0)
      return changed(`${listed(lost)} no longer there`, { expected: "the collections of the previous backup", count: lost.length });
    return pass(describeCount(collections.length, "collection"), collections.length);
  },
};
