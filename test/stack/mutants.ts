/** Expressions that are nearly those of a rule: what a slip in it would make of it. */

export interface Mutant {
  readonly what: string;
  readonly expr: string;
}

/** Every threshold loosened, every clause of `and`, `or` and `unless` left out, every selector without its matchers. */
export function mutantsOf(expr: string): readonly Mutant[] {
  return [...comparisons(expr), ...clauses(expr), ...matchers(expr)];
}

/** Where a parenthesis that is open at `from` ends, or the end of the operand: a set operator of the same depth, a closing one. */
function endOfOperand(expr: string, from: number): number {
  let depth = 0;
  for (let at = from; at < expr.length; at += 1) {
    if (expr[at] === "(") depth += 1;
    else if (expr[at] === ")") {
      if (depth === 0) return at;
      depth -= 1;
    } else if (depth === 0 && /^\s(?:and|or|unless)\s/u.test(expr.slice(at))) return at;
  }
  return expr.length;
}

function startOfOperand(expr: string, to: number): number {
  let depth = 0;
  for (let at = to - 1; at >= 0; at -= 1) {
    if (expr[at] === ")") depth += 1;
    else if (expr[at] === "(") {
      if (depth === 0) return at + 1;
      depth -= 1;
    } else if (
      depth === 0 &&
      /\s(?:and|or|unless)(?: on \([^)]*\))?\s$/u.test(expr.slice(0, at + 1)) &&
      !/^[^(]*\)/u.test(expr.slice(at + 1, to))
    )
      return at + 1;
  }
  return 0;
}

function comparisons(expr: string): readonly Mutant[] {
  return [...outsideOfStrings(expr).matchAll(/ (>=|<=|==|>|<)(?: (?=\S))/gu)].map((found) => {
    const end = endOfOperand(expr, found.index + found[0].length);
    const left = expr.slice(0, found.index);
    return { what: `without ${expr.slice(found.index + 1, end)}`, expr: `${left} > -1e18${expr.slice(end)}` };
  });
}

function clauses(expr: string): readonly Mutant[] {
  return [...outsideOfStrings(expr).matchAll(/\s(and|or|unless)(?: on \([^)]*\))?(?: group_left \([^)]*\))?\s/gu)].flatMap((found) => {
    const after = found.index + found[0].length;
    const end = endOfOperand(expr, after);
    const start = startOfOperand(expr, found.index);
    const without = { what: `without ${expr.slice(found.index + 1, end)}`, expr: expr.slice(0, found.index) + expr.slice(end) };
    const alone = { what: `without ${expr.slice(start, found.index)} ${found[1]}`, expr: expr.slice(0, start) + expr.slice(after) };
    return found[1] === "unless" ? [without] : [without, alone];
  });
}

function matchers(expr: string): readonly Mutant[] {
  return [...expr.matchAll(/\{([^}]*)\}/gu)].flatMap((found) => {
    const each = found[1]?.split(/,(?=\w+(?:=|!))/u) ?? [];
    return each.map((matcher, index) => {
      const rest = each.filter((_, at) => at !== index);
      const kept = rest.length === 0 ? "" : `{${rest.join(",")}}`;
      return { what: `without ${matcher}`, expr: expr.slice(0, found.index) + kept + expr.slice(found.index + found[0].length) };
    });
  });
}

/** The same text with its strings blanked, so that what stands in them is no operator. */
function outsideOfStrings(expr: string): string {
  return expr.replaceAll(/"[^"]*"/gu, (text) => `"${" ".repeat(text.length - 2)}"`);
}
