/** NocoDB, self-hosted or hosted: bases, through API v2 and v3. */
import { z } from "zod";
import type { PlatformDefinition } from "../../core/platform-ports.ts";
import { secretSchema } from "../../kit/secret.ts";
import { createAccessProbe } from "./access.ts";
import { createClient, MOST_ROWS } from "./client.ts";
import { openBase } from "./platform.ts";
import { createNextInsert } from "./scratch-probe.ts";
import { createScratch } from "./scratch.ts";

const url = z.url({ protocol: /^https?$/u }).describe("Address of NocoDB, as people open it.");
const allowPlain = z.boolean().default(false).describe("Allows plain http to another machine, where the network is trusted.");

const schema = z.strictObject({
  url,
  base: z
    .string()
    .regex(/^p[a-z0-9]{4,40}$/u)
    .describe("Id of the base: what begins with p in its address."),
  token: secretSchema.describe("API token of a user who is creator or owner of the base."),
  allowPlain,
  pageSize: z.int().min(1).max(MOST_ROWS).default(MOST_ROWS).describe("Records a request; NocoDB gives out at most 1,000."),
});

const scratchSchema = z.strictObject({
  url,
  workspace: z.string().optional().describe("Id of the workspace new bases go into; the community edition has only its default one."),
  token: secretSchema.describe("API token of a user who may create bases."),
  allowPlain,
  sameInstance: z
    .boolean()
    .default(false)
    .describe("Allows scratch bases on the very installation the source lies on: what NocoDB keeps of them then fills its database."),
  restrictedToken: secretSchema
    .optional()
    .describe("API token of another user without rights of an administrator, to see what such a one sees in a restored base."),
});

export const nocodb: PlatformDefinition = {
  type: "nocodb",
  summary: "NocoDB: tables, links, attachments, views, webhooks and members of one base.",
  schema,
  scratchSchema,
  open: (config, deps) => {
    const { base, pageSize, ...connection } = config as z.output<typeof schema>;
    return openBase(createClient(connection, deps), base, pageSize, deps);
  },
  openScratch: (config, deps) => {
    const { workspace, sameInstance, restrictedToken, ...connection } = config as z.output<typeof scratchSchema>;
    const client = createClient(connection, deps);
    const restricted = restrictedToken === undefined ? null : createClient({ ...connection, token: restrictedToken }, deps);
    return {
      workspace: createScratch(client, { workspace: workspace ?? null, sameInstance }, deps),
      access: restricted === null ? null : createAccessProbe(client, restricted, connection, deps),
      probe: createNextInsert(client),
    };
  },
};
