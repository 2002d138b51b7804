import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { contentOf, fail, pass, skip } from "./outcome.ts";

export const automationsReferences: Check = {
  id: "automations.references",
  layer: "content",
  question: "Does every automation find the parts it calls: sub-flows, collections, credentials, modules?",
  needs: "content",
  aspect: "automations",
  pitfalls: ["workflow id changes cut parent and sub-workflow links"],
  limits: "What lies outside the backup by its nature (an exported selection) is not called missing.",
  async run(view) {
    const { automations } = contentOf(view);
    const broken = automations.flatMap((one) =>
      one.references.filter((reference) => !reference.resolved).map((reference) => ({ automation: one, reference })),
    );
    if (broken.length > 0) {
      const examples = broken.slice(0, 5).map(({ automation, reference }) => ({
        collection: "automations",
        item: automation.id,
        note: `${reference.kind} ${reference.target} is not there`.slice(0, 300),
      }));
      const [first] = broken;
      const which = first === undefined ? "" : `: "${first.automation.name}" wants ${first.reference.kind} ${first.reference.target}`;
      return fail(`${describeCount(broken.length, "part")} that automations call and the backup lacks${which}`, {
        expected: "every part there",
        count: broken.length,
        examples,
      });
    }
    const count = automations.reduce((sum, one) => sum + one.references.length, 0);
    if (count === 0) return skip(automations.length === 0 ? "the backup holds no automation" : "no automation refers to anything");
    return pass(`${describeCount(count, "reference")} of ${describeCount(automations.length, "automation")} found`, count);
  },
};
