/** entities.zip of `export:entities`: one file for each kind of entity and each data table, every line of it up to 500 rows, encrypted. */
import type { AccessEntry, ContentRecord } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/ids.ts";
import type { ArtifactProbe, Content, FormatContext } from "../../core/ports.ts";
import { canonicalJson, isObject, type JsonObject, MAX_JSON_BYTES, textOf } from "../../kit/json.ts";
import { openZip, type Zip, type ZipBudget } from "../../kit/zip.ts";
import { automationOf, isWorkflow, workflowIn } from "../../products/n8n/workflows.ts";
import { asFormatError, jsonOf } from "../reading.ts";
import { decryptCbc, unwrapKey } from "./cipher.ts";
import { credentialOf, isCredential, type Keys, keysOf } from "./credentials.ts";
import { listingOf } from "./listing.ts";
import { contentOf, uniqueById } from "./parts.ts";
import { rowOf, tableOf } from "./tables.ts";

const ROWS = "data_table_user_";
const NO_ROWS = "no row of a data table is in the export: it was made without them (includeDataTableRows), or all tables are empty";

interface Archive {
  readonly zip: Zip;
  /** Names of the files of each kind, in order. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  readonly key: string;
  readonly context: FormatContext;
}

export async function openEntities(probe: ArtifactProbe, context: FormatContext): Promise<Content> {
  const keys = keysOf(context.key);
  const zip = await openZip(probe.path, context.limits, context.signal).catch((thrown: unknown) => {
    throw asFormatError(thrown);
  });
  try {
    return await contentIn(zip, keys, context);
  } catch (thrown) {
    await zip.close();
    throw asFormatError(thrown);
  }
}

async function contentIn(zip: Zip, keys: Keys, context: FormatContext): Promise<Content> {
  const problems = [...zip.problems];
  const files = filesOf(zip, problems);
  // Every entry is unpacked once, so that a broken one is found whatever it holds, and whoever has its key or not.
  const budget: ZipBudget = { unpacked: 0 };
  for (const { name } of zip.entries) for await (const _ of zip.read(name, context.signal, budget));
  if (!files.has("migrations"))
    throw new AgentError("damaged", "n8n-no-migrations", "The export has no migrations.jsonl, which every one has.");
  const archive = { zip, files, key: await keyOf(zip, files, keys, context), context };
  const of = (kind: string): Promise<readonly JsonObject[]> => entitiesOf(archive, kind);
  const opened = await withDataKeys(await of("deploymentkey"), keys);
  const unique = async (kind: string, what: string): Promise<readonly JsonObject[]> => uniqueById(await of(kind), what, problems);
  const workflows = (await unique("workflowentity", "workflow")).map(parsedColumns(["nodes", "connections", "settings"], context));
  const kept = await unique("credentialsentity", "credential");
  const tables = await unique("datatable", "data table");
  const columns = await of("datatablecolumn");
  const strange = workflows.filter((one) => !isWorkflow(one)).length + kept.filter((one) => !isCredential(one)).length;
  if (strange > 0) problems.push(`${strange} workflows or credentials of the export lack what they need.`);
  const collections = tables.map((table) =>
    tableOf(
      table,
      columns.filter((column) => column["dataTableId"] === table["id"]),
    ),
  );
  const known = { workflow: idsOf(workflows), credential: idsOf(kept), table: idsOf(tables) };
  for (const kind of files.keys())
    if (kind.startsWith(ROWS) && !known.table.has(kind.slice(ROWS.length)))
      problems.push("There are rows of a data table that is not there.");
  const rowless = tables.length > 0 && ![...files.keys()].some((kind) => kind.startsWith(ROWS));
  return contentOf({
    formatVersion: null,
    problems,
    compared: zip.entries.length,
    automations: workflows.filter(isWorkflow).map((one) => automationOf({ ...workflowIn(one), active: isActive(one) }, known)),
    credentials: kept.filter(isCredential).map((one) => credentialOf(one, opened)),
    // Called collections, tables without their rows would look emptied; most people have none at all.
    ...(rowless || tables.length === 0
      ? listingOf(workflows.filter(isWorkflow), kept.filter(isCredential))
      : { collections, records: (id, signal) => rowsOf(archive, collections.find((one) => one.id === id)?.fields ?? [], id, signal) }),
    access: await accessOf(of, known),
    settings: [
      ...(await settingsOf(of, "settings", "key")),
      ...(await settingsOf(of, "variables", "key")),
      ...(await settingsOf(of, "tagentity", "id")),
    ],
    without: rowless ? { records: NO_ROWS } : {},
    close: () => zip.close(),
  });
}

function isActive(workflow: JsonObject): boolean {
  return workflow["active"] === true || workflow["active"] === 1 || textOf(workflow["activeVersionId"]) !== null;
}

function idsOf(items: readonly JsonObject[]): ReadonlySet<string> {
  return new Set(items.map((item) => String(item["id"])));
}

/** `user.jsonl`, `user.2.jsonl`, …: the first of a kind has no number. */
function filesOf(zip: Zip, problems: string[]): ReadonlyMap<string, readonly string[]> {
  const kinds = new Map<string, Map<number, string>>();
  for (const { name } of zip.entries) {
    const parts = /^([\w-]+)(?:\.(\d{1,7}))?\.jsonl$/u.exec(name);
    if (parts === null) continue;
    const kind = parts[1] ?? "";
    kinds.set(kind, (kinds.get(kind) ?? new Map<number, string>()).set(Number(parts[2] ?? 1), name));
  }
  const ordered = [...kinds].map(([kind, files]): [string, readonly string[]] => {
    if (Math.max(...files.keys()) !== files.size) problems.push(`Of ${kind}, a file in between is missing.`);
    return [kind, [...files].sort(([a], [b]) => a - b).map(([, name]) => name)];
  });
  return new Map(ordered);
}

async function* linesOf(zip: Zip, name: string, context: FormatContext, signal: AbortSignal): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of zip.read(name, signal)) {
    rest = Buffer.concat([rest, chunk]);
    if (rest.length > Math.min(MAX_JSON_BYTES, context.limits.maxBytes))
      throw new AgentError("limit", "too-large", `A line of ${name} is longer than what is read at once.`);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.toString("latin1", 0, end);
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield rest.toString("latin1");
}

