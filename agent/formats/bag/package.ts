/** The Frictionless Data Package inside the bag: its tables, their fields, keys and links. */
import {
  ASPECTS,
  type Aspect,
  type AspectState,
  type Collection,
  type Field,
  LIST_TYPES,
  SEMANTIC_TYPES,
  type SemanticType,
} from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import { type JsonObject, objectOf, objectsIn, textOf, textsIn } from "../../kit/json.ts";
import { countOf, timeOf } from "./plain.ts";
import { CREATED, KEY, type RowShape, UPDATED } from "./rows.ts";

export const PACKAGE = "data/datapackage.json";
/** Where our own words stand in a package, a resource and a field. */
const OURS = "restorewatch";

export interface BagTable {
  readonly collection: Collection;
  /** Paths of the parts, relative to the bag, in order. */
  readonly parts: readonly string[];
  readonly shape: RowShape;
  /** Whether the schema says that rows hold when they were made or changed. */
  readonly timed: boolean;
}

export interface BagPackage {
  readonly layout: string | null;
  /** When the capture began: what the data is at least as new as. */
  readonly startedAt: number | null;
  readonly tables: readonly BagTable[];
  /** What the capture itself says it holds or cannot hold. */
  readonly aspects: Readonly<Partial<Record<Aspect, AspectState>>>;
  readonly problems: readonly string[];
}

/** @throws AgentError `damaged` where it is no data package, `unsupported` where its tables lie in another way than this format's */
export function readPackage(value: unknown): BagPackage {
  const root = objectOf(value);
  if (root === null || !Array.isArray(root["resources"]))
    throw new AgentError("damaged", "bag-package", `${PACKAGE} is no data package: it has no list of resources.`);
  const ours = objectOf(root[OURS]) ?? {};
  const layout = textOf(ours["layout"]);
  if (layout !== null && layout !== "1") throw new AgentError("unsupported", "bag-layout", "The bag's layout is newer than this reader.");
  const problems: string[] = [];
  const resources = objectsIn(root["resources"]);
  if (resources.length < root["resources"].length) problems.push("A resource of the data package is no object.");
  const drafts = draftTables(resources, problems);
  return {
    layout,
    startedAt: timeOf(ours["startedAt"]) ?? timeOf(root["created"]),
    tables: drafts.map((draft) => finishTable(draft, drafts, problems)),
    aspects: aspectsOf(ours["aspects"]),
    problems,
  };
}

interface Draft {
  readonly id: string;
  readonly name: string;
  readonly resource: JsonObject;
  readonly schema: JsonObject;
  readonly fields: readonly { readonly name: string; readonly id: string; readonly field: JsonObject }[];
  readonly key: string;
}

function draftTables(resources: readonly JsonObject[], problems: string[]): Draft[] {
  const drafts: Draft[] = [];
  const ids = new Set<string>();
  for (const [index, resource] of resources.entries()) {
    const name = textOf(resource["name"]);
    const id = textOf(objectOf(resource[OURS])?.["id"]) ?? name;
    if (id === null || name === null) problems.push(`Resource ${index + 1} of the data package has no name.`);
    else if (ids.has(id)) problems.push(`The data package lists table ${id} twice.`);
    else {
      ids.add(id);
      drafts.push(draftTable(id, name, resource, problems));
    }
  }
  return drafts;
}

function draftTable(id: string, name: string, resource: JsonObject, problems: string[]): Draft {
  const format = textOf(resource["format"]);
  if (format !== null && format !== "ndjson" && format !== "jsonl")
    throw new AgentError("unsupported", "bag-resource", "A table of the data package is not kept as NDJSON.");
  const schema = objectOf(resource["schema"]) ?? {};
  if (!Array.isArray(schema["fields"])) problems.push(`Table ${id} has no fields in the data package.`);
  const seen = new Set<string>();
  const names = new Set<string>();
  const fields = objectsIn(schema["fields"]).flatMap((field) => {
    const own = textOf(field["name"]);
    if (own === KEY || own === CREATED || own === UPDATED) return [];
    const fieldId = textOf(objectOf(field[OURS])?.["id"]) ?? own;
    if (own === null || fieldId === null || seen.has(fieldId) || names.has(own)) {
      problems.push(`Table ${id} has a field without a name, or one that is listed twice.`);
      return [];
    }
    seen.add(fieldId);
    names.add(own);
    return [{ name: own, id: fieldId, field }];
  });
  return { id, name, resource, schema, fields, key: keyOf(schema["primaryKey"], names) };
}

function keyOf(declared: unknown, names: ReadonlySet<string>): string {
  const keys = typeof declared === "string" ? [declared] : textsIn(declared);
  const [only] = keys;
  if (only === undefined) return KEY;
  if (keys.length > 1) throw new AgentError("unsupported", "bag-key", "A table of the data package has a key of several fields.");
  if (only !== KEY && !names.has(only)) throw new AgentError("damaged", "bag-key", "The key of a table is no field of it.");
  return only;
}

function finishTable(draft: Draft, all: readonly Draft[], problems: string[]): BagTable {
  const ours = objectOf(draft.resource[OURS]) ?? {};
  const foreign = foreignKeys(draft, all);
  const fields = draft.fields.map((each) => readField(draft, each, foreign.get(each.name) ?? null, all, problems));
  const listed = new Set(objectsIn(draft.schema["fields"]).map((field) => field["name"]));
  return {
    collection: {
      id: draft.id,
      name: textOf(draft.resource["title"]) ?? draft.name,
      fields,
      keyKind: ours["keyKind"] === "natural" || (ours["keyKind"] !== "platform" && draft.key !== KEY) ? "natural" : "platform",
      declaredRecords: countOf(ours["records"]),
      computed: ours["computed"] === true,
      nextKey: textOf(ours["nextKey"]),
    },
    parts: partsOf(draft, problems),
    shape: { key: draft.key, sources: fields.map((field, index) => ({ name: draft.fields[index]?.name ?? field.id, field })) },
    timed: listed.has(CREATED) || listed.has(UPDATED),
  };
}

