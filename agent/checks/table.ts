/** The tables of the README, from what the checks say of themselves. */
import type { Check } from "../core/ports.ts";

/** One row a check. */
export function checksTable(checks: readonly Check[]): string {
  const rows = checks.map(
    (check) => `| \`${check.id}\` | ${check.question} | ${check.layer} | ${check.pitfalls.join("; ")} | ${check.limits} |`,
  );
  return ["| check | asks | layer | answers (failures real users met) | cannot see |", "|---|---|---|---|---|", ...rows].join("\n");
}

/** One row a failure real users met, with the checks that answer it; in the order the checks first name them. */
export function pitfallsTable(checks: readonly Check[]): string {
  const pitfalls = [...new Set(checks.flatMap((check) => check.pitfalls))];
  const rows = pitfalls.map((pitfall) => {
    const answers = checks.filter((check) => check.pitfalls.includes(pitfall)).map((check) => `\`${check.id}\``);
    return `| ${pitfall} | ${answers.join(", ")} |`;
  });
  return ["| failure real users met | checks that answer it |", "|---|---|", ...rows].join("\n");
}