/** The key that opens the list of migrations, which is in every export and holds no secret. */
async function keyOf(zip: Zip, files: Archive["files"], keys: Keys, context: FormatContext): Promise<string> {
  if (keys.given.length === 0)
    throw new AgentError("auth", "key-missing", "The export is encrypted and no key was given.", {
      mend: "Give n8n's encryption key (or the one of --keyFile) with --key FILE.",
    });
  for (const name of files.get("migrations") ?? [])
    for await (const line of linesOf(zip, name, context, context.signal))
      for (const key of keys.given) if (decryptCbc(line, key)?.startsWith("{") === true) return key;
  throw new AgentError("auth", "key-wrong", "The export cannot be opened with the key that was given.", {
    mend: "Give the encryption key of the n8n that made the export, or the key of --keyFile.",
  });
}

async function* batchesOf(archive: Archive, kind: string, signal: AbortSignal): AsyncGenerator<readonly JsonObject[]> {
  for (const name of archive.files.get(kind) ?? [])
    for await (const line of linesOf(archive.zip, name, archive.context, signal)) {
      const text = decryptCbc(line, archive.key);
      if (text === null) throw new AgentError("damaged", "n8n-not-decryptable", `A line of ${name} does not decrypt, though others do.`);
      const rows = text.split("\n").map((row) => jsonOf(Buffer.from(row), `A row of ${name}`, archive.context.limits.maxDepth));
      yield rows.filter(isObject);
      signal.throwIfAborted();
    }
}

async function entitiesOf(archive: Archive, kind: string): Promise<readonly JsonObject[]> {
  const all: JsonObject[] = [];
  for await (const batch of batchesOf(archive, kind, archive.context.signal)) all.push(...batch);
  return all;
}

