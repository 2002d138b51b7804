/** The tables of the README, from what the checks say of themselves. */
import type { Check } from "../core/ports.ts";

/** One row a check. */
export function checksTable(checks: readonly Check[]): string {
  const rows = checks.map(
    (check) => `| \`${check.id}\` | ${check.question} | ${check.layer} | ${check.pitfalls.join("; ")} | ${check.limits} |`,
  );
  return ["| check | asks | layer | answers (failures real users met) | cannot see |", "|---|---|---|---|---|", ...rows].join("\n");
}
