import type { Check } from "../core/ports.ts";
import { skip } from "./outcome.ts";
import { judgeHits, scan } from "./scan.ts";

export const recordsRequired: Check = {
  id: "records.required",
  layer: "content",
  question: "Is every required field filled in?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["required value emptied"],
  limits: "Only fields the format declares as required.",
  async run(view) {
    const found = await scan(view, (column, name) => (column.field.required && !column.field.computed ? `${name} IS NULL` : null));
    if (found.columns === 0) return skip("the backup declares no required field");
    return judgeHits(found.hits, found, {
      one: "required value that is empty",
      many: "required values that are empty",
      expected: "every required field filled in",
      clean: "every required field is filled in",
    });
  },
};
