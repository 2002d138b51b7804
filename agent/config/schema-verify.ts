/** The configuration's part of one source that says what was promised and how it is verified. */
import { z } from "zod";
import { DIFFERENCE_KINDS } from "../core/baseline.ts";
import { LAYERS } from "../core/words.ts";
import { sampleSchema } from "./connections.ts";
import { duration, size } from "./fields.ts";

export const objectives = z
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

export const verify = z
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
