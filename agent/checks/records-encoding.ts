import type { Check } from "../core/ports.ts";
import { fail, placeOf } from "./outcome.ts";
import { judgeHits, scan, type ScanColumn, spread } from "./scan.ts";

/** U+FFFD stands where bytes were no text; NUL and the other C0 controls but tab and line ends, and C1 controls, are in no text people write. */
const BAD = "[\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F\\x80-\\x9F\\x{FFFD}]";
/** UTF-8 read as Latin-1 and saved again. */
const MOJIBAKE = "Ã[\\x80-\\xBF¡-¿]|â€[™œ\\x9D˜“”¦]|Â[ -¿£°]";
/** People do write single odd sequences; many of them are a broken conversion. */
const MOJIBAKE_LEAST = 3;

function textual(column: ScanColumn): boolean {
  return !column.list && !column.field.computed && ["text", "choice"].includes(column.field.type);
}

export const recordsEncoding: Check = {
  id: "records.encoding",
  layer: "content",
  question: "Is text still text: no lost characters, no control characters, no letters broken by a wrong encoding?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["encoding damaged by an export"],
  limits: "Text that went through a wrong encoding and lost nothing visible is not seen; a few odd sequences alone are not called damage.",
  async run(view) {
    const lost = await scan(view, (column, name) => (textual(column) ? `regexp_matches(${name}, '${BAD}')` : null));
    const mixed = await scan(view, (column, name) => (textual(column) ? `regexp_matches(${name}, '${MOJIBAKE}')` : null));
    const broken = mixed.hits.filter((hit) => hit.count >= MOJIBAKE_LEAST);
    if (lost.hits.length === 0 && broken.length > 0) {
      const count = broken.reduce((sum, hit) => sum + hit.count, 0);
      const first = broken[0];
      const place = first === undefined ? "" : placeOf(first.table.collection, first.column.field);
      return fail(`${count} texts whose letters were broken by a wrong encoding, in ${place}`, {
        expected: "readable text",
        count,
        examples: spread(broken),
      });
    }
    return judgeHits(lost.hits, lost, {
      one: "text with lost or control characters",
      many: "texts with lost or control characters",
      expected: "readable text",
      clean: "text is readable",
    });
  },
};
