/** The small part of Airtable's formula language that a `filterByFormula` is made of here. */
import { typed } from "./errors.ts";
import type { Row, TableState } from "./world.ts";

type Result = string | number | boolean;
type Expression = (row: Row) => Result;

const FUNCTIONS: Readonly<Record<string, (row: Row, given: readonly Result[]) => Result>> = {
  OR: (_, given) => given.some((one) => one === true),
  AND: (_, given) => given.every((one) => one === true),
  NOT: (_, [one]) => one !== true,
  RECORD_ID: (row) => row.id,
  CREATED_TIME: (row) => row.createdAt,
  LAST_MODIFIED_TIME: (row) => row.modifiedAt,
  DATETIME_PARSE: (_, [text]) => Date.parse(String(text)),
  IS_BEFORE: (_, [a, b]) => momentOf(a) < momentOf(b),
  IS_AFTER: (_, [a, b]) => momentOf(a) > momentOf(b),
};

const COMPARED: Readonly<Record<string, (a: Result, b: Result) => boolean>> = {
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">": (a, b) => Number(a) > Number(b),
  "<": (a, b) => Number(a) < Number(b),
  ">=": (a, b) => Number(a) >= Number(b),
  "<=": (a, b) => Number(a) <= Number(b),
};

/** @throws Refusal 422 `INVALID_FILTER_BY_FORMULA` */
export function compile(formula: string, table: TableState): (row: Row) => boolean {
  const tokens = formula.match(/'[^']*'|"[^"]*"|\{[^}]*\}|\d+(?:\.\d+)?|[A-Z_]+|[<>!]=|[(),=<>]|\S/gu) ?? [];
  let at = 0;
  const bad = (): never => {
    throw typed(422, "INVALID_FILTER_BY_FORMULA", "The formula for filtering records is invalid: please check your formula text.");
  };
  const expect = (token: string): void => {
    if (tokens[at] !== token) bad();
    at += 1;
  };
  const simple = (): Expression => {
    const token = tokens[at] ?? bad();
    at += 1;
    if (/^['"]/u.test(token)) return () => token.slice(1, -1);
    if (/^\d/u.test(token)) return () => Number(token);
    if (token.startsWith("{")) return cell(table, token.slice(1, -1)) ?? bad();
    const call = FUNCTIONS[token] ?? bad();
    expect("(");
    const given: Expression[] = [];
    while (tokens[at] !== ")") {
      given.push(comparison());
      if (tokens[at] === ",") at += 1;
      else if (tokens[at] !== ")") bad();
    }
    expect(")");
    return (row) =>
      call(
        row,
        given.map((one) => one(row)),
      );
  };
  const comparison = (): Expression => {
    const left = simple();
    const compare = COMPARED[tokens[at] ?? ""];
    if (compare === undefined) return left;
    at += 1;
    const right = simple();
    return (row) => compare(left(row), right(row));
  };
  const whole = comparison();
  if (at !== tokens.length) bad();
  return (row) => whole(row) === true;
}

/** A field by its name or id; an empty cell is an empty text. */
function cell(table: TableState, named: string): Expression | undefined {
  const field = table.fields.find((one) => one.id === named || one.name === named);
  if (field === undefined) return undefined;
  return (row) => {
    const value = field.compute === undefined ? row.cells.get(field.id) : field.compute(row);
    return typeof value === "number" || typeof value === "boolean" || typeof value === "string" ? value : "";
  };
}

/** @returns NaN for what is no moment: it is neither before nor after anything */
function momentOf(value: Result | undefined): number {
  return typeof value === "number" ? value : Date.parse(String(value));
}
