import type { Check } from "../core/ports.ts";
import { describeDuration } from "../core/words-for-people.ts";
import { fail, pass, skip } from "./outcome.ts";

export const restoreTime: Check = {
  id: "restore.time",
  layer: "content",
  question: "Was loading the backup alone quicker than a restore may take?",
  needs: "sandbox",
  aspect: null,
  pitfalls: ["the restore takes longer than anyone thought"],
  limits: "Opening and loading here are a lower bound: the platform's own restore takes longer.",
  async run(view, { objectives }) {
    const taken = view.elapsedMs("open") + view.elapsedMs("parse") + view.elapsedMs("load");
    if (objectives.rtoMs === null) return skip("no recovery time objective is set (objectives.rto)");
    if (taken > objectives.rtoMs) return fail(describeDuration(taken), { expected: `under ${describeDuration(objectives.rtoMs)}` });
    return pass(`${describeDuration(taken)} of ${describeDuration(objectives.rtoMs)}`, 1);
  },
};
