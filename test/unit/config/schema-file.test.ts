import { platforms } from "../../../agent/platforms/api.ts";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configJsonSchemaText } from "../../../agent/config/json-schema.ts";
import { PLATFORMS } from "../../../agent/core/words.ts";
import { formats } from "../../../agent/formats/api.ts";
import { vaults } from "../../../agent/vaults/api.ts";

test("the committed JSON Schema is what the configuration says now; npm run generate writes it", () => {
  const committed = readFileSync(new URL("../../../agent/config/restorewatch.schema.json", import.meta.url), "utf8");
  expect(committed).toBe(configJsonSchemaText({ vaults, formats, platforms: PLATFORMS, connectors: platforms }));
});
