/**
 * What goes between the agent and a drill child. The job goes in as one line of JSON on stdin, which stays open: when it
 * closes, the agent is gone and the child ends. The child answers with NDJSON on file descriptor 3. Everything the child says is validated here: a child that talks nonsense has failed, never the agent.
 */
import { z } from "zod";
import type { ArtifactFile, Expectation, SampleRequest } from "../core/ports.ts";
import type { DrillLimits } from "../core/policy.ts";
import { CHECK_STATUSES, ITEM_KINDS, type Layer, LAYERS, PHASES } from "../core/words.ts";
import { DIFFERENCE_KINDS } from "../core/baseline.ts";
import { ASPECTS, SEMANTIC_TYPES } from "../core/content.ts";
import { MAX_DIFFERENCES, MAX_SHORT, MAX_TEXT } from "./bounds.ts";

/** A sample of the artifact that the agent will restore into a scratch workspace; the child writes it into its directory. */
export interface RestoreRequest {
  /** Records drawn, before what they point to comes with them; and records in all. */
  readonly drawn: number;
  readonly most: number;
  /** Bytes of attachments in all. */
  readonly maxFileBytes: number;
  /** Hex. */
  readonly seed: string;
  /** By what was read so far; absent: as the seed alone says. */
  readonly sampling?: SamplingRequest;
}

export interface SamplingRequest {
  /** Secret of the source, hex. */
  readonly seed: string;
  readonly layer: Layer;
  readonly ledger: string;
  /** What was created by then is in the artifact, ms since the epoch. */
  readonly point: number;
  readonly now: number;
}

/** What was drawn, beside what it holds. */
export const SAMPLED_FILE = "sampled.json";

export const RESTORE_SET_FILE = "restore-set.ndjson";

export interface DrillJob {
  readonly drillId: string;
  /** Absolute path of the artifact, readable by the child. */
  readonly artifactPath: string;
  /** As shown to people: path within the vault, or the argument of `verify`. */
  readonly artifactName: string;
  /** The child's own directory: it may write here and nowhere else. */
  readonly workDir: string;
  /** A format id, or `auto`. */
  readonly format: string;
  readonly key: string | null;
  readonly expectation: Expectation;
  readonly sample: SampleRequest;
  readonly limits: DrillLimits;
  /** Hex key of the digests natural keys are shown as; null: keys are shown as they are (`--show-keys`). */
  readonly digestKey: string | null;
  readonly restore?: RestoreRequest;
  /** Files of the artifact that were left in the vault. */
  readonly unread?: readonly ArtifactFile[];
  /** It is only a baseline: its records are laid down as tables in the child's directory, and no check is asked. */
  readonly keepTables?: true;
}

export { MAX_LINE_BYTES } from "./bounds.ts";

const attributes = z.record(z.string().max(100), z.union([z.string().max(MAX_TEXT), z.number(), z.boolean()]));
const count = z.number().int().nonnegative();
const text = z.string().max(MAX_TEXT);
const short = z.string().max(MAX_SHORT);

export const checkResultSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z]+\.[a-z-]+$/)
    .max(60),
  layer: z.enum(LAYERS),
  status: z.enum(CHECK_STATUSES),
  observed: text,
  expected: text.nullable(),
  count,
  examples: z.array(z.strictObject({ collection: short, item: short, field: short.optional(), note: short.optional() })).max(20),
  durationMs: z.number().nonnegative(),
  differences: z
    .array(
      z.strictObject({
        kind: z.enum(DIFFERENCE_KINDS),
        weight: z.enum(["loss", "change"]),
        collection: short.nullable(),
        what: short,
        count,
        note: text,
      }),
    )
    .max(MAX_DIFFERENCES)
    .optional(),
});

const inventorySchema = z.strictObject(
  Object.fromEntries(ITEM_KINDS.map((kind) => [kind, count])) as Record<(typeof ITEM_KINDS)[number], typeof count>,
);

