/** Node-RED, self-hosted: tabs, subflows, nodes and configuration of one instance, through its admin API. */
import { z } from "zod";
import type { PlatformDefinition } from "../../core/platform-ports.ts";
import { secretSchema } from "../../kit/secret.ts";
import { createClient } from "./client.ts";
import { openInstance } from "./platform.ts";
import { createScratch } from "./scratch.ts";

const connection = {
  url: z.url({ protocol: /^https?$/u }).describe("Address of the editor (httpAdminRoot), as people open it."),
  user: z.string().min(1).optional().describe("User of adminAuth; not given: a token, or an instance that asks nobody to log in."),
  password: secretSchema.optional().describe("Password of that user."),
  token: secretSchema.optional().describe("Access token, instead of user and password."),
  allowPlain: z.boolean().default(false).describe("Allows plain http to another machine, where the network is trusted."),
};

const schema = z.strictObject({
  ...connection,
  userDir: z.string().min(1).optional().describe("User directory on this machine: its encrypted credentials are sealed into captures."),
  flowFile: z.string().min(1).default("flows.json").describe("Name of the flows file in userDir."),
  pageSize: z.int().min(1).max(5000).default(500).describe("Records handed on at once; Node-RED itself gives all in one answer."),
});

const scratchSchema = z.strictObject(connection);

export const nodeRed: PlatformDefinition = {
  type: "node-red",
  summary: "Node-RED: tabs, subflows, groups, nodes and configuration nodes of one instance.",
  schema,
  scratchSchema,
  open: (config, deps) => {
    const { userDir, flowFile, pageSize, ...rest } = config as z.output<typeof schema>;
    return openInstance(createClient(rest, "read", deps), { url: rest.url, userDir: userDir ?? null, flowFile, pageSize }, deps);
  },
  openScratch: (config, deps) => {
    const rest = config as z.output<typeof scratchSchema>;
    return {
      workspace: createScratch(createClient(rest, "*", deps), rest.url, deps),
      // Who may log in is code in settings.js: nothing a restore could bring back.
      access: null,
      probe: {
        nextInsert: () => Promise.resolve("not-possible"),
        reconnect: () => Promise.resolve(new Map<string, boolean | null>()),
        audit: () => Promise.resolve(null),
      },
    };
  },
};
