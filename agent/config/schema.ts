/**
 * The whole configuration as one strict Zod schema: defaults and a description on every field.
 * Rules that look at more than one field are in rules.ts.
 */
import { z } from "zod";
import { DIFFERENCE_KINDS } from "../core/baseline.ts";
import type { FormatDefinition, VaultDefinition } from "../core/definitions.ts";
import { AUTH_ROLES } from "../core/policy.ts";
import { LAYERS, TIERS } from "../core/words.ts";
import { secretSchema } from "../kit/secret.ts";
import { cron, timezone } from "./calendar.ts";
import { captureSchema, checkConnection, type ConnectorSchemas, platformSchema, sampleSchema, scratchSchema } from "./connections.ts";
import { duration, httpUrl, id, listenAddress, localPath, size, vaultPath } from "./fields.ts";

/** What may be named in a configuration. */
export interface ConfigRegistries {
  readonly vaults: readonly Pick<VaultDefinition, "type" | "summary" | "schema">[];
  readonly formats: readonly Pick<FormatDefinition, "id" | "summary">[];
  readonly platforms: readonly string[];
  /** Platforms that can be called; the others are labels. */
  readonly connectors?: ConnectorSchemas;
}

const state = z
  .strictObject({
    sqlite: localPath().default("./restorewatch.db").describe("SQLite file of the agent's state; it can be rebuilt from the evidence."),
  })
  .prefault({})
  .describe("Where the agent remembers what it has seen.");

const evidence = z
  .strictObject({
    directory: localPath().default("./evidence").describe("Folder of the append-only, hash-chained evidence log. Back it up."),
  })
  .prefault({})
  .describe("Where the proof is kept of what was tested, when, and with what result.");

const telemetry = z
  .strictObject({
    otlp: z
      .strictObject({
        endpoint: httpUrl("http://127.0.0.1:4318").describe("Address of an OTLP/HTTP receiver, without /v1/…."),
        headers: z
          .record(
            z.string().regex(/^[A-Za-z0-9-]+$/u, { error: "a header name is letters, digits and -; mend: write it so" }),
            secretSchema,
          )
          .default({})
          .describe("Headers sent with every export, such as an authorization; values are secrets by reference."),
      })
      .optional()
      .describe(
        "Where metrics, traces and logs are sent; absent: to OTEL_EXPORTER_OTLP_ENDPOINT if the environment has it, else metrics on /metrics only.",
      ),
    service: z
      .strictObject({
        environment: z.string().min(1).max(63).default("production").describe("deployment.environment.name of everything sent."),
        name: z.string().min(1).max(63).default("restorewatch").describe("service.name of everything sent."),
      })
      .prefault({})
      .describe("How this agent is called in telemetry."),
  })
  .prefault({})
  .describe("What is told to the outside.");

