import type { Check, CheckView } from "../core/ports.ts";
import { loadedOf } from "./outcome.ts";
import { type Hit, judgeHits, quoted, scan, type ScanColumn } from "./scan.ts";

/** 2^53: from here on a double cannot hold every integer. */
const LIMIT = "9007199254740992";
const INT64 = "9223372036854775807";
/** Rounded by chance once in 2^10. */
const LEAST_BITS = 10;
/** Part of the big values that must tell something a number with round low digits or low bits would not. */
const LEAST_TELLING = 0.2;
/** A float that was written out: all its digits, or the six a spreadsheet shows, and the exponent of a long key. */
const WRITTEN_FLOAT = "[+-]?[0-9][.][0-9]{5,16}[eE][+]?(1[1-9]|2[0-9])";
const WHOLE_FLOAT = "[+-]?[0-9][.][0-9]{14,16}[eE][+]?(1[5-9]|20)";
const LEAST_FLOATS = 2;

export const recordsPrecision: Check = {
  id: "records.precision",
  layer: "content",
  question: "Are large numbers exact, or were they rounded on the way?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["9007199254740993 read back as …992 with HTTP 200", "big integer rounded"],
  limits: "A single rounded number looks like any other; several, or an integer in scientific notation, are seen.",
  async run(view) {
    const { sandbox } = loadedOf(view);
    const found = await scan(view, (column, name) => {
      const float = floatOf(column);
      if (float === null) return null;
      const floats = isFloat(name, float);
      // Whatever begins with a letter sorts after the digits; that and short numbers need no closer look.
      return `CASE WHEN ${name} >= ':' THEN false ${column.field.type === "decimal" ? "" : `WHEN length(${name}) > 15 AND ${bigOf(name)} THEN true`} ELSE ${floats} END`;
    });
    const hits: Hit[] = [];
    for (const hit of found.hits) {
      const exact = await hasUnrounded(view, hit);
      const [row = {}] = await sandbox.query(exact ? floatsOnly(hit) : statement(hit), [], { signal: view.signal });
      const of = (key: string): number => Number(row[key] ?? 0);
      const certain = hit.column.field.type === "integer" && hit.column.field.lenient !== true;
      const written = of("floats") >= (certain ? 1 : LEAST_FLOATS);
      const bits = Math.max(of("exact") === of("big") ? of("exact_bits") : 0, of("printed") === of("big") ? of("printed_bits") : 0);
      const rounded = of("big") > 0 && bits >= LEAST_BITS && of("telling") >= of("big") * LEAST_TELLING;
      if (written || rounded) hits.push({ ...hit, count: (written ? of("floats") : 0) + (rounded ? of("big") : 0) });
    }
    return judgeHits(hits, found, {
      one: "large number that was rounded",
      many: "large numbers that were rounded",
      expected: "exact numbers",
      clean: "no sign of rounded numbers",
    });
  },
};

/** Pattern of a written float by type: any exponent is wrong in an integer, only long keys are in text and decimals. */
function floatOf({ field, list }: ScanColumn): string | null {
  if (list || field.computed) return null;
  if (field.type === "integer" && field.lenient !== true) return "[+-]?[0-9.]+[eE][+-]?[0-9]+";
  if (field.type === "integer" || field.type === "text") return WRITTEN_FLOAT;
  return field.type === "decimal" ? WHOLE_FLOAT : null;
}

/** A comparison of digits for the shortest of them: a cast of every value takes as long as the pattern. */
function bigOf(name: string): string {
  return `(regexp_full_match(${name}, '[+-]?[1-9][0-9]{15,37}') AND (length(${name}) > 17 OR abs(TRY_CAST(${name} AS HUGEINT)) > ${LIMIT}))`;
}

/** No float is written without its exponent, and looking for one letter is cheap. */
function isFloat(name: string, pattern: string): string {
  return `CASE WHEN contains(lower(${name}), 'e') THEN regexp_full_match(${name}, '${pattern}') ELSE false END`;
}

function floatsOnly(hit: Hit): string {
  const name = quoted(hit.column.column);
  return `SELECT count(*) FILTER (WHERE ${isFloat(name, floatOf(hit.column) ?? "")}) AS floats, 0 AS big FROM ${quoted(hit.table.table)}`;
}

/** How many big values are looked at before all of them are. */
const FIRST = 2048;

/**
 * Rounding spares no value: where one is no double, and one does not have the digits of one, the column was not rounded. Nearly always
 * the first few values tell; where they do not, all are looked at.
 */
async function hasUnrounded(view: CheckView, hit: Hit): Promise<boolean> {
  const name = quoted(hit.column.column);
  const [row] = await loadedOf(view).sandbox.query(
    `WITH ${valuesOf(`SELECT ${name} AS v FROM ${quoted(hit.table.table)} WHERE ${bigOf(name)} LIMIT ${FIRST}`)}
    SELECT bool_or(NOT exact) AND bool_or(NOT printed) AS unrounded FROM s`,
    [],
    { signal: view.signal },
  );
  return row?.["unrounded"] === true;
}

/**
 * Over the big values of a column: `k` bits that a double of that size cannot hold, `z` trailing zeros.
 * A value that went through a double is either exactly one (`exact`) or the shortest digits of one, padded with zeros (`printed`).
 * Each such value is `k` bits of evidence, less what zeros that all values share would give a number of a coarse clock or a round amount;
 * no clock counts beyond 64 bits, and there 16 or 17 digits padded with zeros are enough. Odd multiples of the last bit, and digits that only printing gives, tell rounding from such numbers.
 */
function statement(hit: Hit): string {
  const name = quoted(hit.column.column);
  const float = isFloat(name, floatOf(hit.column) ?? "");
  return `WITH ${valuesOf(`SELECT ${name} AS v FROM ${quoted(hit.table.table)} WHERE ${bigOf(name)}`)}
    SELECT (SELECT count(*) FROM ${quoted(hit.table.table)} WHERE ${float}) AS floats, count(*) AS big,
      count(*) FILTER (WHERE exact) AS exact, count(*) FILTER (WHERE printed) AS printed,
      count(*) FILTER (WHERE length(digits) >= 16 AND (NOT exact OR (a >> CAST(k AS HUGEINT)) % 2 = 1)) AS telling,
      sum(k) - min(z) * count(*) AS exact_bits,
      sum(k) - CASE WHEN max(a) <= ${INT64} THEN 3.33 * min(z) * count(*) ELSE 0 END AS printed_bits FROM s`;
}

/** The big values as `s`, from a statement that gives their texts as `v`. */
function valuesOf(texts: string): string {
  return `v AS (SELECT abs(TRY_CAST(v AS HUGEINT)) AS a FROM (${texts})),
    b AS (SELECT a, length(bin(a)) - 53 AS k, rtrim(CAST(a AS VARCHAR), '0') AS digits, length(CAST(a AS VARCHAR)) AS size FROM v),
    s AS (SELECT *, size - length(digits) AS z, COALESCE(TRY_CAST(CAST(a AS DOUBLE) AS HUGEINT) = a, false) AS exact,
      digits = rtrim(replace(split_part(CAST(CAST(a AS DOUBLE) AS VARCHAR), 'e', 1), '.', ''), '0')
        OR (a > ${INT64} AND length(digits) BETWEEN 16 AND 17) AS printed FROM b)`;
}
