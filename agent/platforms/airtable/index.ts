/** Airtable: one base, through the Web API. */
import { z } from "zod";
import type { PlatformDefinition } from "../../core/platform-ports.ts";
import { secretSchema } from "../../kit/secret.ts";
import { createClient, MOST_ROWS } from "./client.ts";
import { openBase } from "./platform.ts";
import { createScratch, createScratchProbe } from "./scratch.ts";

const address = (what: string, example: string) =>
  z
    .url({ protocol: /^https?$/u })
    .default(example)
    .describe(what);
const base = z
  .string()
  .regex(/^app[A-Za-z0-9]{14}$/u, { error: "a base is app and 14 letters or digits, as in its address; mend: write it so" });

const schema = z.strictObject({
  base: base.describe("Id of the base, as in its address: app…"),
  token: secretSchema.describe("Personal access token with data.records:read and schema.bases:read for this base."),
  url: address("Address of the Web API.", "https://api.airtable.com/v0"),
  contentUrl: address("Address that attachments are uploaded to.", "https://content.airtable.com/v0"),
  updatedField: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("Name or id of the last-modified-time field to go by; absent: one that watches every field."),
  pageSize: z.int().min(1).max(MOST_ROWS).default(MOST_ROWS).describe("Records a request; Airtable gives out at most 100."),
});

const scratchSchema = z.strictObject({
  base: base.describe(
    "Id of a base of its own that holds nothing else: Airtable deletes no base and no table through its API, so it stays.",
  ),
  token: secretSchema.describe(
    "Token with data.records:read, data.records:write, schema.bases:read and schema.bases:write for that base alone.",
  ),
  url: address("Address of the Web API.", "https://api.airtable.com/v0"),
  contentUrl: address("Address that attachments are uploaded to.", "https://content.airtable.com/v0"),
});

export const airtable: PlatformDefinition = {
  type: "airtable",
  summary: "Airtable: tables, records, links, attachments, views by name, who works in the base.",
  schema,
  scratchSchema,
  open: (config, deps) => {
    const { pageSize, updatedField, ...connection } = config as z.output<typeof schema>;
    return openBase(
      createClient(connection, connection.base, deps),
      { base: connection.base, pageSize, updatedField: updatedField ?? null },
      deps,
    );
  },
  openScratch: (config, deps) => {
    const connection = config as z.output<typeof scratchSchema>;
    const client = createClient(connection, connection.base, deps);
    // Nobody can be invited or signed in through the API: what others see cannot be tried.
    return { workspace: createScratch(client, connection.base, deps), access: null, probe: createScratchProbe(client, connection.base) };
  },
};
