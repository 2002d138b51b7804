/** Everything of a capture that is no record: automations, credentials, views, access, settings, templates, files. Each is one JSON list. */
import type {
  AccessEntry,
  Automation,
  AutomationReference,
  Collection,
  Credential,
  FileItem,
  Setting,
  Template,
  View,
} from "../../core/content.ts";
import type { FormatContext } from "../../core/ports.ts";
import type { FileTree } from "../../kit/file-tree.ts";
import { type KeyRing, stateOf } from "./age.ts";
import { type JsonObject, objectsIn, textOf, textsIn } from "../../kit/json.ts";
import { readJson } from "../reading.ts";
import { countOf, digestOf } from "./plain.ts";

export const METADATA = ["automations", "credentials", "views", "access", "settings", "templates", "files"] as const;
export type MetadataName = (typeof METADATA)[number];

export interface Metadata {
  readonly automations: readonly Automation[];
  readonly credentials: readonly Credential[];
  readonly views: readonly View[];
  readonly access: readonly AccessEntry[];
  readonly settings: readonly Setting[];
  readonly templates: readonly Template[];
  readonly files: readonly FileItem[];
  readonly present: ReadonlySet<MetadataName>;
  readonly plainSecrets: readonly string[];
  readonly problems: readonly string[];
}

export function metadataPath(name: MetadataName): string {
  return `data/${name}.json`;
}

export function filePath(sha256: string): string {
  return `data/files/${sha256}`;
}

/** @throws AgentError `damaged` where one of the files is no JSON, `limit` where it is too large or too deep */
export async function readMetadata(
  tree: FileTree,
  collections: readonly Collection[],
  keys: KeyRing | null,
  context: FormatContext,
): Promise<Metadata> {
  const problems: string[] = [];
  const present = new Set<MetadataName>();
  const lists = new Map<MetadataName, readonly JsonObject[]>();
  for (const name of METADATA) {
    const file = tree.files.get(metadataPath(name));
    if (file === undefined) continue;
    present.add(name);
    const value = await readJson(file.place, metadataPath(name), context);
    if (!Array.isArray(value)) problems.push(`${metadataPath(name)} is no list.`);
    lists.set(name, distinct(objectsIn(value), Array.isArray(value) ? value.length : 0, name, problems));
  }
  const of = (name: MetadataName): readonly JsonObject[] => lists.get(name) ?? [];
  const ids = (name: MetadataName): ReadonlySet<unknown> | null =>
    present.has(name) ? new Set(of(name).map((entry) => entry["id"])) : null;
  const known: Known = {
    automation: ids("automations"),
    "sub-flow": ids("automations"),
    credential: ids("credentials"),
    collection: new Set(collections.map((collection) => collection.id)),
  };
  const plainSecrets: string[] = [];
  const credentials: Credential[] = [];
  // One after another: a passphrase takes a lot of memory to try.
  for (const entry of of("credentials")) credentials.push(await readCredential(entry, keys, plainSecrets));
  return {
    automations: of("automations").map((entry) => readAutomation(entry, known)),
    credentials,
    views: of("views").map((entry) => readView(entry, collections)),
    access: of("access").map(readAccess),
    settings: of("settings").map((entry): Setting => ({ id: idOf(entry), digest: digestFrom(entry, "value") })),
    templates: of("templates").map((entry) => readTemplate(entry, collections)),
    files: of("files").map((entry) => readFile(entry, tree, context.unread)),
    present,
    plainSecrets,
    problems,
  };
}

/** Entries with an id, each id once; the others are told. */
function distinct(entries: readonly JsonObject[], listed: number, name: MetadataName, problems: string[]): readonly JsonObject[] {
  const ids = new Set<string>();
  const kept = entries.filter((entry) => {
    const id = textOf(entry["id"]);
    if (id === null || ids.has(id)) return false;
    ids.add(id);
    return true;
  });
  const lost = listed - kept.length;
  if (lost > 0) problems.push(`${metadataPath(name)} has ${lost === 1 ? "1 entry" : `${lost} entries`} without an id of its own.`);
  return kept;
}

function idOf(entry: JsonObject): string {
  return textOf(entry["id"]) ?? "";
}

/** The digest that is declared, or that of the thing itself where it is kept. */
function digestFrom(entry: JsonObject, body: string): string {
  if (entry[body] !== undefined) return digestOf(entry[body]);
  return textOf(entry["digest"]) ?? digestOf(entry);
}

const REFERENCE_KINDS: readonly AutomationReference["kind"][] = [
  "automation",
  "credential",
  "collection",
  "webhook",
  "sub-flow",
  "node",
  "module",
];

