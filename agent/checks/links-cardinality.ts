import type { Check } from "../core/ports.ts";
import { skip } from "./outcome.ts";
import { judgeHits, scan } from "./scan.ts";

export const linksCardinality: Check = {
  id: "links.cardinality",
  layer: "content",
  question: "Where a record may point to only one other, does it?",
  needs: "sandbox",
  aspect: "links",
  pitfalls: ["one-to-one relation restored as many"],
  limits: "Only links the format declares as single.",
  async run(view) {
    const found = await scan(view, (column, name) => {
      if (column.field.link === null || column.field.link.many || column.field.computed) return null;
      return column.list ? `len(${name}) > 1` : `(${name} LIKE '[%' AND json_valid(${name}))`;
    });
    if (found.columns === 0) return skip("the backup declares no link as single");
    return judgeHits(found.hits, found, {
      one: "record that points to several",
      many: "records that point to several",
      expected: "one each",
      clean: "single links are single",
    });
  },
};
