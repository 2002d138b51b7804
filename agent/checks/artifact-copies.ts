import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { fail, pass, skip } from "./outcome.ts";

export const artifactCopies: Check = {
  id: "artifact.copies",
  layer: "artifact",
  question: "Are there as many backups to go back to as were asked for?",
  needs: "artifact",
  aspect: null,
  pitfalls: ["retention removed what was still needed"],
  limits: "Counts backups that are listed; each is judged by its own drill.",
  async run(_, { points, objectives }) {
    if (points === null || objectives.minPoints === null) return skip("no number of backups was asked for (backups.minPoints)");
    if (points.count < objectives.minPoints)
      return fail(describeCount(points.count, "backup"), {
        expected: `at least ${objectives.minPoints}`,
        count: objectives.minPoints - points.count,
      });
    return pass(describeCount(points.count, "backup"), points.count);
  },
};
