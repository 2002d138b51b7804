import type { Check } from "../core/ports.ts";
import { loadedOf } from "./outcome.ts";
import { type Hit, judgeHits, quoted, scan } from "./scan.ts";

/** Where databases and exports like to cut. */
const LIMITS = [255, 256, 500, 1000, 1024, 2000, 2048, 4000, 4096, 8000, 8192, 16_384, 32_767, 65_535];
/** One text may have any length; several different ones of exactly the same classic length, and none longer, were cut. */
const LEAST = 3;

export const recordsTruncated: Check = {
  id: "records.truncated",
  layer: "content",
  question: "Were long texts cut off at a limit?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["value truncated by a column of fixed length"],
  limits: "A single text cut at an odd place cannot be told from one that ends there.",
  async run(view) {
    const { sandbox } = loadedOf(view);
    const found = await scan(view, (column, name, table) => {
      if (column.list || column.field.computed || column.field.type !== "text") return null;
      const longest = `(SELECT max(length(${name})) FROM ${quoted(table.table)})`;
      const limits = LIMITS.filter((limit) => limit !== column.field.maxLength).join(", ");
      return `length(${name}) IN (${limits}) AND length(${name}) = ${longest}`;
    });
    const hits: Hit[] = [];
    for (const hit of found.hits.filter(({ count }) => count >= LEAST)) {
      const name = quoted(hit.column.column);
      // Tokens and digests all have one length and no blank.
      const [row] = await sandbox.query(
        `SELECT count(DISTINCT ${name}) FILTER (WHERE length(${name}) = longest) AS cut, min(length(${name})) = max(longest) AND NOT bool_or(contains(${name}, ' ')) AS tokens FROM (SELECT ${name}, max(length(${name})) OVER () AS longest FROM ${quoted(hit.table.table)})`,
        [],
        { signal: view.signal },
      );
      if (Number(row?.["cut"] ?? 0) >= LEAST && row?.["tokens"] !== true) hits.push(hit);
    }
    return judgeHits(hits, found, {
      one: "text",
      many: "texts that end at exactly the same classic limit",
      expected: "texts of all lengths",
      clean: "no texts that were all cut at the same length",
    });
  },
};
