/** What a source says of its live product: how to reach it, where scratch restores go, whether captures are made of it. */
import { z } from "zod";
import type { PlatformDefinition } from "../core/platform-ports.ts";
import { cron, timezone } from "./calendar.ts";
import { duration, size } from "./fields.ts";
import { explainIssue } from "./problems.ts";

export type ConnectorSchemas = readonly Pick<PlatformDefinition, "type" | "summary" | "schema" | "scratchSchema">[];

/** `platform:` of a source: only a label, or everything its connector needs. */
export function platformSchema(types: readonly string[], connectors: ConnectorSchemas) {
  const kinds = types.map((type) => {
    const connector = connectors.find((one) => one.type === type);
    const label = z.literal(type).describe("Which product it is; alone it is a label, and nothing is called.");
    if (connector === undefined) return z.strictObject({ type: label });
    return z.strictObject({ ...maybe(connector.schema), type: label }).describe(`${type}: ${connector.summary}`);
  });
  // The shapes are known at run time only: every kind has `type`, what else it has is its connector's affair.
  type Kind = z.ZodObject<{ type: z.ZodLiteral<string> }, z.core.$loose>;
  return z.discriminatedUnion("type", kinds as unknown as [Kind, ...Kind[]]).describe("The no-code platform this source lives on.");
}

/** Every field of it may be left out, and then is: a default would make a connection of a label. */
function maybe(schema: z.ZodObject): z.ZodRawShape {
  return Object.fromEntries(
    Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => {
      const bare = field instanceof z.ZodDefault || field instanceof z.ZodPrefault ? (field.unwrap() as z.ZodType) : field;
      return [name, z.optional(bare).describe(field.description ?? name)];
    }),
  );
}

export const scratchSchema = z
  .looseObject({})
  .optional()
  .describe(
    "Where backups of this source are really restored to, for the layer scratch: a place and a token of its own, never production's.",
  );

