/** The schema of an export: a snapshot in YAML or JSON, and the lists of collections, fields and relations that template tools write. */
import { parseDocument } from "yaml";
import { z } from "zod";
import { AgentError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/ports.ts";
import { quoted, type TreeFile } from "../../kit/file-tree.ts";
import { ExactNumber, isObject, type JsonObject, objectOf, objectsIn } from "../../kit/json.ts";
import { withUnmanaged } from "../../products/directus/model.ts";
import { collectionSchema, fieldSchema, relationSchema, type Snapshot, snapshotSchema } from "../../products/directus/schema.ts";
import { jsonOf, readWhole } from "../reading.ts";
import type { SchemaPlace } from "./likeness.ts";

/** YAML is parsed in one piece, and its parser holds every word of it. */
const MAX_YAML_BYTES = 24 * 1024 * 1024;
/** Directus writes a part that comes twice once; no snapshot repeats one so often. */
const MAX_ALIASES = 10_000;

export interface ReadSchema {
  readonly snapshot: Snapshot;
  readonly version: string | null;
  readonly problems: readonly string[];
}

/**
 * @throws AgentError `damaged` where it is cut off, broken or no schema, `limit` beyond a bound, others as the system says
 */
export async function readSchema(files: ReadonlyMap<string, TreeFile>, place: SchemaPlace, context: FormatContext): Promise<ReadSchema> {
  const problems: string[] = [];
  const folder = place.kind === "lists" ? place.folder : `${place.name.split("/").slice(0, -1).join("/")}/`.replace(/^\/$/u, "");
  let snapshot: Snapshot = { version: 1, directus: null, collections: [], fields: [], relations: [] };
  if (place.kind === "snapshot") {
    const file = files.get(place.name);
    if (file === undefined) throw new AgentError("internal", "no-snapshot", "The snapshot that was found is not there.");
    const what = place.name === "" ? "The snapshot" : quoted(place.name);
    const bytes = await readWhole(file.place, what, context);
    snapshot = snapshotIn(bytes, what, context, problems);
  }
  const lists = place.kind === "lists" ? folder : folder.replace(/schema\/$/u, "");
  const list = async <T>(name: string, schema: z.ZodType<T>): Promise<readonly T[]> => {
    const path = `${lists}${name}.json`;
    const file = files.get(path);
    if (file === undefined || (place.kind === "snapshot" && lists === folder)) return [];
    const value = plain(jsonOf(await readWhole(file.place, quoted(path), context), quoted(path), context.limits.maxDepth));
    return checked(z.array(schema), isObject(value) ? value["data"] : value, quoted(path));
  };
  const [collections, fields, relations] = [
    await list("collections", collectionSchema),
    await list("fields", fieldSchema),
    await list("relations", relationSchema),
  ];
  return { snapshot: withUnmanaged(snapshot, collections, fields, relations), version: snapshot.directus, problems };
}

function snapshotIn(bytes: Uint8Array, what: string, context: FormatContext, problems: string[]): Snapshot {
  const isJson = /^(?:\ufeff)?\s*[{[]/u.test(new TextDecoder().decode(bytes.subarray(0, 256)));
  const value = isJson ? plain(jsonOf(bytes, what, context.limits.maxDepth)) : yamlOf(bytes, what);
  const inner = isObject(value) && isObject(value["data"]) && !("collections" in value) ? value["data"] : value;
  const snapshot = checked(snapshotSchema, inner, what);
  if (!isJson) problems.push(...cutYaml(bytes, inner, what));
  return snapshot;
}

/** @throws AgentError `damaged`, without the text that a parser would quote */
export function yamlOf(bytes: Uint8Array, what: string): unknown {
  if (bytes.length > MAX_YAML_BYTES)
    throw new AgentError(
      "limit",
      "too-large",
      `${what} is ${bytes.length} bytes, more than the ${MAX_YAML_BYTES} of YAML that are parsed at once.`,
    );
  if (bytes.includes(0)) throw new AgentError("damaged", "yaml-nul-bytes", `${what} holds NUL bytes.`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const document = parseDocument(text, { logLevel: "silent", uniqueKeys: true, prettyErrors: false, stringKeys: true });
    const [error] = document.errors;
    if (error?.code === "RESOURCE_EXHAUSTION") throw tooDeep(what);
    if (error !== undefined) {
      const line = text.slice(0, error.pos[0]).split("\n").length;
      throw new AgentError("damaged", "yaml-broken", `${what} is not valid YAML, first on line ${line}.`);
    }
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (thrown) {
    if (thrown instanceof AgentError) throw thrown;
    if (thrown instanceof RangeError) throw tooDeep(what);
    // So the parser says that a few lines would unfold into very many.
    if (thrown instanceof ReferenceError)
      throw new AgentError("limit", "too-dense", `${what} repeats its own parts more often than may be read.`);
    // Its message may quote the text.
    throw new AgentError("damaged", "yaml-broken", `${what} is not valid YAML in UTF-8.`);
  }
}

function tooDeep(what: string): AgentError {
  return new AgentError("limit", "too-deep", `${what} is nested more deeply than can be read.`);
}

/** YAML has no end of its own: cut off between two lines it is still YAML. Its last list and its last line say whether it is whole. */
function cutYaml(bytes: Uint8Array, value: unknown, what: string): readonly string[] {
  const relations = objectsIn(isObject(value) ? value["relations"] : null);
  const last = relations.at(-1);
  const others = relations.slice(0, -1);
  const lacks = (part: (relation: JsonObject) => unknown): boolean => {
    const own = last === undefined ? null : objectOf(part(last));
    return own !== null && keysOfAll(objectsIn(others.map(part))).some((key) => !(key in own));
  };
  if (bytes.at(-1) !== 0x0a) return [`${what} is cut off: it does not end with a line.`];
  const whole = !lacks((one) => one) && !lacks((one) => one["schema"]) && !lacks((one) => one["meta"]);
  return whole ? [] : [`${what} is cut off: its last relation is not whole.`];
}

function keysOfAll(items: readonly JsonObject[]): readonly string[] {
  const [first, ...rest] = items;
  return Object.keys(first ?? {}).filter((key) => rest.every((item) => key in item));
}

/** @throws AgentError `damaged` that names the first place that is not as Directus writes it, never what stands there */
function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const path = result.error.issues[0]?.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("") ?? "";
  const where = /^[.\w[\]]{1,120}$/u.test(path) ? ` at ${path.replace(/^\./u, "")}` : "";
  throw new AgentError("damaged", "directus-schema", `${what} is not a schema as Directus writes it${where}.`);
}

/** Numbers as every program reads them: what Directus' own documents count is never beyond a double. */
export function plain(value: unknown): unknown {
  if (value instanceof ExactNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}
