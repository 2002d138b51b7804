/** The first reading of a file of items, all of it: how many there are, which fields they have, what the values of unknown ones are. */
import type { FormatContext } from "../../core/ports.ts";
import { ExactNumber } from "../../kit/json.ts";
import type { Row } from "../../products/directus/schema.ts";
import { readRows, type RowsFile } from "./rows.ts";

/** Directus' words for what a column of such values would be. */
export type Guess = "boolean" | "bigInteger" | "decimal" | "json" | "text";

export interface Member {
  /** Rows that have it at all, and rows in which it is not null. */
  seen: number;
  filled: number;
  guess: Guess | null;
}

export interface Survey {
  readonly source: RowsFile;
  readonly rows: number;
  /** How many the file itself says there are, or null. */
  readonly declared: number | null;
  /** The file holds one object that is no list. */
  readonly single: boolean;
  readonly members: ReadonlyMap<string, Member>;
}

/** @throws AgentError as `readRows` does */
export async function surveyRows(source: RowsFile, context: Pick<FormatContext, "limits">, signal: AbortSignal): Promise<Survey> {
  const members = new Map<string, Member>();
  let rows = 0;
  const batches = readRows(source, context, signal);
  for (let step = await batches.next(); ; step = await batches.next()) {
    if (step.done === true) return { source, rows, ...step.value, members };
    rows += step.value.length;
    for (const row of step.value) look(row, members);
  }
}

function look(row: Row, members: Map<string, Member>): void {
  for (const [name, value] of Object.entries(row)) {
    const member = members.get(name) ?? { seen: 0, filled: 0, guess: null };
    if (member.seen === 0) members.set(name, member);
    member.seen += 1;
    if (value === null || value === "") continue;
    member.filled += 1;
    const own = guessOf(value);
    member.guess = member.guess === null || member.guess === own ? own : widest(member.guess, own);
  }
}

function guessOf(value: unknown): Guess {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return Number.isInteger(value) ? "bigInteger" : "decimal";
  if (value instanceof ExactNumber) return /^-?\d+$/u.test(value.text) ? "bigInteger" : "decimal";
  return typeof value === "string" ? "text" : "json";
}

function widest(one: Guess, other: Guess): Guess {
  const both = new Set([one, other]);
  if (both.has("json")) return "json";
  return both.has("bigInteger") && both.has("decimal") ? "decimal" : "text";
}
