/** n8n, self-hosted or hosted: workflows and data tables, through the public API v1. */
import { z } from "zod";
import type { PlatformDefinition } from "../../core/platform-ports.ts";
import { secretSchema } from "../../kit/secret.ts";
import { createClient, MOST_ROWS } from "./client.ts";
import { openInstance } from "./platform.ts";
import { createScratchProbe } from "./scratch-probe.ts";
import { createScratch } from "./scratch.ts";

const url = z.url({ protocol: /^https?$/u }).describe("Address of n8n, as people open it.");
const allowPlain = z.boolean().default(false).describe("Allows plain http to another machine, where the network is trusted.");

const schema = z.strictObject({
  url,
  token: secretSchema.describe("API key that may list and read workflows, credentials, data tables, their rows and users."),
  allowPlain,
  pageSize: z.int().min(1).max(MOST_ROWS).default(MOST_ROWS).describe("Rows a request; n8n gives out at most 250."),
});

const scratchSchema = z.strictObject({
  url: url.describe("Address of an n8n of its own, never the one the source is on."),
  token: secretSchema.describe("API key of that n8n's owner, which may make and delete workflows and data tables."),
  allowPlain,
});

export const n8n: PlatformDefinition = {
  type: "n8n",
  summary: "n8n: workflows, data tables, and which credentials and users there are.",
  schema,
  scratchSchema,
  open: (config, deps) => {
    const { pageSize, ...connection } = config as z.output<typeof schema>;
    return openInstance(createClient(connection, deps), connection.url, pageSize, deps);
  },
  openScratch: (config, deps) => {
    const client = createClient(config as z.output<typeof scratchSchema>, deps);
    // Who sees what needs projects and their roles, which the licence of the community edition lacks.
    return { workspace: createScratch(client, deps), access: null, probe: createScratchProbe(client) };
  },
};
