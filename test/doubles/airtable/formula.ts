/** The small part of Airtable's formula language that a `filterByFormula` is made of here. */
import { typed } from "./errors.ts";
import type { Row } from "./world.ts";

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
  IS_BEFORE: (_, [a, b]) => Number(a) < Number(b),
  IS_AFTER: (_, [a, b]) => Number(a) > Number(b),
};

/** @throws Refusal 422 `INVALID_FILTER_BY_FORMULA` */
export function compile(formula: string): (row: Row) => boolean {
  const tokens = formula.match(/'[^']*'|"[^"]*"|[A-Z_]+|[(),=]|\S/gu) ?? [];
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
    if (tokens[at] !== "=") return left;
    at += 1;
    const right = simple();
    return (row) => left(row) === right(row);
  };
  const whole = comparison();
  if (at !== tokens.length) bad();
  return (row) => whole(row) === true;
}
