import type { Check } from "../core/ports.ts";
import { judgeHits, quoted, scan } from "./scan.ts";
import { skip } from "./outcome.ts";

export const structureIndices: Check = {
  id: "structure.indices",
  layer: "content",
  question: "Can the declared unique fields really be built: is every value in them there only once?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["duplicate key on re-import", "restore fails on a unique constraint"],
  limits: "Only fields the format declares as unique; primary keys are records.duplicates' affair.",
  async run(view) {
    const found = await scan(view, (column, name, table) =>
      column.field.unique && !column.list
        ? `${name} IN (SELECT ${name} FROM ${quoted(table.table)} WHERE ${name} IS NOT NULL GROUP BY ${name} HAVING count(*) > 1)`
        : null,
    );
    if (found.columns === 0) return skip("the backup declares no unique field");
    return judgeHits(found.hits, found, {
      one: "value that is not unique",
      many: "values that are not unique",
      expected: "each value once",
      clean: "every unique field is unique",
    });
  },
};
