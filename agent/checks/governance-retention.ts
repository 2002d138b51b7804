import type { Check } from "../core/ports.ts";
import { describeAge, describeCount, describeDuration } from "../core/words-for-people.ts";
import { fail, pass, skip } from "./outcome.ts";

export const governanceRetention: Check = {
  id: "governance.retention",
  layer: "artifact",
  question: "Has every backup that is older than its data may be kept been removed?",
  needs: "artifact",
  aspect: null,
  pitfalls: ["backups kept longer than the law or a promise allows"],
  limits: "Knows the vault it is pointed at; copies elsewhere it cannot see. Removing is yours: the vault is only ever read.",
  async run(_, { points, objectives, now }) {
    const longest = objectives.dataRetentionMs ?? null;
    if (points === null || longest === null) return skip("nothing says how long the data may be kept (data.retention)");
    const overdue = points.overdue ?? 0;
    if (overdue > 0) {
      const held = points.overdueProtected ?? 0;
      const why = held === 0 ? "" : `, ${held === overdue ? "all" : held} still protected from removal by the vault`;
      const oldest = points.oldestAt === null ? "" : `, the oldest ${describeAge(now - points.oldestAt)} old`;
      return fail(`${describeCount(overdue, "backup")} kept too long${oldest}${why}`, {
        expected: `none older than ${describeDuration(longest)}`,
        count: overdue,
      });
    }
    return pass(`none of ${describeCount(points.count, "backup")} older than ${describeDuration(longest)}`, points.count);
  },
};