/** Paths are relative to the data package; one that leads elsewhere is not taken up. */
function partsOf(draft: Draft, problems: string[]): readonly string[] {
  const { path } = draft.resource;
  const paths = typeof path === "string" ? [path] : textsIn(path);
  if (!Array.isArray(path) && typeof path !== "string") problems.push(`Table ${draft.id} has no path in the data package.`);
  const inside = paths.filter(
    (each) => !/^[/~]|\\|\0|^[a-z][a-z0-9+.-]*:/iu.test(each) && !each.split("/").some((part) => /^\.{0,2}$/u.test(part)),
  );
  if (inside.length < paths.length) problems.push(`Table ${draft.id} names a part that lies outside the bag.`);
  if (new Set(inside).size < inside.length) problems.push(`Table ${draft.id} names a part twice.`);
  return [...new Set(inside)].map((each) => `data/${each}`);
}

interface Target {
  readonly table: Draft;
}

/** Only a reference to the target's own key is a link; field name → target. */
function foreignKeys(draft: Draft, all: readonly Draft[]): ReadonlyMap<string, Target> {
  const found = new Map<string, Target>();
  for (const foreign of objectsIn(draft.schema["foreignKeys"])) {
    const fields = typeof foreign["fields"] === "string" ? [foreign["fields"]] : textsIn(foreign["fields"]);
    const reference = objectOf(foreign["reference"]) ?? {};
    const targets = typeof reference["fields"] === "string" ? [reference["fields"]] : textsIn(reference["fields"]);
    const name = reference["resource"] === "" || reference["resource"] === undefined ? draft.name : reference["resource"];
    const table = all.find((other) => other.name === name);
    const [own] = fields;
    if (table !== undefined && own !== undefined && fields.length === 1 && targets.length === 1 && targets[0] === table.key)
      found.set(own, { table });
  }
  return found;
}

function readField(
  draft: Draft,
  { id, name, field }: Draft["fields"][number],
  foreign: Target | null,
  all: readonly Draft[],
  problems: string[],
): Field {
  const ours = objectOf(field[OURS]) ?? {};
  const constraints = objectOf(field["constraints"]) ?? {};
  const linked = objectOf(ours["link"]);
  const target = linked === null ? (foreign?.table ?? null) : (all.find((other) => other.id === linked["collection"]) ?? null);
  if (linked !== null && target === null) problems.push(`Field ${id} of table ${draft.id} links to a table that is not in the bag.`);
  const declared = semanticType(ours["type"]) ?? frictionlessType(field, foreign !== null);
  const isLink = declared === "link" || declared === "links";
  const type = !isLink || target !== null ? declared : declared === "link" ? "text" : "choices";
  const reciprocal = textOf(linked?.["reciprocal"]);
  if (reciprocal !== null && target !== null && !target.fields.some((other) => other.id === reciprocal))
    problems.push(`Field ${id} of table ${draft.id} names another side of its link that is not in the bag.`);
  return {
    id,
    name: textOf(field["title"]) ?? name,
    platformType: textOf(ours["platformType"]) ?? textOf(field["type"]) ?? type,
    type,
    computed: ours["computed"] === true,
    required: constraints["required"] === true,
    unique: constraints["unique"] === true || name === draft.key,
    options: Array.isArray(constraints["enum"])
      ? constraints["enum"].map(String)
      : Array.isArray(ours["options"])
        ? textsIn(ours["options"])
        : null,
    link:
      isLink && target !== null
        ? {
            collection: target.id,
            many: typeof linked?.["many"] === "boolean" ? linked["many"] : LIST_TYPES.has(type),
            reciprocal: target.fields.some((other) => other.id === reciprocal) ? reciprocal : null,
          }
        : null,
    maxLength: countOf(constraints["maxLength"]),
    ...(typeof ours["formula"] === "string" ? { formula: ours["formula"] } : {}),
    ...(ours["lenient"] === true ? { lenient: true } : {}),
  };
}

function semanticType(value: unknown): SemanticType | null {
  return SEMANTIC_TYPES.find((type) => type === value) ?? null;
}

const FRICTIONLESS: Readonly<Record<string, SemanticType>> = {
  integer: "integer",
  number: "decimal",
  boolean: "boolean",
  date: "date",
  datetime: "timestamp",
  object: "json",
  geojson: "json",
  array: "choices",
};

function frictionlessType(field: JsonObject, linked: boolean): SemanticType {
  if (linked) return field["type"] === "array" || field["type"] === "list" ? "links" : "link";
  if (field["type"] === "string" && Array.isArray(objectOf(field["constraints"])?.["enum"])) return "choice";
  return FRICTIONLESS[String(field["type"])] ?? "text";
}

/** `true` where the capture holds it, the reason as text where it does not. */
function aspectsOf(value: unknown): Partial<Record<Aspect, AspectState>> {
  const declared = objectOf(value) ?? {};
  const found: Partial<Record<Aspect, AspectState>> = {};
  for (const aspect of ASPECTS) {
    const state = declared[aspect];
    if (state === true) found[aspect] = { included: true };
    else if (typeof state === "string" && state !== "") found[aspect] = { included: false, reason: state.slice(0, 300) };
  }
  return found;
}
