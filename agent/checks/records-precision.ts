import type { Check } from "../core/ports.ts";
import { judgeHits, scan } from "./scan.ts";

/** 2^53: from here on a double cannot hold every integer. */
const LIMIT = "9007199254740992";
/** So many big integers that are all even were rounded; by chance once in a thousand. */
const LEAST = 10;

export const recordsPrecision: Check = {
  id: "records.precision",
  layer: "content",
  question: "Are large numbers exact, or were they rounded on the way?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["9007199254740993 read back as …992 with HTTP 200", "big integer rounded"],
  limits: "A single rounded number looks like any other; several, or one in scientific notation, are seen.",
  async run(view) {
    const found = await scan(view, (column, name) => {
      if (column.list || column.field.computed) return null;
      if (column.field.type === "integer")
        return `regexp_full_match(${name}, '[+-]?[0-9.]+[eE][+-]?[0-9]+') OR (TRY_CAST(${name} AS HUGEINT) IS NOT NULL AND abs(TRY_CAST(${name} AS HUGEINT)) > ${LIMIT} AND TRY_CAST(${name} AS HUGEINT) % 2 = 0)`;
      return null;
    });
    const { load } = view;
    const hits = [];
    for (const hit of found.hits) {
      const name = `"${hit.column.column}"`;
      const [row] =
        (await view.sandbox?.query(
          `SELECT count(*) FILTER (WHERE ${name} LIKE '%e%' OR ${name} LIKE '%E%') AS scientific, count(*) FILTER (WHERE TRY_CAST(${name} AS HUGEINT) IS NOT NULL AND abs(TRY_CAST(${name} AS HUGEINT)) > ${LIMIT}) AS big FROM "${hit.table.table}"`,
          [],
          { signal: view.signal },
        )) ?? [];
      const scientific = Number(row?.["scientific"] ?? 0);
      const big = Number(row?.["big"] ?? 0);
      const even = hit.count - scientific;
      if (scientific > 0 || (big >= LEAST && even === big)) hits.push(hit);
    }
    void load;
    return judgeHits(hits, found, {
      one: "large number that was rounded",
      many: "large numbers that were rounded",
      expected: "exact integers",
      clean: "no sign of rounded integers",
    });
  },
};
