/** A strict reader of the OpenMetrics 1.0 text format, written from its specification and knowing nothing of the agent. */

export interface OpenMetricsExemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Seconds since the epoch, or null. */
  readonly timestamp: number | null;
}

export interface OpenMetricsSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar: OpenMetricsExemplar | null;
}

export interface OpenMetricsFamily {
  readonly name: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly help: string;
  readonly samples: OpenMetricsSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SUFFIXES = { gauge: [""], counter: ["_total", "_created"], histogram: ["_bucket", "_sum", "_count", "_created"] } as const;

/** The same text for the same labels, in whatever order they are. */
export function labelText(labels: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** @throws Error naming the first line that is not valid */
export function parseOpenMetrics(text: string): ReadonlyMap<string, OpenMetricsFamily> {
  if (!text.endsWith("\n# EOF\n")) throw new Error("the exposition does not end in # EOF and a line feed");
  const families = new Map<string, OpenMetricsFamily>();
  const seen = new Set<string>();
  let help: { readonly name: string; readonly text: string } | null = null;
  let family: OpenMetricsFamily | null = null;

  for (const [index, line] of text.slice(0, -"# EOF\n".length).trimEnd().split("\n").entries()) {
    const fail = (why: string): Error => new Error(`line ${index + 1}: ${why}: ${line}`);
    const meta = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (meta !== null) {
      const [, kind, name = "", rest = ""] = meta;
      if (!NAME.test(name)) throw fail("not a metric name");
      if (kind === "HELP") {
        if (families.has(name)) throw fail("a family told twice");
        help = { name, text: rest.replace(/\\(\\|n|")/g, (_all, char: string) => (char === "n" ? "\n" : char)) };
        continue;
      }
      if (help?.name !== name) throw fail("TYPE without its HELP");
      if (rest !== "gauge" && rest !== "counter" && rest !== "histogram") throw fail("unknown type");
      if (rest === "counter" && name.endsWith("_total")) throw fail("the family of a counter has no _total");
      family = { name, type: rest, help: help.text, samples: [] };
      families.set(name, family);
      continue;
    }
    if (line.startsWith("#") || family === null) throw fail("not a sample of a family");
    const own = family;
    const sample = parseSample(line, fail);
    if (!SUFFIXES[own.type].some((suffix) => sample.name === own.name + suffix)) throw fail(`no sample of the ${own.type} ${own.name}`);
    const key = `${sample.name}${labelText(sample.labels)}`;
    if (seen.has(key)) throw fail("a series told twice");
    seen.add(key);
    if (own.type !== "gauge" && !(sample.value >= 0)) throw fail("below zero");
    if (sample.exemplar !== null && !/_(bucket|total)$/.test(sample.name)) throw fail("an exemplar where none may be");
    own.samples.push(sample);
  }
  for (const one of families.values()) if (one.type === "histogram") checkHistogram(one);
  return families;
}

function parseSample(line: string, fail: (why: string) => Error): OpenMetricsSample {
  const reader = { text: line, at: 0 };
  const name = take(reader, /[a-zA-Z_:][a-zA-Z0-9_:]*/y);
  if (name === null) throw fail("no name");
  const labels = takeLabels(reader, fail);
  const value = takeNumber(reader, / /y, fail);
  let exemplar: OpenMetricsExemplar | null = null;
  if (take(reader, / # /y) !== null) {
    const own = takeLabels(reader, fail);
    const length = Object.entries(own).reduce((sum, [key, text]) => sum + Array.from(key + text).length, 0);
    if (length > 128) throw fail("an exemplar of more than 128 characters");
    const observed = takeNumber(reader, / /y, fail);
    const timestamp = reader.at < line.length ? takeNumber(reader, / /y, fail) : null;
    exemplar = { labels: own, value: observed, timestamp };
  }
  if (reader.at !== line.length) throw fail("something after the sample");
  return { name, labels, value, exemplar };
}

interface Reader {
  readonly text: string;
  at: number;
}

function take(reader: Reader, pattern: RegExp): string | null {
  pattern.lastIndex = reader.at;
  const match = pattern.exec(reader.text);
  if (match === null) return null;
  reader.at = pattern.lastIndex;
  return match[0];
}

function takeLabels(reader: Reader, fail: (why: string) => Error): Record<string, string> {
  const labels: Record<string, string> = {};
  if (take(reader, /\{/y) === null) return labels;
  while (take(reader, /\}/y) === null) {
    if (Object.keys(labels).length > 0 && take(reader, /,/y) === null) throw fail("labels without a comma");
    const name = take(reader, /[a-zA-Z_][a-zA-Z0-9_]*/y);
    if (name === null || name in labels || take(reader, /="/y) === null) throw fail("not a label");
    const raw = take(reader, /(?:[^"\\\n]|\\["\\n])*/y) ?? "";
    if (take(reader, /"/y) === null) throw fail("a label value without an end");
    labels[name] = raw.replace(/\\(.)/g, (_all, char: string) => (char === "n" ? "\n" : char));
  }
  return labels;
}

function takeNumber(reader: Reader, before: RegExp, fail: (why: string) => Error): number {
  if (take(reader, before) === null) throw fail("no number");
  const text = take(reader, /[+-]?(?:Inf|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|NaN|Nan/y);
  if (text === null) throw fail("no number");
  return text.endsWith("Inf") ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text.replace("Nan", "NaN"));
}

function checkHistogram(family: OpenMetricsFamily): void {
  const series = new Map<string, { bound: number; value: number }[]>();
  const parts = new Map<string, number>();
  for (const { name, labels, value } of family.samples) {
    const { le, ...rest } = labels;
    const key = labelText(rest);
    if (!name.endsWith("_bucket")) parts.set(name.slice(family.name.length) + key, value);
    else series.set(key, [...(series.get(key) ?? []), { bound: le === "+Inf" ? Infinity : Number(le), value }]);
  }
  for (const [key, buckets] of series) {
    for (const [index, bucket] of buckets.entries()) {
      const before = buckets[index - 1];
      if (before !== undefined && (bucket.bound <= before.bound || bucket.value < before.value)) {
        throw new Error(`${family.name}${key}: buckets do not rise`);
      }
    }
    const last = buckets.at(-1);
    if (last?.bound !== Infinity || last.value !== parts.get(`_count${key}`))
      throw new Error(`${family.name}${key}: +Inf is not the count`);
    if (!parts.has(`_sum${key}`)) throw new Error(`${family.name}${key}: no sum`);
  }
}
