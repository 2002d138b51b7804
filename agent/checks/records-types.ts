import type { Check } from "../core/ports.ts";
import type { Field, SemanticType } from "../core/content.ts";
import { describeCount } from "../core/words-for-people.ts";
import { judgeHits, scan } from "./scan.ts";

/** True where the value does not fit, over a quoted column name; types that any text fits are left out. */
const MISFIT: Readonly<Partial<Record<SemanticType, (name: string) => string>>> = {
  integer: (name) => `NOT regexp_full_match(${name}, '[+-]?[0-9]+')`,
  decimal: (name) => `NOT regexp_full_match(${name}, '[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?Infinity|NaN')`,
  boolean: (name) => `${name} NOT IN ('true', 'false')`,
  timestamp: (name) => `NOT regexp_full_match(${name}, '[+-]?[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z')`,
  date: (name) =>
    `NOT (regexp_full_match(${name}, '[+-]?[0-9]{4,6}-[0-9]{2}-[0-9]{2}') AND (length(${name}) <> 10 OR TRY_CAST(${name} AS DATE) IS NOT NULL))`,
  json: (name) => `NOT json_valid(${name})`,
};

/** Where the platform itself keeps odd values, a column is wrong only when most of it is. */
const MOST = 0.5;
const LEAST = 3;

export const recordsTypes: Check = {
  id: "records.types",
  layer: "content",
  question: "Does every value fit the type of its field?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["field type changed", "dates and numbers turned to text by an export"],
  limits: "Computed fields are left out. Where the platform lets people write anything into any field, single misfits are only counted.",
  async run(view) {
    const found = await scan(view, (column, name) => {
      if (column.field.computed || column.list) return null;
      const misfit = misfitOf(column.field);
      return misfit === null ? null : `${name} IS NOT NULL AND ${misfit(name)}`;
    });
    const wrong = found.hits.filter((hit) => hit.column.field.lenient !== true || (hit.count >= LEAST && hit.count >= hit.filled * MOST));
    const borne = found.hits.filter((hit) => !wrong.includes(hit)).reduce((sum, hit) => sum + hit.count, 0);
    const clean =
      borne === 0
        ? "every value fits its type"
        : `values fit their types, but for ${describeCount(borne, "value")} the platform itself let in`;
    return judgeHits(wrong, found, {
      one: "value that does not fit its type",
      many: "values that do not fit their type",
      expected: "values of the declared type",
      clean,
    });
  },
};

function misfitOf(field: Field): ((name: string) => string) | null {
  if (field.type === "link" && field.lenient === true) return (name) => `NOT regexp_full_match(${name}, '[0-9]+')`;
  return MISFIT[field.type] ?? null;
}
