/** How Prometheus names what comes in over OTLP: both of its strategies that add suffixes, told in the words of its specification. */

export type OtlpType = "gauge" | "counter" | "histogram";

const UNITS: Readonly<Record<string, string>> = { s: "seconds", By: "bytes", ms: "milliseconds", "%": "percent" };

/** `UnderscoreEscapingWithSuffixes`, the default: a unit that is one of the name's words is not said again. */
export function escapedName(name: string, unit: string, type: OtlpType): string {
  let words = name.split(/[^a-zA-Z0-9:]+/).filter((word) => word !== "");
  const suffix = unitWord(unit);
  if (suffix !== "" && !words.includes(suffix)) words.push(suffix);
  if (type === "counter") words = [...words.filter((word) => word !== "total"), "total"];
  if (unit === "1" && type === "gauge") words = [...words.filter((word) => word !== "ratio"), "ratio"];
  return words.join("_");
}

/** `NoUTF8EscapingWithSuffixes`: a unit that the name ends in is not said again. */
export function plainName(name: string, unit: string, type: OtlpType): string {
  let base = name;
  if (unit === "1" && type === "gauge") base = without(base, "ratio");
  if (type === "counter") base = without(base, "total");
  const suffix = unitWord(unit);
  if (suffix !== "" && !base.endsWith(suffix)) base += `_${suffix}`;
  if (type === "counter") base += "_total";
  if (unit === "1" && type === "gauge") base += "_ratio";
  return base;
}

/** Annotations in braces mean nothing to Prometheus; units it does not know are appended as they are. */
function unitWord(unit: string): string {
  const bare = unit.replace(/\{[^}]*\}/g, "").trim();
  return bare === "1" ? "" : (UNITS[bare] ?? bare);
}

function without(text: string, ending: string): string {
  return text.endsWith(`_${ending}`) ? text.slice(0, -ending.length - 1) : text;
}
