/** A sample to restore, as lines of JSON between the child, which reads artifacts, and the agent, which talks to products. */
import { z } from "zod";
import { ASPECTS, type ContentRecord, SEMANTIC_TYPES } from "./content.ts";
import { AgentError } from "./errors.ts";
import type { Described, Json, RestoreSet } from "./platform-ports.ts";

const text = z.string();
const value = z.union([z.string(), z.array(z.string()), z.null()]);
const moment = z.number().nullable();

const field = z.object({
  id: text,
  name: text,
  platformType: text,
  type: z.enum(SEMANTIC_TYPES),
  computed: z.boolean(),
  required: z.boolean(),
  unique: z.boolean(),
  options: z.array(text).nullable(),
  link: z.object({ collection: text, many: z.boolean(), reciprocal: text.nullable() }).nullable(),
  maxLength: z.number().nullable(),
  lenient: z.boolean().optional(),
});
const collection = z.object({
  id: text,
  name: text,
  fields: z.array(field),
  keyKind: z.enum(["platform", "natural"]),
  declaredRecords: z.number().nullable(),
  computed: z.boolean(),
  nextKey: text.nullable(),
});
const reference = z.object({
  kind: z.enum(["automation", "credential", "collection", "webhook", "sub-flow", "node", "module"]),
  target: text,
  resolved: z.boolean(),
});
const described = z.object({
  collections: z.array(collection),
  automations: z.array(
    z.object({ id: text, name: text, active: z.boolean(), trigger: text.nullable(), references: z.array(reference), bodyDigest: text }),
  ),
  credentials: z.array(
    z.object({ id: text, type: text, state: z.enum(["decryptable", "undecryptable", "not-included", "key-missing", "plain"]) }),
  ),
  files: z.array(
    z.object({
      id: text,
      name: text,
      bytes: z.number().nullable(),
      declaredType: text.nullable(),
      declaredDigest: z.object({ algorithm: z.enum(["sha1", "sha256", "md5"]), value: text }).nullable(),
      presence: z.enum(["inside", "outside", "missing", "unread"]),
    }),
  ),
  access: z.array(
    z.object({ kind: z.enum(["role", "permission", "membership", "share"]), id: text, digest: text, broken: text.nullable() }),
  ),
  settings: z.array(z.object({ id: text, digest: text })),
  views: z.array(z.object({ id: text, name: text, type: text, collection: text.nullable(), broken: text.nullable() })),
  aspects: z.record(
    z.enum(ASPECTS),
    z.union([z.object({ included: z.literal(true) }), z.object({ included: z.literal(false), reason: text })]),
  ),
});

const line = z.discriminatedUnion("t", [
  z.object({ t: z.literal("described"), described }),
  z.object({ t: z.literal("original"), name: z.string().regex(/^[A-Za-z0-9_.-]{1,200}$/u), document: z.json() }),
  z.object({ t: z.literal("record"), collection: text, key: text, values: z.array(value), createdAt: moment, updatedAt: moment }),
  z.object({ t: z.literal("file"), id: text, base64: z.base64() }),
  z.object({ t: z.literal("keys"), collection: text, keys: z.array(text) }),
  z.object({ t: z.literal("end"), cut: z.array(text) }),
]);
export type RestoreSetLine = z.input<typeof line>;

/** Lines in the order they are to be written; the last one says that nothing is missing. */
export function* restoreSetLines(set: RestoreSet): Iterable<string> {
  const of = (one: unknown): string => `${JSON.stringify(one)}\n`;
  const { collections, automations, credentials, files, access, settings, views, aspects } = set;
  yield of({ t: "described", described: { collections, automations, credentials, files, access, settings, views, aspects } });
  for (const [name, document] of Object.entries(set.originals)) yield of({ t: "original", name, document });
  for (const [id, records] of set.records)
    for (const { key, values, createdAt, updatedAt } of records)
      yield of({ t: "record", collection: id, key, values, createdAt, updatedAt });
  for (const [id, bytes] of set.fileBytes) yield of({ t: "file", id, base64: Buffer.from(bytes).toString("base64") });
  for (const [collectionId, keys] of set.keys ?? []) yield of({ t: "keys", collection: collectionId, keys: [...keys] });
  yield of({ t: "end", cut: [...set.cut] });
}

/**
 * @param lines what an untrusted child wrote
 * @throws AgentError `internal` code `restore-set` where it is not whole or not what it should be
 */
export async function parseRestoreSet(lines: AsyncIterable<string>): Promise<RestoreSet> {
  let about: Described | null = null;
  const originals: Record<string, Json> = {};
  const records = new Map<string, ContentRecord[]>();
  const fileBytes = new Map<string, Uint8Array>();
  const allKeys = new Map<string, ReadonlySet<string>>();
  let cut: ReadonlySet<string> | null = null;
  for await (const each of lines) {
    if (each === "") continue;
    const parsed = line.safeParse(parseJson(each));
    if (!parsed.success || cut !== null) throw unusable();
    const one = parsed.data;
    if (one.t === "described") about = one.described as Described;
    else if (one.t === "original") originals[one.name] = one.document;
    else if (one.t === "file") fileBytes.set(one.id, Buffer.from(one.base64, "base64"));
    else if (one.t === "keys") allKeys.set(one.collection, new Set(one.keys));
    else if (one.t === "end") cut = new Set(one.cut);
    else {
      const { key, values, createdAt, updatedAt } = one;
      const list = records.get(one.collection) ?? [];
      list.push({ key, values, createdAt, updatedAt });
      records.set(one.collection, list);
    }
  }
  if (about === null || cut === null) throw unusable();
  for (const [id, list] of records) {
    const shape = about.collections.find((each) => each.id === id);
    if (shape === undefined || list.some((each) => each.values.length !== shape.fields.length)) throw unusable();
  }
  return { ...about, originals, records, fileBytes, cut, keys: allKeys };
}

function parseJson(text_: string): unknown {
  try {
    return JSON.parse(text_);
  } catch {
    return null;
  }
}

function unusable(): AgentError {
  return new AgentError("internal", "restore-set", "The sample to restore could not be read back from the drill's directory.");
}
