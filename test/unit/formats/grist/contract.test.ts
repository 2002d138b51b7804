import { fileURLToPath } from "node:url";
import { grist } from "../../../../agent/formats/grist/index.ts";
import { formatContract } from "../../../contracts/format.ts";
import { copied } from "../../../contracts/format-artifacts.ts";

const data = fileURLToPath(new URL("../../../../../shared/data/grist/", import.meta.url));

formatContract({
  name: "grist",
  create: () => grist.create(),
  clean: [
    copied(`${data}ACL-Test.grist`, { formatVersion: "30" }),
    copied(`${data}Class-Enrollment.grist`, { formatVersion: "39" }),
    copied(`${data}Comments_44.grist`, { formatVersion: "44" }),
    copied(`${data}FilmsWithImages.grist`, { formatVersion: "36" }),
    copied(`${data}Hooks-v37.grist`, { formatVersion: "37" }),
    copied(`${data}Landlord.grist`, { formatVersion: "36" }),
    copied(`${data}World-v39.grist`, { formatVersion: "39" }),
  ],
  skips: [],
});
