import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { grist } from "../../../../agent/formats/grist/index.ts";
import { formatContract } from "../../../contracts/format.ts";
import { copied, type CleanArtifact } from "../../../contracts/format-artifacts.ts";
import { buildLibrary, manyRowsSpec, writeGristDocument } from "../../../fixtures/grist/build.ts";

const data = fileURLToPath(new URL("../../../../../shared/data/grist/", import.meta.url));

const library: CleanArtifact = {
  name: "a library made here",
  formatVersion: "44",
  write: async (directory) => buildLibrary(join(directory, "library.grist")),
};

const manyRows: CleanArtifact = {
  name: "many rows made here",
  write: async (directory) => {
    const path = join(directory, "many.grist");
    writeGristDocument(path, manyRowsSpec(2500));
    return path;
  },
};

formatContract({
  name: "grist",
  create: () => grist.create(),
  clean: [
    library,
    manyRows,
    copied(`${data}ACL-Test.grist`, { formatVersion: "30" }),
    copied(`${data}Class-Enrollment.grist`, { formatVersion: "39" }),
    copied(`${data}Comments_44.grist`, { formatVersion: "44" }),
    copied(`${data}ExternalAttachmentsInvalidStoreId.grist`, { formatVersion: "43" }),
    copied(`${data}FilmsWithImages.grist`, { formatVersion: "36" }),
    copied(`${data}Hooks-v37.grist`, { formatVersion: "37" }),
    copied(`${data}InvalidValues.grist`, { formatVersion: "25" }),
    copied(`${data}Landlord.grist`, { formatVersion: "36" }),
    copied(`${data}World-v39.grist`, { formatVersion: "39" }),
  ],
  skips: [],
});
