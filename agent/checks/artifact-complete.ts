import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { fail, listed, pass, skip } from "./outcome.ts";

export const artifactComplete: Check = {
  id: "artifact.complete",
  layer: "artifact",
  question: "Is the backup whole: does it end where it should, and is every part it names there?",
  needs: "artifact",
  aspect: null,
  pitfalls: ["truncated file or part", "records missing through paging"],
  limits: "Sees the container, not records that were never written into it.",
  async run({ content, damage }) {
    if (damage !== null) return skip("it is damaged: see artifact.readable");
    if (content === null) return skip("it was not opened, for a reason of ours");
    const { complete, problems } = content.integrity;
    if (!complete)
      return fail(problems.length === 0 ? "its own structure is broken" : listed(problems, 2), {
        expected: "a whole backup",
        count: Math.max(1, problems.length),
      });
    return pass(
      problems.length === 0 ? "its own structure is whole" : `whole; ${describeCount(problems.length, "remark")}: ${listed(problems, 2)}`,
      1,
    );
  },
};
