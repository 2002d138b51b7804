/** From the schema's issues to sentences a person can act on. Values are repeated only where they are ids, names or choices. */
import { z } from "zod";
import type { Problem } from "./document.ts";
import { quoted } from "./fields.ts";

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

/** Separates the sentences for several unknown keys in one issue. */
const SEPARATOR = "\n";

/** The error map for one parse: sees each raw issue with the schema that raised it. */
export function explainIssue(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, shapeKeys(issue.inst))).join(SEPARATOR);
    case "invalid_type":
      return wrongType(issue.expected, issue.input, issue.inst);
    case "invalid_value":
      return wrongChoice(issue.input, issue.values.map(String));
    case "invalid_union":
      return unionText(issue);
    case "invalid_key":
      return issue.issues[0]?.message;
    case "too_small":
      if (issue.origin === "array") return "is an empty list; mend: add at least one entry";
      return issue.origin === "string" ? "is empty; mend: give it a value" : `is too small; mend: write at least ${issue.minimum}`;
    case "too_big":
      return issue.origin === "string"
        ? `is longer than ${issue.maximum} characters; mend: shorten it`
        : `is too big; mend: write at most ${issue.maximum}`;
    case "invalid_format":
    case "not_multiple_of":
      return "is not written as it should be; mend: see what the schema says of this field";
    case "invalid_element":
    case "custom":
    default:
      return undefined;
  }
}

/** One problem for each thing to mend. */
export function problemsOf(issues: readonly z.core.$ZodIssue[]): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    if (issue.code === "unrecognized_keys") {
      const texts = issue.message.split(SEPARATOR);
      // A schema with a message of its own (secrets) says one thing about all its keys, and names none.
      if (texts.length !== issue.keys.length || !texts[0]?.startsWith("is not known")) return [{ at: issue.path, text: issue.message }];
      return issue.keys.map((key, index) => ({ at: [...issue.path, key], text: texts[index] ?? issue.message, atKey: true }));
    }
    if (issue.code === "invalid_key") return [{ at: issue.path, text: issue.message, atKey: true }];
    return [{ at: issue.path, text: issue.message }];
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = closest(key, known);
  if (near !== null) return `is not known here; mend: did you mean ${near}?`;
  return known.length === 0 ? "is not known here; mend: take it out" : `is not known here; mend: take it out (known: ${known.join(", ")})`;
}

function wrongType(expected: string, input: unknown, schema: unknown): string {
  if (input === undefined) {
    const what = descriptionOf(schema);
    return what === null ? "is missing; mend: add it" : `is missing; mend: add it: ${what}`;
  }
  if (input === null) return "has no value; mend: give it one, or take the line out";
  const [wanted, example] = EXPECTED[expected] ?? [expected, "change it"];
  if (expected === "string" && (typeof input === "number" || typeof input === "boolean")) {
    return `must be text, not ${typeName(input)}; mend: put it in quotes`;
  }
  return `must be ${wanted}, not ${typeName(input)}; mend: ${example}`;
}

const EXPECTED: Readonly<Record<string, readonly [string, string]>> = {
  string: ["text", "write one value"],
  number: ["a number", "write a number without quotes"],
  int: ["a whole number", "write a whole number without quotes"],
  boolean: ["true or false", "write true or false without quotes"],
  array: ["a list", "write [one, two], or each entry on a line after a dash"],
  object: ["a map of fields", "write {key: value}, or each key on a line of its own below, indented"],
  record: ["a map", "write each name on a line of its own below, indented"],
};

function typeName(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "a map";
  if (typeof input === "number") return Number.isInteger(input) ? "a number" : "a fraction";
  return typeof input === "boolean" ? "true or false" : "text";
}

function wrongChoice(input: unknown, choices: readonly string[]): string {
  if (input === undefined) return `is missing; mend: write one of ${choices.join(", ")}`;
  if (input === null) return "has no value; mend: give it one, or take the line out";
  if (typeof input !== "string") return `must be one of ${choices.join(", ")}, not ${typeName(input)}; mend: write one of them`;
  const near = closest(input, choices);
  if (near !== null) return `${quoted(input)} is not known; mend: did you mean ${near}?`;
  return `${quoted(input)} is not known; mend: write ${choices.length === 1 ? "" : "one of "}${choices.join(", ")}`;
}

function unionText(issue: RawIssue & { readonly code: "invalid_union" }): string | undefined {
  if (issue.input === undefined) return wrongType("object", undefined, issue.inst);
  if (!(issue.inst instanceof z.ZodDiscriminatedUnion)) return undefined;
  const { discriminator } = issue.inst.def;
  const choices = issue.inst.options.flatMap((option) => {
    const kind: unknown = option instanceof z.ZodObject ? option.shape[discriminator] : undefined;
    return kind instanceof z.ZodLiteral ? [...kind.values].map(String) : [];
  });
  return wrongChoice((issue.input as Record<string, unknown>)[discriminator], choices);
}

function shapeKeys(schema: unknown): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** The first clause of what the schema says of a field. */
function descriptionOf(schema: unknown): string | null {
  return schema instanceof z.ZodType ? (/^[^.;]+/u.exec(schema.description ?? "")?.[0] ?? null) : null;
}

/** @returns the candidate that is most likely meant, or null where none is near */
export function closest(written: string, candidates: readonly string[]): string | null {
  const scored = candidates
    .map((candidate) => ({ candidate, distance: distance(written.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(Math.min(written.length, best.candidate.length) / 3))
    ? best.candidate
    : null;
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8 || a.length > 64) return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? Number.POSITIVE_INFINITY;
}
