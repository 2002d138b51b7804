/**
 * The whole configuration as one strict Zod schema: defaults and a description on every field.
 * Rules that look at more than one field are in rules.ts.
 */
import { z } from "zod";
import type { FormatDefinition, VaultDefinition } from "../core/definitions.ts";
import { TIERS } from "../core/words.ts";
import { secretSchema } from "../kit/secret.ts";
import { captureSchema, checkConnection, type ConnectorSchemas, platformSchema, scratchSchema } from "./connections.ts";
import { duration, id, localPath, vaultPath } from "./fields.ts";
import { agent, anomalies, drills, evidence, http, relations, state, telemetry } from "./schema-agent.ts";
import { objectives, verify } from "./schema-verify.ts";

/** What may be named in a configuration. */
export interface ConfigRegistries {
  readonly vaults: readonly Pick<VaultDefinition, "type" | "summary" | "schema">[];
  readonly formats: readonly Pick<FormatDefinition, "id" | "summary">[];
  readonly platforms: readonly string[];
  /** Platforms that can be called; the others are labels. */
  readonly connectors?: ConnectorSchemas;
}

function backups(formats: readonly string[]) {
  return z
    .strictObject({
      vault: z.string().describe("Name of the vault the backups lie in."),
      path: vaultPath()
        .prefault("")
        .describe("Folder within the vault whose entries are this source's backups, or one file; empty: the whole vault."),
      pattern: z
        .string()
        .min(1)
        .max(255)
        .regex(/^[^/\\\0]+$/u, {
          error: "a pattern is a glob for the last part of the path and has no slash; mend: put the folders into path",
        })
        .default("*")
        .describe("Glob for the names of the backups, such as *.grist."),
      format: z
        .enum(["auto", ...formats])
        .default("auto")
        .describe("How the backups are laid out; auto: recognised by content."),
      every: duration({ min: "1m", example: "24h" }).optional().describe("Expected time between backups."),
      jitter: duration({ example: "2h" }).optional().describe("How much later than every is still on time; absent: a quarter of every."),
      settle: duration({ max: "7d" })
        .prefault("1m")
        .describe("A backup younger than this without a run report may still be written, and waits."),
      retention: duration({ min: "1h", example: "30d" }).optional().describe("How far back backups are to be kept."),
      minPoints: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe("How many backups there must be at least.")
        .meta({ examples: [7] }),
      immutable: duration({ min: "1m", example: "7d" }).optional().describe("How long a new backup must be protected from change."),
      key: secretSchema
        .optional()
        .describe("Secret that opens what the backup holds encrypted (Node-RED credentialSecret, …), by reference."),
    })
    .describe("Where this source's backups lie, and how often they should come; absent: it has none, which the catalogue shows.");
}

function source(registries: ConfigRegistries) {
  const connectors = registries.connectors ?? [];
  return sourceFields(registries).transform((value, context) => {
    const { connection, issues } = checkConnection(value, connectors);
    for (const { path, message } of issues) context.addIssue({ code: "custom", path: [...path], message });
    const { scratch: _, platform, ...rest } = value;
    return { ...rest, platform: { type: platform.type }, connection };
  });
}

