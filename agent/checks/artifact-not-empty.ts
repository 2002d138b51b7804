import type { Check, CheckView, Content } from "../core/ports.ts";
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
  async run(view) {
    const { artifact, content, damage } = view;
    if (artifact.bytes === 0 || damage?.code === "artifact-empty") return fail("it has 0 bytes", { expected: "more than 0 bytes" });
    if (content !== null && damage === null && !(await holdsAnything(content, view))) {
      return fail("it opens and holds no record, automation, credential, file, view or permission", { expected: "something" });
    }
    return pass(
      content === null
        ? describeBytes(artifact.bytes)
        : `${describeBytes(artifact.bytes)} with ${describeCount(content.collections.length, "collection")}`,
      artifact.bytes,
    );
  },
};

/** Records are looked for last, and one is enough: most backups are told by what they list. */
async function holdsAnything(content: Content, { signal }: Pick<CheckView, "signal">): Promise<boolean> {
  const { automations, credentials, files, views, access, aspects, collections } = content;
  // A structure by itself is something; that there are no records in it is said where records are asked for.
  if (!aspects.records.included && collections.length > 0) return true;
  if ([automations, credentials, files, views, access].some((list) => list.length > 0)) return true;
  for (const collection of collections) {
    for await (const batch of content.records(collection.id, signal)) if (batch.length > 0) return true;
  }
  return false;
}
