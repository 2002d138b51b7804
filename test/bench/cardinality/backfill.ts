/** Days that were never lived, for Prometheus' own importer. */
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { finished } from "node:stream/promises";

/**
 * Writes series with value 0, and 1 for an hour each, as OpenMetrics.
 * @param series labels with `__name__`, all of one metric
 * @returns number of samples
 */
export async function seriesBackwards(
  file: string,
  series: readonly Readonly<Record<string, string>>[],
  { from, to, everyMs }: { readonly from: number; readonly to: number; readonly everyMs: number },
): Promise<number> {
  const out = createWriteStream(file);
  let samples = 0;
  for (const [index, { __name__: name = "", ...labels }] of series.entries()) {
    const text = `${name}{${Object.entries(labels)
      .map(([label, value]) => `${label}="${value}"`)
      .join(",")}}`;
    const lines: string[] = [];
    for (let at = from; at < to; at += everyMs) {
      const bad = Math.floor(at / 3_600_000) % 48 === index % 48;
      lines.push(`${text} ${bad ? 1 : 0} ${Math.floor(at / 1000)}`);
    }
    samples += lines.length;
    if (!out.write(`${lines.join("\n")}\n`)) await once(out, "drain");
  }
  out.end("# EOF\n");
  await finished(out);
  return samples;
}