/** Ids that a reference may lead to, for what the capture holds a list of. */
type Known = Readonly<Partial<Record<AutomationReference["kind"], ReadonlySet<unknown> | null>>>;

function readAutomation(entry: JsonObject, known: Known): Automation {
  const references = objectsIn(entry["references"]).flatMap((reference): AutomationReference[] => {
    const kind = REFERENCE_KINDS.find((one) => one === reference["kind"]);
    const target = textOf(reference["target"]);
    if (kind === undefined || target === null) return [];
    return [{ kind, target, resolved: reference["resolved"] !== false && known[kind]?.has(target) !== false }];
  });
  return {
    id: idOf(entry),
    name: textOf(entry["name"]) ?? idOf(entry),
    active: entry["active"] === true,
    trigger: textOf(entry["trigger"]),
    references,
    bodyDigest: digestFrom(entry, "body"),
  };
}

async function readCredential(entry: JsonObject, keys: KeyRing | null, plainSecrets: string[]): Promise<Credential> {
  const sealed = entry["sealed"];
  const inClear = ["value", "secret", "data", "password", "token"].some((name) => entry[name] !== undefined && entry[name] !== null);
  if (inClear) plainSecrets.push(`Credential ${idOf(entry).slice(0, 80)} lies in ${metadataPath("credentials")} in clear.`);
  const state = inClear ? "plain" : sealed === undefined || sealed === null ? "not-included" : await stateOf(sealed, keys);
  return { id: idOf(entry), type: textOf(entry["type"]) ?? "unknown", state };
}

function readView(entry: JsonObject, collections: readonly Collection[]): View {
  const collection = textOf(entry["collection"]);
  return {
    id: idOf(entry),
    name: textOf(entry["name"]) ?? idOf(entry),
    type: textOf(entry["type"]) ?? "view",
    collection,
    broken: brokenView(entry, collection, collections) ?? textOf(entry["broken"]),
  };
}

function readTemplate(entry: JsonObject, collections: readonly Collection[]): Template {
  const collection = textOf(entry["collection"]);
  const lost = collection !== null && !collections.some((candidate) => candidate.id === collection);
  return {
    id: idOf(entry),
    name: textOf(entry["name"]) ?? idOf(entry),
    collection,
    digest: digestFrom(entry, "body"),
    broken: lost ? "not found: the table it is filled from" : textOf(entry["broken"]),
  };
}

function brokenView(entry: JsonObject, collection: string | null, collections: readonly Collection[]): string | null {
  if (collection === null) return null;
  const table = collections.find((candidate) => candidate.id === collection);
  if (table === undefined) return "not found: the table it shows";
  const known = new Set(table.fields.map((field) => field.id));
  const lost = textsIn(entry["fields"]).filter((id) => !known.has(id)).length;
  return lost === 0 ? null : `not found: ${lost === 1 ? "1 field" : `${lost} fields`} it shows`;
}

const ACCESS_KINDS: readonly AccessEntry["kind"][] = ["role", "permission", "membership", "share"];

function readAccess(entry: JsonObject): AccessEntry {
  return {
    kind: ACCESS_KINDS.find((kind) => kind === entry["kind"]) ?? "permission",
    id: idOf(entry),
    digest: digestFrom(entry, "grants"),
    broken: textOf(entry["broken"]),
  };
}

function readFile(entry: JsonObject, tree: FileTree, unread: FormatContext["unread"]): FileItem {
  const sha256 = /^[0-9a-f]{64}$/u.exec(textOf(entry["sha256"]) ?? "")?.[0] ?? null;
  const inside = sha256 !== null && tree.files.has(filePath(sha256));
  const left = sha256 !== null && unread?.has(filePath(sha256)) === true;
  return {
    id: idOf(entry),
    name: textOf(entry["name"]) ?? idOf(entry),
    bytes: countOf(entry["bytes"]),
    declaredType: textOf(entry["type"]),
    declaredDigest: sha256 === null ? null : { algorithm: "sha256", value: sha256 },
    presence: inside ? "inside" : left ? "unread" : entry["presence"] === "outside" ? "outside" : "missing",
  };
}

/** File id → where its bytes lie, for the files inside. */
export function filePlaces(tree: FileTree, files: readonly FileItem[]): ReadonlyMap<string, string> {
  return new Map(
    files.flatMap((file): [string, string][] => {
      const place = file.declaredDigest === null ? undefined : tree.files.get(filePath(file.declaredDigest.value))?.place;
      return file.presence === "inside" && place !== undefined ? [[file.id, place]] : [];
    }),
  );
}
