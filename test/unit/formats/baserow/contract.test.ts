import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { baserow } from "../../../../agent/formats/baserow/index.ts";
import { formatContract } from "../../../contracts/format.ts";
import { type CleanArtifact, copied } from "../../../contracts/format-artifacts.ts";
import { libraryDatabase, longDatabase, template, workspace } from "../../../fixtures/baserow/build.ts";
import { type ExportOptions, exportParts, zipOf } from "../../../fixtures/baserow/zip.ts";
import { REAL } from "./opening.ts";

function written(name: string, value: unknown, more: Partial<CleanArtifact> = {}): CleanArtifact {
  return {
    name,
    ...more,
    write: async (directory) => {
      const path = join(directory, "export.json");
      await writeFile(path, JSON.stringify(value));
      return path;
    },
  };
}

/** Signatures differ each time they are made; a zip is made once, so that a cut at a length is a cut. */
function zipped(name: string, options: ExportOptions): CleanArtifact {
  const bytes = zipOf(exportParts(options));
  return {
    name,
    formatVersion: "1.0.0",
    write: async (directory) => {
      const path = join(directory, "export.zip");
      await writeFile(path, bytes);
      return path;
    },
  };
}

formatContract({
  name: "baserow",
  create: () => baserow.create(),
  clean: [
    written("template made here", template(), { formatVersion: "1" }),
    written("bare list of applications", workspace(), { formatVersion: null }),
    written("application alone", libraryDatabase(), { formatVersion: null }),
    written("long table", [longDatabase(2500)]),
    zipped("workspace export", {}),
    zipped("workspace export with a long table", { applications: [longDatabase(1500)], files: {} }),
    ...readdirSync(REAL).map((file) => copied(join(REAL, file), { formatVersion: "1" })),
  ],
  skips: [],
});
