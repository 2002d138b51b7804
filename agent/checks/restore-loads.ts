import type { Check } from "../core/ports.ts";
import { describeCount, describeNumber } from "../core/words-for-people.ts";
import { fail, listed, loadedOf, pass } from "./outcome.ts";

export const restoreLoads: Check = {
  id: "restore.loads",
  layer: "content",
  question: "Does the backup load: is every record that was read in the sandbox, with every field?",
  needs: "sandbox",
  aspect: null,
  pitfalls: ["importer says ok and wrote less", "import into a fresh instance imports nothing and exits 0"],
  limits: "Loads into a sandbox of ours, not into the platform.",
  async run(view) {
    const { load } = loadedOf(view);
    const whole = load.checked === load.population;
    const short = load.tables.filter(
      (table) => table.keyed !== table.read || (whole && table.loaded !== table.read) || table.loaded > table.read,
    );
    const narrow = load.tables.filter((table) => table.columns.length !== table.collection.fields.length);
    if (short.length > 0)
      return fail(
        listed(
          short.map((table) => `${table.collection.name}: ${describeNumber(table.read)} read, ${describeNumber(table.loaded)} loaded`),
          3,
        ),
        { expected: "all of them loaded", count: short.length },
      );
    if (narrow.length > 0)
      return fail(`${listed(narrow.map((table) => table.collection.name))} loaded without all fields`, {
        expected: "every field",
        count: narrow.length,
      });
    return pass(
      `${whole ? "" : `${describeNumber(load.checked)} of `}${describeCount(load.population, "record")} loaded in ${describeCount(load.tables.length, "collection")}`,
      load.checked,
    );
  },
};
