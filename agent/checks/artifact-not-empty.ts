import type { Check } from "../core/ports.ts";
import { describeBytes, describeCount } from "../core/words-for-people.ts";
import { fail, pass } from "./outcome.ts";

export const artifactNotEmpty: Check = {
  id: "artifact.not-empty",
  layer: "artifact",
  question: "Does the backup hold anything at all?",
  needs: "artifact",
  aspect: null,
  pitfalls: ["sizes written as 0 on abort", "content vanishes from an export"],
  limits: "A backup with too little in it is records.count's affair.",
  async run({ artifact, content, damage }) {
    if (artifact.bytes === 0 || damage?.code === "artifact-empty") return fail("it has 0 bytes", { expected: "more than 0 bytes" });
    if (content !== null && content.collections.length === 0 && content.automations.length === 0 && content.files.length === 0) {
      return fail("it opens and holds no collection, no automation and no file", { expected: "something" });
    }
    return pass(
      content === null
        ? describeBytes(artifact.bytes)
        : `${describeBytes(artifact.bytes)} with ${describeCount(content.collections.length, "collection")}`,
      artifact.bytes,
    );
  },
};
