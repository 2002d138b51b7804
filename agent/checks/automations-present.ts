import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { changed, contentOf, listed, pass } from "./outcome.ts";

export const automationsPresent: Check = {
  id: "automations.present",
  layer: "content",
  question: "Are the automations (flows, webhooks) in the backup?",
  needs: "content",
  aspect: "automations",
  pitfalls: ["permissions and flows lost on restore", "automation missing"],
  limits: "One removed on purpose and one the backup lost look alike without production: both are shown as changed.",
  async run(view, { previous }) {
    const { automations } = contentOf(view);
    const lost = (previous?.automations ?? []).filter((before) => !automations.some((one) => one.id === before.id));
    if (lost.length > 0)
      return changed(`${listed(lost.map((one) => one.name))} no longer there`, {
        expected: "the automations of the previous backup",
        count: lost.length,
      });
    const active = automations.filter((one) => one.active).length;
    return pass(`${describeCount(automations.length, "automation")}, ${active} active`, automations.length);
  },
};
