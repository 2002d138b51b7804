/** The README's table of metrics, made from names.ts. */
import { METRICS, type MetricDefinition } from "./names.ts";

/** @returns a Markdown table of every metric: name, type, labels, meaning; ends without a line feed */
export function metricsTable(): string {
  const rows = Object.entries<MetricDefinition>(METRICS).map(([name, { type, unit, labels, help }]) =>
    row([`\`${name}\``, type, unit, labels.map((label) => `\`${label}\``).join(" "), help.replaceAll("|", "\\|")]),
  );
  return [row(["Metric", "Type", "Unit", "Labels", "Meaning"]), row(["---", "---", "---", "---", "---"]), ...rows].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
