/** The configuration's parts that are the agent's own: where it keeps, tells and listens, and what holds for all sources together. */
import { z } from "zod";
import { AUTH_ROLES } from "../core/policy.ts";
import { secretSchema } from "../kit/secret.ts";
import { cron, timezone } from "./calendar.ts";
import { duration, httpUrl, listenAddress, localPath } from "./fields.ts";

export const state = z
  .strictObject({
    sqlite: localPath().default("./restorewatch.db").describe("SQLite file of the agent's state; it can be rebuilt from the evidence."),
  })
  .prefault({})
  .describe("Where the agent remembers what it has seen.");

export const evidence = z
  .strictObject({
    directory: localPath().default("./evidence").describe("Folder of the append-only, hash-chained evidence log. Back it up."),
  })
  .prefault({})
  .describe("Where the proof is kept of what was tested, when, and with what result.");

export const telemetry = z
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

export const http = z
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

export const agent = z
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

export const relations = z
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

export const drills = z
  .strictObject({
    smoke: calendar("0 6 1 * *", "Monthly drill; absent: none beyond the rolling ones."),
    deep: calendar("0 6 1 1,4,7,10 *", "Quarterly drill; absent: none."),
  })
  .prefault({})
  .describe("Drills by the calendar, besides those for every new backup.");

export const anomalies = z
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
