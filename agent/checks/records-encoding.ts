import type { Check } from "../core/ports.ts";
import { describeNumber } from "../core/words-for-people.ts";
import { pass, placeOf } from "./outcome.ts";
import { type Hit, judgeHits, scan, type ScanColumn, text } from "./scan.ts";

/**
 * U+FFFD stands where bytes were no text; NUL and the other control characters are in no text people write.
 * Tab and line ends of every kind (among them the vertical tab of office programs and NEL) are.
 */
const LOST = "[\\x00-\\x08\\x0C\\x0E-\\x1F\\x{80}-\\x{84}\\x{86}-\\x{9F}\\x{FFFD}]";
/**
 * Continuation bytes of UTF-8 as Latin-1 or as Windows-1252 shows them. The no-break space, quotation marks and the ellipsis
 * are left out after a capital: they follow Ã and Â in real text.
 */
const TAIL = "\\x{80}-\\x{9f}\\x{a1}-\\x{aa}\\x{ac}-\\x{ba}\\x{bc}-\\x{bf}€‚ƒ„†‡ˆ‰Š‹ŒŽ•–—˜™š›œžŸ";
/** UTF-8 read as Latin-1 or Windows-1252 and saved again. */
const MOJIBAKE = `[ÃÂ][${TAIL}]|â€[${TAIL}“”¦]|(?:[ÐÑ][${TAIL}“”…‘’]){2}`;
const BAD = `${LOST}|${MOJIBAKE}`;
/** People do paste a single odd sign; two are a broken conversion. */
const LEAST = 2;

export const recordsEncoding: Check = {
  id: "records.encoding",
  layer: "content",
  question: "Is text still text: no lost characters, no control characters, no letters broken by a wrong encoding?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["encoding damaged by an export"],
  limits: "Text that went through a wrong encoding and lost nothing visible is not seen; a single odd sign is a remark, not damage.",
  async run(view) {
    const found = await scan(view, (column, name) => matches(column, name, BAD));
    const [first] = found.hits;
    const total = found.hits.reduce((sum, hit) => sum + hit.count, 0);
    const single = first !== undefined && total < LEAST && !(await hasSeveral(first));
    if (single)
      return pass(
        `text is readable but for one value in ${placeOf(first.table.collection, first.column.field)} (${describeNumber(found.values)} looked at)`,
        found.values,
      );
    return judgeHits(found.hits, found, {
      one: "text with lost, broken or control characters",
      many: "texts with lost, broken or control characters",
      expected: "readable text",
      clean: "text is readable",
    });

    /** Whether the one bad value holds more than one bad sign. */
    async function hasSeveral(hit: Hit): Promise<boolean> {
      const again = await scan(view, (column, name, table) =>
        table.table === hit.table.table && column.column === hit.column.column
          ? matches(column, name, `(?:${BAD})(?s:.*)(?:${BAD})`)
          : null,
      );
      return again.hits.length > 0;
    }
  },
};

const TEXTUAL: readonly string[] = ["text", "choice", "choices", "json"];

function matches(column: ScanColumn, name: string, pattern: string): string | null {
  if (column.field.computed || !TEXTUAL.includes(column.field.type)) return null;
  return `regexp_matches(${column.list ? `array_to_string(${name}, ' ')` : name}, ${text(pattern)})`;
}