function sourceFields(registries: ConfigRegistries) {
  return z.strictObject({
    id: id().describe("Name of the source in metrics, pages and evidence; renaming it begins a new history."),
    platform: platformSchema(registries.platforms, registries.connectors ?? []),
    scratch: scratchSchema,
    capture: captureSchema,
    owner: z
      .strictObject({
        team: z.string().min(1).max(200).describe("Team that answers for it."),
        contact: z
          .string()
          .min(1)
          .max(200)
          .optional()
          .describe("Where to reach them.")
          .meta({ examples: ["#sales-ops"] }),
      })
      .optional()
      .describe("Who is told when it breaks."),
    domain: z.string().min(1).max(63).default("default").describe("Part of the business; drills can rotate over domains."),
    tier: z.enum(TIERS).default("standard").describe("How much it matters."),
    data: z
      .strictObject({
        classification: z
          .string()
          .min(1)
          .max(63)
          .optional()
          .describe("What kind of data it is, in your own word; shown in the catalogue.")
          .meta({ examples: ["personal"] }),
        retention: duration({ min: "1d", example: "35d" })
          .optional()
          .describe("Longest that the data may be kept at all; a backup older than this is a finding (governance.retention)."),
        erasure: z
          .strictObject({
            list: localPath()
              .describe("File with one erased subject a line: a date, and the subject or digest: and 64 hex digits.")
              .meta({ examples: ["./erased-subjects.txt"] }),
            fields: z
              .array(
                z.string().regex(/^[^/]+\/.+$/u, { error: "a field is written COLLECTION/FIELD; mend: write it so, such as People/Email" }),
              )
              .min(1)
              .describe("Fields that hold such subjects, as COLLECTION/FIELD.")
              .meta({ examples: [["People/Email"]] }),
            key: secretSchema
              .optional()
              .describe("Key of the digests, by reference: SHA-256 of KEY:subject in lower case; absent: of the subject alone."),
          })
          .optional()
          .describe("People who were erased and must not come back with a restore (governance.erasure)."),
      })
      .prefault({})
      .describe("What is promised about the data itself."),
    objectives,
    backups: backups(registries.formats.map((format) => format.id)).optional(),
    anomalies: z
      .strictObject({
        falseAlarmsPerYear: z
          .number()
          .min(0.1)
          .max(365)
          .default(2)
          .describe("How often unusual sizes, counts and durations may alarm for nothing, for the source over all of them."),
        suppress: z
          .array(
            z
              .strictObject({
                from: z.iso.datetime({ offset: true }).describe("Begin, ISO 8601."),
                to: z.iso.datetime({ offset: true }).describe("End, ISO 8601."),
                reason: z.string().min(1).max(200).describe("Why, for whoever reads this later."),
              })
              .refine(({ from, to }) => Date.parse(from) < Date.parse(to), { error: "it ends before it begins; mend: swap from and to" }),
          )
          .default([])
          .describe("Times of planned changes (a migration, a big load) in which nothing alarms as unusual.")
          .meta({ examples: [[{ from: "2026-12-01T00:00:00Z", to: "2026-12-03T00:00:00Z", reason: "migration" }]] }),
      })
      .prefault({})
      .describe("When a number is unusual enough to alarm."),
    poll: duration({ min: "1s", max: "7d" }).prefault("60s").describe("How often the vault is looked at."),
    verify,
  });
}

/** One strict object for each kind of vault, told apart by `type`. */
function vault(registries: ConfigRegistries) {
  const kinds = registries.vaults.map(({ type, summary, schema }) => {
    const what = `${type}: ${summary.replace(/\.$/u, "")}.`;
    return schema
      .safeExtend({ type: z.literal(type).describe(what) })
      .strict()
      .describe(what);
  });
  // safeExtend is typed by a shape that is only known at run time: every kind has `type`, and what else it has is its own affair.
  type Kind = z.ZodObject<{ type: z.ZodLiteral<string> }, z.core.$loose>;
  return z.discriminatedUnion("type", kinds as unknown as [Kind, ...Kind[]]);
}

/** @returns the schema of a whole configuration; what it gives out still holds unbound secrets and relative paths */
export function createConfigSchema(registries: ConfigRegistries) {
  return z
    .strictObject({
      state,
      evidence,
      telemetry,
      http,
      agent,
      vaults: z
        .record(id(), vault(registries))
        .refine((vaults) => Object.keys(vaults).length > 0, {
          error: "no vault is named; mend: add one, for example nightly: {type: dir, …}",
        })
        .describe("Where backups lie, by a name of your own. Read only."),
      sources: z.array(source(registries)).min(1).describe("What is protected: one entry for each base, workspace, app or instance."),
      relations,
      drills,
      anomalies,
    })
    .describe("Configuration of Restorewatch.");
}

export type ParsedConfig = z.output<ReturnType<typeof createConfigSchema>>;
export type ParsedSource = ParsedConfig["sources"][number];
