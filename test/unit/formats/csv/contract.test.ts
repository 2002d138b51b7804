import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { csv } from "../../../../agent/formats/csv/index.ts";
import { formatContract } from "../../../contracts/format.ts";
import { zipDirectory } from "../../../fixtures/bag/zip.ts";
import { csvOf, declaredShop, longCsv, shopFiles, writeFiles, writeShop } from "../../../fixtures/csv/write.ts";

formatContract({
  name: "csv, in a zip archive or with declared checksums",
  create: () => csv.create(),
  clean: [
    {
      name: "a directory with a data package",
      vital: "people.csv",
      write: (directory) => writeFiles(join(directory, "shop"), declaredShop()),
    },
    {
      name: "a zip archive",
      write: async (directory) =>
        zipDirectory(await writeFiles(join(directory, "shop"), { ...shopFiles(), "long.csv": longCsv(2500) }), join(directory, "shop.zip")),
    },
  ],
  skips: [],
});

formatContract({
  name: "csv, nothing but files",
  create: () => csv.create(),
  clean: [
    { name: "a directory", write: (directory) => writeShop(join(directory, "shop")) },
    {
      name: "one long file",
      write: async (directory) => {
        const path = join(directory, "people.csv");
        await writeFile(path, longCsv(2500));
        return path;
      },
    },
    {
      name: "semicolons, a byte order mark, no last line end",
      write: async (directory) => {
        const path = join(directory, "export");
        const rows = Array.from({ length: 9 }, (_, n) => [`k${n}`, `a value; number ${n}`, `multi\nline ${n}`]);
        await writeFile(path, csvOf([["Record ID", "Text", "More"], ...rows], { delimiter: ";", bom: true, lastLineEnd: false }));
        return path;
      },
    },
  ],
  skips: [
    {
      case: "truncated",
      reason:
        "A CSV file that ends between two rows, or inside a last cell, is a whole CSV file: only what breaks a row can be seen (damage.test.ts).",
    },
  ],
});
