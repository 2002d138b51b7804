import type { Check } from "../core/ports.ts";
import { describeAge, describeTime } from "../core/words-for-people.ts";
import { fail, pass, skip } from "./outcome.ts";

const CLOCK_SKEW_MS = 10 * 60_000;
const STALE_LEAST_MS = 48 * 3_600_000;

export const artifactAge: Check = {
  id: "artifact.age",
  layer: "artifact",
  question: "Is the backup from the time it claims to be from?",
  needs: "artifact",
  aspect: null,
  pitfalls: ["stale artifact copied again under a new name"],
  limits:
    "How old the newest backup may be is an objective of its own (RPO), told by alerts; a copy is seen only where the format dates its content.",
  async run({ content }, { point, now, objectives }) {
    const inner = content?.createdAt ?? null;
    if (inner !== null && inner > now + CLOCK_SKEW_MS)
      return fail(`its content is dated ${describeTime(inner)}, in the future`, { expected: `not after ${describeTime(now)}` });
    if (point === null) return skip("a lone file has no schedule to be late for");
    if (point.createdAt > now + CLOCK_SKEW_MS)
      return fail(`it is dated ${describeTime(point.createdAt)}, in the future`, { expected: `not after ${describeTime(now)}` });
    const allowed = Math.max(STALE_LEAST_MS, objectives.rpoMs ?? 0);
    if (inner !== null && point.createdAt - inner > allowed) {
      return fail(`its content is dated ${describeTime(inner)}, the backup ${describeTime(point.createdAt)}`, {
        expected: "content of the time of the backup",
      });
    }
    return pass(`${describeAge(now - point.createdAt)} old`, 1);
  },
};
