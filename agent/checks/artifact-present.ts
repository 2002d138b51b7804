import type { Check } from "../core/ports.ts";
import { describeBytes, describeCount } from "../core/words-for-people.ts";
import { fail, pass } from "./outcome.ts";

export const artifactPresent: Check = {
  id: "artifact.present",
  layer: "artifact",
  question: "Is the backup there, with at least one file in it?",
  needs: "artifact",
  aspect: null,
  pitfalls: ["backup job reports success and writes nothing"],
  limits: "Says nothing of what the files hold.",
  async run({ artifact }) {
    if (artifact.files === 0) return fail("the folder holds no file", { expected: "at least one file" });
    return pass(`${describeCount(artifact.files, "file")}, ${describeBytes(artifact.bytes)}`, artifact.files);
  },
};