async function* rowsOf(
  archive: Archive,
  fields: Parameters<typeof rowOf>[1],
  id: string,
  signal: AbortSignal,
): AsyncGenerator<readonly ContentRecord[]> {
  signal.throwIfAborted();
  try {
    for await (const batch of batchesOf(archive, `${ROWS}${id}`, signal))
      yield batch.map((row) => rowOf(row, fields)).filter((row) => row !== null);
  } catch (thrown) {
    signal.throwIfAborted();
    throw asFormatError(thrown);
  }
}

/** Columns of JSON are text where the database was SQLite. */
function parsedColumns(names: readonly string[], context: FormatContext): (row: JsonObject) => JsonObject {
  const parsed = (value: unknown): unknown =>
    typeof value === "string" ? jsonOf(Buffer.from(value), "A column of a workflow", context.limits.maxDepth) : value;
  return (row) => ({ ...row, ...Object.fromEntries(names.map((name) => [name, parsed(row[name])])) });
}

/** The wrapped data keys tell whether the instance's own key was given: the export may have been made with another (--keyFile). */
async function withDataKeys(rows: readonly JsonObject[], keys: Keys): Promise<Keys> {
  const wrapped = rows.filter((row) => row["type"] === "data_encryption" && textOf(row["value"]) !== null);
  const data = new Map<string, { readonly key: string; readonly algorithm: string }>();
  for (const row of wrapped)
    for (const given of keys.given) {
      const key = unwrapKey(String(row["value"]), given);
      if (key !== null) data.set(String(row["id"]), { key, algorithm: textOf(row["algorithm"]) ?? "aes-256-cbc" });
    }
  return { ...keys, data, instance: wrapped.length === 0 || data.size > 0 };
}

async function accessOf(
  of: (kind: string) => Promise<readonly JsonObject[]>,
  known: { readonly workflow: ReadonlySet<string>; readonly credential: ReadonlySet<string> },
): Promise<readonly AccessEntry[]> {
  const [projects, users] = [idsOf(await of("project")), idsOf(await of("user"))];
  const missing = (set: ReadonlySet<string>, id: unknown, what: string): string | null =>
    set.has(String(id)) ? null : `it names a ${what} that is not there`;
  const entry = (kind: AccessEntry["kind"], id: string, grants: unknown, broken: string | null): AccessEntry => ({
    ...{ kind, id, broken },
    digest: sha256Hex(canonicalJson(grants)),
  });
  const shared = async (table: string, id: string, set: ReadonlySet<string>, what: string): Promise<readonly AccessEntry[]> =>
    (await of(table)).map((row) =>
      entry(
        "share",
        `${String(row[id])}:${String(row["projectId"])}`,
        row["role"],
        missing(set, row[id], what) ?? missing(projects, row["projectId"], "project"),
      ),
    );
  const scopes = Map.groupBy(await of("role_scope"), (row) => String(row["roleSlug"]));
  return [
    ...(await of("role")).map((row) => {
      const granted = (scopes.get(String(row["slug"])) ?? []).map((scope) => String(scope["scopeSlug"])).sort();
      return entry("role", String(row["slug"]), granted, null);
    }),
    ...(await of("projectrelation")).map((row) => {
      const broken = missing(projects, row["projectId"], "project") ?? missing(users, row["userId"], "user");
      return entry("membership", `${String(row["projectId"])}:${String(row["userId"])}`, row["role"], broken);
    }),
    ...(await shared("sharedworkflow", "workflowId", known.workflow, "workflow")),
    ...(await shared("sharedcredentials", "credentialsId", known.credential, "credential")),
  ];
}

async function settingsOf(of: (kind: string) => Promise<readonly JsonObject[]>, kind: string, key: string) {
  return (await of(kind)).map((row) => ({ id: `${kind}:${String(row[key]).slice(0, 200)}`, digest: sha256Hex(canonicalJson(row)) }));
}
