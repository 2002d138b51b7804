/** What the configuration's tests let a configuration name: two small vaults, S3 and two formats. */
import { z } from "zod";
import type { ConfigRegistries } from "../../../agent/config/schema.ts";
import { PLATFORMS } from "../../../agent/core/words.ts";
import { secretSchema } from "../../../agent/kit/secret.ts";
import { s3VaultDefinition } from "../../../agent/vaults/s3/index.ts";

export const testRegistries: ConfigRegistries = {
  vaults: [
    {
      type: "dir",
      summary: "A folder on this machine.",
      schema: z.strictObject({
        path: z
          .string()
          .min(1)
          .describe("Folder that holds the backups.")
          .meta({ examples: ["./backups"] }),
        followLinks: z.boolean().default(false).describe("Whether symbolic links are followed."),
      }),
    },
    {
      type: "bucket",
      summary: "An object store.",
      schema: z.strictObject({
        bucket: z.string().describe("Name of the bucket."),
        secretKey: secretSchema.describe("Key to it."),
      }),
    },
    // The real one: what it wants of an address and of keys are rules of the configuration.
    s3VaultDefinition,
  ],
  formats: [
    { id: "grist", summary: "A Grist document." },
    { id: "node-red", summary: "Node-RED flows." },
  ],
  platforms: [...PLATFORMS],
};

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
