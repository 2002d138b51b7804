import { join } from "node:path";
import { bag } from "../../../../agent/formats/bag/index.ts";
import { formatContract } from "../../../contracts/format.ts";
import type { CleanArtifact } from "../../../contracts/format-artifacts.ts";
import { makeBag } from "../../../bench/make-bag.ts";
import { longSpec, writeLibrary } from "../../../fixtures/bag/library.ts";
import { writeBag } from "../../../fixtures/bag/write.ts";
import { zipDirectory } from "../../../fixtures/bag/zip.ts";

const part = "data/tables/books/part-00000.ndjson";

function library(name: string, vital: string, compress: boolean): CleanArtifact {
  return { name, vital, formatVersion: "1", write: (directory) => writeLibrary(join(directory, "library"), { compress }) };
}

formatContract({
  name: "bag",
  create: () => bag.create(),
  clean: [
    library("a library, its part hurt", `${part}.zst`, true),
    library("a library in plain lines, its part hurt", part, false),
    library("a library, its package hurt", "data/datapackage.json", true),
    library("a library, its manifest hurt", "manifest-sha256.txt", true),
    library("a library, its declaration hurt", "bagit.txt", true),
    {
      name: "a long table in two parts",
      write: async (directory) => {
        const path = join(directory, "long");
        await writeBag(path, longSpec(2500));
        return path;
      },
    },
    {
      name: "linked tables as the benchmark makes them",
      write: async (directory) => {
        const path = join(directory, "bench");
        await makeBag(path, { records: 3000, tables: 3 });
        return path;
      },
    },
    {
      name: "a zip archive with the bag in a folder",
      write: async (directory) => {
        const folder = await writeLibrary(join(directory, "library"));
        return zipDirectory(folder, join(directory, "library.zip"), "library");
      },
    },
  ],
  skips: [],
});