export const captureSchema = z
  .strictObject({
    schedule: cron().default("0 3 * * *").describe("Cron expression of five fields: when captures are made."),
    timezone: timezone().default("UTC").describe("IANA time zone the schedule is meant in."),
    recipients: z
      .array(
        z
          .string()
          .regex(/^age1[0-9a-z]{50,200}$/u, { error: "a recipient is an age public key; mend: write it as age-keygen printed it, age1…" }),
      )
      .default([])
      .describe("age public keys that captured secrets are sealed for; absent: no secret is taken along.")
      .meta({ examples: [["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]] }),
    keep: duration({ min: "1d", example: "35d" })
      .optional()
      .describe("Captures older than this are removed, the newest never; absent: none is."),
    immutable: duration({ min: "1h", example: "7d" })
      .optional()
      .describe("How long a capture is protected from change, in vaults that can."),
    full: duration({ min: "1m", max: "400d" })
      .prefault("7d")
      .describe("At least this often everything is read anew; between, where the product tells changes reliably, only what changed."),
    resume: duration({ min: "1m", max: "7d" }).prefault("6h").describe("A killed capture that began longer ago than this begins anew."),
  })
  .optional()
  .describe("Captures: backups that the agent makes itself of a product that has none, into this source's own folder of its vault.");

/** What the layers scratch and live look at in one drill, and what is fetched for it. */
export const sampleSchema = z
  .strictObject({
    records: z.int().min(1).max(100_000).default(100).describe("Records drawn for one drill, before what they link to comes with them."),
    most: z.int().min(1).max(1_000_000).default(500).describe("Records restored in one drill in all, linked ones included."),
    fetchBytes: size("1KB", "50MB")
      .optional()
      .describe(
        "Bytes of attachments that a drill fetches out of a bag in a remote vault, drawn anew each time; absent: all of them, and nothing is left unread.",
      ),
    fileBytes: size("1KB").prefault("20MB").describe("Bytes of attachments restored in one drill."),
    apiCalls: z
      .int()
      .min(1)
      .max(100_000_000)
      .optional()
      .describe("Requests to the platform a day, counted across restarts; absent: no limit of ours.")
      .meta({ examples: [2000] }),
  })
  .prefault({})
  .describe("What one drill may ask of the platform, and of a remote vault.");

/** A problem of what was parsed so far, found by a connector's own schema. */
export interface ConnectionIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export interface ParsedConnection {
  /** Null: the platform is only a label. */
  readonly platform: Readonly<Record<string, unknown>> | null;
  readonly scratch: Readonly<Record<string, unknown>> | null;
}

/** Looks at `platform` and `scratch` together: what the schema of one field cannot see. */
export function checkConnection(
  source: {
    readonly platform: { readonly type: string } & Readonly<Record<string, unknown>>;
    readonly scratch?: Readonly<Record<string, unknown>> | undefined;
    readonly capture?: unknown;
    readonly backups?: { readonly path: string } | undefined;
    readonly verify: { readonly layers: readonly string[] };
  },
  connectors: ConnectorSchemas,
): { readonly connection: ParsedConnection; readonly issues: readonly ConnectionIssue[] } {
  const issues: ConnectionIssue[] = [];
  const { type, ...own } = source.platform;
  const connector = connectors.find((one) => one.type === type);
  const told = Object.keys(own).length > 0 && connector !== undefined;
  if (told) {
    for (const [name, field] of Object.entries(connector.schema.shape)) {
      if (own[name] !== undefined || (field as z.ZodType).safeParse(undefined).success) continue;
      const what = (field as z.ZodType).description;
      issues.push({ path: ["platform", name], message: `is missing; mend: add it${what === undefined ? "" : `: ${what}`}` });
    }
  }
  const platform = told ? withDefaults(connector.schema, own) : null;
  let scratch: Readonly<Record<string, unknown>> | null = null;
  if (source.scratch !== undefined) {
    if (connector?.scratchSchema === undefined || connector.scratchSchema === null)
      issues.push({
        path: ["scratch"],
        message: `nothing can be restored into ${type} through its API by this agent; mend: take scratch out`,
      });
    else {
      const parsed = connector.scratchSchema.strict().safeParse(source.scratch, { error: explainIssue });
      if (parsed.success) scratch = parsed.data;
      else issues.push(...parsed.error.issues.flatMap(inScratch));
    }
  }
  for (const [index, layer] of source.verify.layers.entries()) {
    const path = ["verify", "layers", index];
    if (layer === "live" && platform === null) issues.push({ path, message: needsConnector(layer) });
    if (layer === "scratch" && source.scratch === undefined)
      issues.push({
        path,
        message:
          platform === null
            ? needsConnector(layer)
            : "layer scratch needs a place to restore to; mend: add scratch to this source, or take scratch out",
      });
    if (layer === "scratch" && source.scratch !== undefined && platform === null)
      issues.push({
        path: ["platform"],
        message: `the layer scratch has to know production to stay away from it; mend: say how to reach this ${type}`,
      });
  }
  if (source.capture !== undefined && platform === null)
    issues.push({ path: ["capture"], message: `captures are made of a platform that is only named; mend: say how to reach this ${type}` });
  if (source.capture !== undefined && (source.backups === undefined || source.backups.path === ""))
    issues.push({
      path: ["capture"],
      message: "captures need a folder of their own; mend: add backups with a path that nothing else writes to",
    });
  return { connection: { platform, scratch }, issues };
}

/** What to say of a layer that calls a platform which is only a label. */
export function needsConnector(layer: string): string {
  return `layer ${layer} needs a connector to the platform, and no connector for it is configured; mend: take ${layer} out`;
}

function inScratch(issue: z.core.$ZodIssue): ConnectionIssue[] {
  if (issue.code === "unrecognized_keys") {
    const texts = issue.message.split("\n");
    return issue.keys.map((key, index) => ({ path: ["scratch", ...issue.path, key], message: texts[index] ?? issue.message }));
  }
  return [{ path: ["scratch", ...issue.path], message: issue.message }];
}

/** Optional made of every field swallowed the defaults. */
function withDefaults(schema: z.ZodObject, own: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const filled: Record<string, unknown> = { ...own };
  for (const [name, field] of Object.entries(schema.shape)) {
    if (filled[name] !== undefined) continue;
    const parsed = (field as z.ZodType).safeParse(undefined);
    if (parsed.success && parsed.data !== undefined) filled[name] = parsed.data;
  }
  return filled;
}
