import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { changed, contentOf, fail, listed, pass, skip } from "./outcome.ts";

/** One or two may be removed on one day; so many do not all go at once. */
const LEAST_ALL_GONE = 3;

export const automationsPresent: Check = {
  id: "automations.present",
  layer: "content",
  question: "Are the automations (flows, webhooks) in the backup?",
  needs: "content",
  aspect: "automations",
  pitfalls: ["permissions and flows lost on restore", "automation missing"],
  limits:
    "One removed on purpose and one the backup lost look alike without production: both are shown as changed, unless several were there and all are gone.",
  async run(view, { previous }) {
    const { automations } = contentOf(view);
    const lost = (previous?.automations ?? []).filter((before) => !automations.some((one) => one.id === before.id));
    if (lost.length >= LEAST_ALL_GONE && automations.length === 0)
      return fail(`all ${lost.length} automations of the previous backup are gone`, {
        expected: "the automations of the previous backup",
        count: lost.length,
      });
    if (lost.length > 0)
      return changed(`${listed(lost.map((one) => one.name))} no longer there`, {
        expected: "the automations of the previous backup",
        count: lost.length,
      });
    if (automations.length === 0) return skip("the backup holds no automation, and the earlier one knew of none");
    const active = automations.filter((one) => one.active).length;
    return pass(`${describeCount(automations.length, "automation")}, ${active} active`, automations.length);
  },
};
