/** Directus 12, self-hosted or hosted: one project, through its REST API. */
import { z } from "zod";
import type { PlatformDefinition } from "../../core/platform-ports.ts";
import { secretSchema } from "../../kit/secret.ts";
import { createClient } from "./client.ts";
import { openProject } from "./platform.ts";
import { createAccessProbe, createScratchProbe } from "./scratch-access.ts";
import { createScratch } from "./scratch.ts";

const url = z.url({ protocol: /^https?$/u }).describe("Address of Directus, as people open it, without /admin.");
const allowPlain = z.boolean().default(false).describe("Allows plain http to another machine, where the network is trusted.");
const pageSize = z
  .int()
  .min(1)
  .max(10_000)
  .default(1000)
  .describe("Records a request; QUERY_LIMIT_MAX of the installation may allow fewer.");

const schema = z.strictObject({
  url,
  token: secretSchema.describe("Static token of a user with a policy of administrator access: nothing less may read the schema."),
  collections: z.array(z.string().min(1)).min(1).optional().describe("Only these collections; not given: all."),
  allowPlain,
  pageSize,
});

const scratchSchema = z.strictObject({
  url,
  token: secretSchema.describe("Static token of an administrator of another, empty installation."),
  allowPlain,
});

export const directus: PlatformDefinition = {
  type: "directus",
  summary: "Directus: collections, relations, files, flows, roles and policies of one project.",
  schema,
  scratchSchema,
  open: (config, deps) => {
    const { collections, pageSize: size, ...connection } = config as z.output<typeof schema>;
    return openProject(createClient(connection, deps), { url: connection.url, collections: collections ?? null, pageSize: size }, deps);
  },
  openScratch: (config, deps) => {
    const connection = config as z.output<typeof scratchSchema>;
    const client = createClient(connection, deps);
    return {
      workspace: createScratch(client, connection.url, deps),
      access: createAccessProbe(client, connection, deps),
      probe: createScratchProbe(client),
    };
  },
};
