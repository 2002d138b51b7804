import { fileURLToPath } from "node:url";
import { n8nFormat } from "../../../../agent/formats/n8n/index.ts";
import { formatContract } from "../../../contracts/format.ts";
import { copied } from "../../../contracts/format-artifacts.ts";

// Made on n8n 2.41.1.
const made = (name: string): string => fileURLToPath(new URL(`../../../fixtures/n8n/${name}`, import.meta.url));
const key = "fixture-encryption-key";

formatContract({
  name: "n8n",
  create: () => n8nFormat.create(),
  clean: [
    copied(made("workflows")),
    copied(made("credentials"), { key }),
    copied(made("workflows.json")),
    copied(made("decrypted.json")),
    copied(made("shop.n8np"), { formatVersion: "2.41.1" }),
    copied(made("entities.zip"), { key }),
  ],
  skips: [{ case: "abort-mid-stream", reason: "the data table of the artifacts has fewer rows than one batch" }],
});
