import { fileURLToPath } from "node:url";
import { directusFormat } from "../../../../agent/formats/directus/index.ts";
import { formatContract } from "../../../contracts/format.ts";
import { copied } from "../../../contracts/format-artifacts.ts";

// Made on Directus 12.4.0 by test/platforms/formats/directus-exports.ts.
const made = (name: string): string => fileURLToPath(new URL(`../../../fixtures/directus/${name}`, import.meta.url));
const formatVersion = "12.4.0";

formatContract({
  name: "directus",
  create: () => directusFormat.create(),
  clean: [
    copied(made("rest"), { formatVersion, name: "answers of the API", vital: "items/articles.json" }),
    copied(made("rest"), { formatVersion, name: "answers of the API, their snapshot", vital: "snapshot.yaml" }),
    copied(made("rest"), { formatVersion, name: "answers of the API, their flows", vital: "directus_flows.json" }),
    copied(made("button"), { formatVersion, name: "the export button's JSON", vital: "articles.json" }),
    copied(made("template.zip"), { formatVersion }),
    copied(made("rest/snapshot.yaml"), { formatVersion }),
    copied(made("button/snapshot.json"), { formatVersion }),
  ],
  skips: [],
});