const http = z
  .strictObject({
    listen: listenAddress()
      .prefault("127.0.0.1:9464")
      .describe("Address of the pages, the API and /metrics, as HOST:PORT. Whoever reaches it can read."),
    runs: z
      .strictObject({ token: secretSchema.describe("Bearer token that allows POST /api/v1/runs, by reference.") })
      .optional()
      .describe("Lets backup jobs report their runs over HTTP; absent: they cannot."),
    auth: z
      .strictObject({
        reading: z
          .enum(["open", "signed-in"])
          .default("open")
          .describe("open: whoever reaches the address reads; signed-in: pages, API and /metrics need a token or the proxy's word."),
        tokens: z
          .array(
            z.strictObject({
              name: z
                .string()
                .min(1)
                .max(100)
                .describe("Whose it is; in evidence only as an opaque id.")
                .meta({ examples: ["ada"] }),
              role: z.enum(AUTH_ROLES).default("viewer").describe("operator: may approve, reject and mark; viewer: may only read."),
              sha256: z
                .string()
                .regex(/^[0-9a-f]{64}$/iu, { error: "a hash is 64 hex digits; mend: write what this prints: printf %s TOKEN | sha256sum" })
                .describe("SHA-256 of the token, hex: printf %s TOKEN | sha256sum."),
            }),
          )
          .default([])
          .describe("Tokens by their hashes; make them long and random, such as: openssl rand -hex 32.")
          .meta({ examples: [[{ name: "ada", role: "operator", sha256: "0".repeat(64) }]] }),
        proxy: z
          .strictObject({
            header: z
              .string()
              .regex(/^[A-Za-z0-9-]+$/u, { error: "a header name is letters, digits and -; mend: write it so" })
              .describe("Header in which the proxy names who is signed in; it must take it away from what comes in.")
              .meta({ examples: ["x-forwarded-user"] }),
            operators: z
              .array(z.string().min(1).max(150))
              .default([])
              .describe("Names that may approve, reject and mark; others may only read.")
              .meta({ examples: [["ada"]] }),
            from: z.array(z.string().min(1).max(60)).min(1).default(["127.0.0.1", "::1"]).describe("Addresses the proxy connects from."),
          })
          .optional()
          .describe("A proxy that signs people in and is believed."),
      })
      .optional()
      .describe("Who may decide over HTTP: approve baselines, mark alarms as expected; absent: only the command line on this machine."),
  })
  .prefault({})
  .describe("The agent's own web server; read-only but for run reports and decisions of those in auth.");

const agent = z
  .strictObject({
    pollConcurrency: z.int().min(1).max(64).default(4).describe("How many sources are polled at the same time."),
    drillConcurrency: z.int().min(1).max(16).default(1).describe("How many drills run at the same time, each within its own limits."),
    retention: duration({ min: "1d" }).prefault("400d").describe("How long observations and verdicts stay in the state."),
    workDirectory: localPath()
      .default("./restorewatch-work")
      .describe("Folder for sandboxes and copies of artifacts; belongs to the agent alone, leftovers in it are removed at start."),
  })
  .prefault({})
  .describe("The agent itself.");

const objectives = z
  .strictObject({
    rpo: duration({ min: "1m", example: "24h" }).optional().describe("Recovery point objective: how old the newest backup may ever be."),
    rto: duration({ min: "1s", example: "1h" }).optional().describe("Recovery time objective: how long a restore may take."),
    verify: duration({ min: "1m" }).prefault("7d").describe("How long ago the last successful verification may be."),
  })
  .prefault({})
  .describe("What was promised for this source; exported as gauges, judged by alerts.");

const limits = z
  .strictObject({
    memory: size("64MB").prefault("256MB").describe("Database memory of one drill; the process may use about 220 MB more."),
    disk: size("64MB").prefault("4GB").describe("Disk one drill may use for spilling."),
    threads: z.int().min(1).max(64).default(2).describe("Threads of one drill."),
    time: duration({ min: "1s", max: "24h" })
      .prefault("10m")
      .describe("How long one drill may take; a later one is ended and inconclusive."),
    maxBytes: size("1KB").prefault("20GB").describe("Largest artifact, unpacked size included."),
    maxEntries: z.int().min(1).max(10_000_000).default(100_000).describe("Most files within one artifact."),
    maxRatio: z.int().min(1).max(100_000).default(200).describe("Greatest ratio of unpacked to packed bytes."),
    maxDepth: z.int().min(1).max(10_000).default(200).describe("Deepest nesting of folders and of JSON."),
  })
  .prefault({})
  .describe("Bounds of one drill's child process.");

