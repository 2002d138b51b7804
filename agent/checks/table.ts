/** The tables of the README, from what the checks say of themselves. */
import type { Check } from "../core/ports.ts";
import type { Pitfall } from "./pitfalls.ts";

/**
 * One row a check.
 * @param answers by check id, the formats that were seen to answer it, as found by asking
 * @param formats how many formats were asked
 */
export function checksTable(checks: readonly Check[], answers: ReadonlyMap<string, readonly string[]>, formats: number): string {
  const rows = checks.map((check) => {
    const able = answers.get(check.id) ?? [];
    const cells = [
      `\`${check.id}\``,
      check.question,
      check.layer,
      able.length === formats ? "all" : able.length === 0 ? "none yet" : able.join(", "),
      check.pitfalls.join("; "),
      check.limits,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return ["| check | asks | layer | formats | answers (failures real users met) | cannot see |", "|---|---|---|---|---|---|", ...rows].join(
    "\n",
  );
}

/** One row a failure real users met. */
export function pitfallsTable(pitfalls: readonly Pitfall[]): string {
  const rows = pitfalls.map(({ failure, seen, checks, later }) => {
    const open = later.map(({ check, because }) => `\`${check}\`: ${because}`).join("; ");
    return `| ${failure} | ${seen} | ${checks.map((id) => `\`${id}\``).join(", ")} | ${open} |`;
  });
  return ["| failure real users met | seen in | checks that answer it | what only a later layer sees |", "|---|---|---|---|", ...rows].join(
    "\n",
  );
}