const factsSchema = z.strictObject({
  format: short,
  formatVersion: short.nullable(),
  inventory: inventorySchema,
  collections: z
    .array(
      z.strictObject({
        id: short,
        name: short,
        records: count,
        fields: z
          .array(
            z.strictObject({
              id: short,
              name: short,
              type: z.enum(SEMANTIC_TYPES),
              computed: z.boolean(),
              platformType: short.optional(),
              required: z.boolean().optional(),
              unique: z.boolean().optional(),
              options: short.nullable().optional(),
              link: short.nullable().optional(),
              formula: short.nullable().optional(),
            }),
          )
          .max(5000),
        editedAt: z.number().nullable().optional(),
      }),
    )
    .max(10_000),
  automations: z.array(z.strictObject({ id: short, name: short, active: z.boolean(), digest: short })).max(100_000),
  credentials: z.array(short).max(100_000),
  views: z.array(z.strictObject({ id: short, name: short })).max(100_000),
  access: z.array(z.strictObject({ kind: short, id: short, digest: short })).max(100_000),
  links: z
    .array(z.strictObject({ collection: short, field: short, pairs: count, sources: count, targets: count, digest: z.string().max(100) }))
    .max(100_000)
    .optional(),
  templates: z
    .array(z.strictObject({ id: short, name: short, digest: short }))
    .max(100_000)
    .optional(),
  settings: z
    .array(z.strictObject({ id: short, digest: short }))
    .max(100_000)
    .optional(),
  keys: z
    .array(
      z.strictObject({
        relation: short,
        side: z.enum(["from", "to"]),
        made: z.string().max(64),
        keys: count,
        level: z.number().int().min(0).max(63),
        digests: z
          .string()
          .max(100_000)
          .regex(/^[A-Za-z0-9+/]*={0,2}$/u),
      }),
    )
    .max(40)
    .optional(),
  fidelity: z
    .array(z.strictObject({ aspect: z.enum(ASPECTS), reason: short }))
    .max(100)
    .optional(),
});

/** One line from the child. Times are milliseconds since the epoch with fractions. */
export const childMessageSchema = z.discriminatedUnion("t", [
  /** First of all: whether Node's permission model is really on in the child. */
  z.strictObject({ t: z.literal("hello"), permissions: z.boolean() }),
  /** The sandbox was provisioned, and is locked to its own directory. */
  z.strictObject({ t: z.literal("sandbox"), locked: z.boolean() }),
  z.strictObject({
    t: z.literal("span-start"),
    id: count,
    parent: count.nullable(),
    name: short,
    kind: z.enum(["internal", "client"]),
    at: z.number(),
    attributes,
  }),
  z.strictObject({
    t: z.literal("span-end"),
    id: count,
    at: z.number(),
    attributes,
    error: z.strictObject({ type: short, message: text }).nullable(),
  }),
  z.strictObject({ t: z.literal("phase"), phase: z.enum(PHASES), ms: z.number().nonnegative() }),
  z.strictObject({ t: z.literal("progress"), phase: z.enum(PHASES), done: count, of: count.nullable() }),
  z.strictObject({
    t: z.literal("opened"),
    recognised: z.strictObject({ format: short, formatVersion: short.nullable() }).nullable(),
    createdAt: z.number().nullable(),
    artifact: z.strictObject({
      path: text,
      kind: z.enum(["file", "directory"]),
      bytes: count,
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .nullable(),
      files: count,
      unread: z.strictObject({ files: count, bytes: count }).optional(),
    }),
  }),
  z.strictObject({ t: z.literal("check"), result: checkResultSchema }),
  z.strictObject({
    t: z.literal("facts"),
    facts: factsSchema,
    sample: z.strictObject({
      population: count,
      checked: count,
      strategy: z.enum(["all", "random"]),
      seedCommitment: z.string().max(64).nullable(),
    }),
  }),
  /** The records of a baseline lie in the child's directory, whole. */
  z.strictObject({
    t: z.literal("tables"),
    tables: z
      .array(
        z.strictObject({
          collection: short,
          file: text,
          columns: z.array(z.strictObject({ field: short, column: short, list: z.boolean() })).max(5000),
        }),
      )
      .max(10_000),
    files: text.nullable(),
  }),
  /** The sample to restore lies in the child's directory, whole. */
  z.strictObject({ t: z.literal("restore-set"), records: count, files: count, cut: count }),
  z.strictObject({
    t: z.literal("done"),
    trouble: z.strictObject({ code: z.string().max(80), message: text }).nullable(),
    resources: z.strictObject({ cpuMs: z.number().nonnegative(), peakRssBytes: count, readBytes: count, diskBytes: count }),
  }),
]);

export type ChildMessage = z.infer<typeof childMessageSchema>;
