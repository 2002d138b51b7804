import { ASPECTS } from "../core/content.ts";
import type { Check } from "../core/ports.ts";
import { contentOf, fail, listed, pass } from "./outcome.ts";

export const baselineFidelity: Check = {
  id: "baseline.fidelity",
  layer: "content",
  question: "What can this way of backing up never bring back, and is it no more than it was?",
  needs: "content",
  aspect: null,
  pitfalls: ["all views and lookups lost on duplicate", "permissions and flows lost on restore"],
  limits: "Says what the format or the product's API leaves out as a whole; what it loses of one record, the other checks tell.",
  async run(view, { baseline, previous }) {
    const { aspects } = contentOf(view);
    const missing = ASPECTS.filter((aspect) => !aspects[aspect].included);
    const before = (baseline?.facts ?? previous)?.fidelity;
    const newly = before === undefined ? [] : missing.filter((aspect) => !before.some((one) => one.aspect === aspect));
    if (newly.length > 0)
      return fail(`no longer in the backup at all: ${listed(newly, 12)}`, {
        expected: "whatever the earlier backup held",
        count: newly.length,
      });
    const held = ASPECTS.length - missing.length;
    return pass(missing.length === 0 ? "nothing is left out as a whole" : `never in the backup: ${listed(missing, 12)}`, held);
  },
};
