/** The Turing Change Point Dataset's own measures (van den Burg and Williams 2020): F1 with a margin of five, and cover. */
import { readFileSync } from "node:fs";

const DATA = new URL("../../../../shared/data/tcpd/", import.meta.url);
const MARGIN = 5;

/** Members of `truth` that have one of `found` within the margin, each of `found` used once. */
function matched(truth: Iterable<number>, found: Iterable<number>): number {
  const left = new Set(found);
  let count = 0;
  for (const point of [...truth].toSorted((a, b) => a - b)) {
    const near = [...left]
      .filter((one) => Math.abs(one - point) <= MARGIN)
      .toSorted((a, b) => Math.abs(a - point) - Math.abs(b - point))[0];
    if (near === undefined) continue;
    left.delete(near);
    count += 1;
  }
  return count;
}

export function f1Of(annotations: readonly (readonly number[])[], points: readonly number[]): number {
  const found = new Set([0, ...points]);
  const each = annotations.map((one) => new Set([0, ...one]));
  const precision = matched(new Set(each.flatMap((one) => [...one])), found) / found.size;
  const recall = each.reduce((sum, one) => sum + matched(one, found) / one.size, 0) / each.length;
  return (2 * precision * recall) / (precision + recall);
}

function pieces(points: readonly number[], n: number): (readonly [number, number])[] {
  const edges = [...new Set([0, ...points.filter((one) => one > 0 && one < n), n])].toSorted((a, b) => a - b);
  return edges.slice(1).map((end, at) => [edges[at] ?? 0, end] as const);
}

export function coverOf(annotations: readonly (readonly number[])[], points: readonly number[], n: number): number {
  const found = pieces(points, n);
  const one = (truth: readonly number[]): number =>
    pieces(truth, n).reduce((sum, [p, q]) => {
      const best = Math.max(...found.map(([u, v]) => Math.max(0, Math.min(q, v) - Math.max(p, u)) / (Math.max(q, v) - Math.min(p, u))));
      return sum + ((q - p) / n) * best;
    }, 0);
  return annotations.reduce((sum, truth) => sum + one(truth), 0) / annotations.length;
}

/** Mean F1 and cover over the series there are. */
export function tcpd(divide: (values: readonly number[]) => readonly number[]): {
  readonly f1: number;
  readonly cover: number;
  readonly series: number;
} {
  const annotations = JSON.parse(readFileSync(new URL("annotations.json", DATA), "utf8")) as Record<string, Record<string, number[]>>;
  let [f, c, count] = [0, 0, 0];
  for (const [name, people] of Object.entries(annotations)) {
    let raw: (number | null)[];
    try {
      raw =
        (JSON.parse(readFileSync(new URL(`${name}.json`, DATA), "utf8")) as { series: { raw: (number | null)[] }[] }).series[0]?.raw ?? [];
    } catch {
      continue;
    }
    // A missing value is the one before it.
    const values: number[] = [];
    for (const value of raw) values.push(value ?? values.at(-1) ?? 0);
    const truth = Object.values(people);
    const points = divide(values);
    f += f1Of(truth, points);
    c += coverOf(truth, points, values.length);
    count += 1;
  }
  return { f1: f / count, cover: c / count, series: count };
}
