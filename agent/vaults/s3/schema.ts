import { z } from "zod";
import { type Secret, secretSchema } from "../../kit/secret.ts";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/u;

export const s3VaultSchema = z
  .strictObject({
    bucket: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/u, {
        error: "a bucket is 3 to 63 letters, digits, dots and dashes; mend: write its bare name, and what comes after it under prefix",
      })
      .describe("Name of the bucket.")
      .meta({ examples: ["backups"] }),
    prefix: z
      .string()
      .max(900)
      .refine((prefix) => !prefix.startsWith("/") && !prefix.split("/").some((segment) => segment === ".." || segment === "."), {
        error: "a prefix begins without a slash and has neither . nor ..; mend: write it as it stands in the bucket, for example nocode/",
      })
      .default("")
      .describe("Folder in the bucket that holds the backups; what lies beside it is never looked at.")
      .meta({ examples: ["nocode/"] }),
    region: z.string().min(1).default("us-east-1").describe("Region of the bucket."),
    endpoint: z
      .url({ protocol: /^https?$/u, error: "an endpoint is an address; mend: write it whole, for example https://s3.example.org" })
      .refine((address) => !/[?#]|\/\/[^/]*@/u.test(address), {
        error: "an endpoint holds no user, password, ? or #; mend: write scheme, host and port, and the keys as secrets",
      })
      .optional()
      .describe("Address of an S3 server that is not AWS; absent: AWS in that region.")
      .meta({ examples: ["https://s3.example.org"] }),
    pathStyle: z
      .boolean()
      .optional()
      .describe("Whether the bucket is part of the path and not of the host; absent: yes with an endpoint, no without."),
    accessKeyId: secretSchema
      .optional()
      .describe("Id of the access key; absent: as the AWS tools find it (environment, profile, role of the machine)."),
    secretAccessKey: secretSchema.optional().describe("The access key itself."),
    sessionToken: secretSchema.optional().describe("Token of temporary credentials."),
    allowPlain: z
      .boolean()
      .default(false)
      .describe("Whether plain http to another machine is allowed: anybody on the way can read the backups."),
    objectLock: z
      .enum(["compliance", "governance"])
      .default("compliance")
      .describe("How captures are locked that are to be immutable: compliance, which nobody can lift, or governance, which some may."),
    pageSize: z.int().min(1).max(1000).default(1000).describe("How many keys are asked for at once."),
    maxArtifacts: z.int().min(1).max(1_000_000).default(50_000).describe("How many artifacts one path of a source may hold."),
  })
  .refine((config) => (config.accessKeyId === undefined) === (config.secretAccessKey === undefined), {
    path: ["secretAccessKey"],
    error: "an access key is two things; mend: write both accessKeyId and secretAccessKey, or neither",
  })
  .refine((config) => config.sessionToken === undefined || config.accessKeyId !== undefined, {
    path: ["sessionToken"],
    error: "a session token goes with an access key; mend: write accessKeyId and secretAccessKey as well",
  })
  .refine(({ endpoint, allowPlain }) => allowPlain || endpoint === undefined || !isPlain(endpoint), {
    path: ["endpoint"],
    error: "plain http to another machine lets anybody on the way read the backups; mend: use https, or write allowPlain: true",
  });

function isPlain(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, hostname } = new URL(endpoint);
  return protocol === "http:" && !LOOPBACK.test(hostname);
}

export interface S3VaultConfig extends Omit<z.infer<typeof s3VaultSchema>, "accessKeyId" | "secretAccessKey" | "sessionToken"> {
  readonly accessKeyId?: Secret | undefined;
  readonly secretAccessKey?: Secret | undefined;
  readonly sessionToken?: Secret | undefined;
}