const verify = z
  .strictObject({
    layers: z
      .array(z.enum(LAYERS))
      .min(1)
      .default(["artifact", "content"])
      .describe(
        "How deep: artifact (the bytes are whole), content (it loads and holds together), scratch (the platform takes it back), live (it holds what production holds).",
      ),
    sample: sampleSchema,
    coverWithin: duration({ min: "1h" })
      .prefault("30d")
      .describe(
        "Every record is to be restored or compared at least this often, where layers look at a sample; restorewatch plan says what it takes.",
      ),
    keepDifferences: duration({ max: "90d" })
      .prefault("7d")
      .describe(
        "How long the values in which a backup and production differed lie beside the state, for restorewatch diff and the local page; 0s: never.",
      ),
    repeat: duration({ min: "1m", example: "7d" })
      .optional()
      .describe(
        "The newest backup is verified again after this long even when nothing new came; absent: 7d, or objectives.verify if shorter.",
      ),
    history: z.int().min(0).max(10_000).default(2).describe("How many older backups are verified besides the newest, each once."),
    critical: z
      .array(
        z.string().regex(/^[^/]+\/.+$/u, { error: "a critical record is written COLLECTION/KEY; mend: write it so, such as Deals/1042" }),
      )
      .default([])
      .describe("Records that every drill looks for, as COLLECTION/KEY.")
      .meta({ examples: [["Deals/1042"]] }),
    baseline: z
      .strictObject({
        review: z
          .boolean()
          .default(true)
          .describe(
            "Whether the first verified backup proposes itself as baseline, and later ones where they differ from the approved one.",
          ),
        accept: z
          .array(z.enum(DIFFERENCE_KINDS))
          .default([])
          .describe("Kinds of difference that are accepted without a person; all others wait for one.")
          .meta({ examples: [["field-added", "view-added"]] }),
        removed: z
          .number()
          .min(0)
          .max(100)
          .default(5)
          .describe("Percent of a collection's records that may be gone against the baseline before it is a loss."),
      })
      .prefault({})
      .describe("What this source's backups are compared with once a person has approved it."),
    limits,
  })
  .prefault({})
  .describe("How this source's backups are verified.");

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

function calendar(schedule: string, summary: string) {
  return z
    .strictObject({
      schedule: cron().default(schedule).describe("Cron expression of five fields: minute, hour, day of month, month, day of week."),
      timezone: timezone().default("UTC").describe("IANA time zone the schedule is meant in."),
      rotate: z.enum(["all", "domain"]).default("all").describe("all: every source at each date; domain: the one longest untested."),
    })
    .optional()
    .describe(summary);
}

function relationEnd(what: string, example: string) {
  return z
    .string()
    .regex(/^[^/]+\/[^/]+(\/.+)?$/u, { error: "it is written SOURCE/COLLECTION/FIELD; mend: write it so, such as crm/Deals/Customer" })
    .describe(`${what}, as SOURCE/COLLECTION/FIELD; without FIELD: the record's key.`)
    .meta({ examples: [example] });
}

const relations = z
  .array(
    z.strictObject({
      name: z
        .string()
        .min(1)
        .max(63)
        .describe("What it is called in results.")
        .meta({ examples: ["deals of customers"] }),
      from: relationEnd("Where the keys are used", "crm/Deals/Customer"),
      to: relationEnd("Where the keys are", "crm/Customers/Id"),
      tolerance: duration({ min: "0s", max: "1d" })
        .prefault("10m")
        .describe("By how much clocks and the beginnings of the two backups may be off."),
      apart: duration({ min: "1h", max: "365d" })
        .prefault("7d")
        .describe("Two backups that began further apart say nothing of one another: the check is then in doubt."),
    }),
  )
  .max(20)
  .default([])
  .describe("Keys of one source that records of another point to, verified between their restored backups (links.cross-source).");

const drills = z
  .strictObject({
    smoke: calendar("0 6 1 * *", "Monthly drill; absent: none beyond the rolling ones."),
    deep: calendar("0 6 1 1,4,7,10 *", "Quarterly drill; absent: none."),
  })
  .prefault({})
  .describe("Drills by the calendar, besides those for every new backup.");

const anomalies = z
  .strictObject({
    toldPerDay: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(10)
      .describe("Of all sources together: unusual numbers beyond so many a day are counted in one alarm; hard rules are told always."),
  })
  .prefault({})
  .describe("Unusual numbers of the whole fleet.");

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
