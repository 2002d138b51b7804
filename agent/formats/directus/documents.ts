/** Directus' own documents beside the items: flows, access, views, settings, the list of files; each from a file of its own, or not at all. */
import { z } from "zod";
import type { Automation } from "../../core/content.ts";
import { sha256Hex } from "../../core/ids.ts";
import type { FormatContext } from "../../core/ports.ts";
import type { Json } from "../../core/platform-ports.ts";
import { describeCount } from "../../core/words-for-people.ts";
import { quoted } from "../../kit/file-tree.ts";
import { canonicalJson, isObject, objectsIn } from "../../kit/json.ts";
import type { Documents, People } from "../../products/directus/documents.ts";
import { withoutSecrets } from "../../products/directus/redact.ts";
import * as answers from "../../products/directus/schema.ts";
import { DOCUMENTS, type DocumentName, type Layout } from "./layout.ts";
import { readRows } from "./rows.ts";
import { plain } from "./snapshot.ts";

export const exportedFileSchema = answers.fileSchema.extend({ filename_disk: answers.text });
export type ExportedFile = z.infer<typeof exportedFileSchema>;

/** Up to Directus 10: who is called when something happens, before flows did it. */
const webhookSchema = z.looseObject({
  id: answers.key,
  name: answers.text,
  status: answers.text,
  collections: z
    .union([z.array(z.string()), z.string()])
    .nullish()
    .transform((value) => (typeof value === "string" ? value.split(",") : (value ?? []))),
});

export interface ReadDocuments {
  readonly documents: Documents;
  readonly webhooks: readonly Automation[];
  readonly people: People;
  readonly files: readonly ExportedFile[];
  readonly present: ReadonlySet<DocumentName>;
  readonly problems: readonly string[];
  readonly remarks: readonly string[];
  /** Null where nothing is there that could hold a secret. */
  readonly plainSecrets: readonly string[] | null;
}

type Rows = readonly Readonly<Record<string, unknown>>[];

/** Documents that keep tokens, headers and keys. */
const SECRETIVE: readonly DocumentName[] = ["flows", "operations", "users", "shares", "settings", "webhooks"];
const DEFAULT_PAGE = 100;

/** @throws AgentError as `readRows` does */
export async function readDocuments(layout: Layout, snapshot: answers.Snapshot, context: FormatContext): Promise<ReadDocuments> {
  const problems: string[] = [];
  const remarks: string[] = [];
  const read = new Map<DocumentName, Rows>();
  for (const [name, source] of layout.documents) {
    const rows: Readonly<Record<string, unknown>>[] = [];
    for await (const batch of readRows(source, context, context.signal)) rows.push(...batch.map((row) => objectsIn([plain(row)])[0] ?? {}));
    if (source.file.bytes === 0) problems.push(`${quoted(source.path)} is empty, of 0 bytes.`);
    if (rows.length === DEFAULT_PAGE && source.kind === "json")
      remarks.push(
        `${quoted(source.path)} holds exactly ${DEFAULT_PAGE} entries, where Directus stops unless it is asked for more (limit=-1).`,
      );
    read.set(name, rows);
  }
  const of = <T>(name: DocumentName, schema: z.ZodType<T>, given: Rows = read.get(name) ?? []): T[] => {
    const results = given.map((row) => schema.safeParse(row));
    const strange = results.filter((result) => !result.success).length;
    if (strange > 0)
      problems.push(
        `${describeCount(strange, "entry", "entries")} of ${name} ${strange === 1 ? "is" : "are"} not as Directus writes them.`,
      );
    return results.flatMap((result) => (result.success ? [result.data] : []));
  };
  const redacted = <T extends { readonly options: Json }>(list: readonly T[]): T[] =>
    list.map((one) => ({ ...one, options: withoutSecrets(one.options) }));
  const { project_id: _project, ...settings } = read.get("settings")?.[0] ?? {};
  const operations = read.get("operations") ?? (read.get("flows") ?? []).flatMap((flow) => objectsIn(flow["operations"]));
  const absent = new Set<string>(DOCUMENTS.filter((name) => !read.has(name)));
  if (operations.length > 0) absent.delete("operations");
  const flows = redacted(of("flows", answers.flowSchema));
  if (absent.has("operations") && flows.some((flow) => flow.operation !== null))
    problems.push("There are flows, and no operations: nothing says what the flows do.");
  const documents: Documents = {
    snapshot,
    flows,
    operations: redacted(of("operations", answers.operationSchema, operations)),
    roles: of("roles", answers.roleSchema),
    policies: of("policies", answers.policySchema),
    access: of("access", answers.accessSchema),
    // Rules of the system itself belong to nobody, and are added to every answer.
    permissions: of("permissions", answers.permissionSchema, (read.get("permissions") ?? []).map(ofPolicy)).filter(
      (one) => one.policy !== null,
    ),
    folders: of("folders", answers.folderSchema),
    files: [],
    presets: of("presets", answers.presetSchema),
    dashboards: of("dashboards", answers.dashboardSchema),
    panels: of("panels", answers.panelSchema),
    translations: of("translations", answers.translationSchema),
    settings: objectsIn([withoutSecrets(settings as Json)])[0] ?? {},
    absent,
  };
  const secretive = SECRETIVE.filter((name) => read.has(name));
  return {
    documents,
    webhooks: of("webhooks", webhookSchema).map((one) => webhookOf(one, snapshot)),
    people: { users: of("users", answers.userSchema), shares: of("shares", answers.shareSchema) },
    files: of("files", exportedFileSchema, (read.get("files") ?? []).map(withoutEmpty)),
    present: new Set(read.keys()),
    problems,
    remarks,
    plainSecrets: secretive.length === 0 ? null : secretive.flatMap((name) => plainSecretsIn(name, read.get(name) ?? [])),
  };
}

function webhookOf({ id, status, ...body }: z.infer<typeof webhookSchema>, snapshot: answers.Snapshot): Automation {
  const tables = new Set(snapshot.collections.map((one) => one.collection));
  return {
    id: `webhook:${id}`,
    name: body.name ?? id,
    active: status === "active",
    trigger: "webhook",
    references: body.collections.map((target) => ({
      kind: "collection",
      target,
      resolved: target === "*" || target.startsWith("directus_") || tables.has(target),
    })),
    bodyDigest: sha256Hex(canonicalJson(withoutSecrets(body as Json))),
  };
}

/** Before Directus 11 a permission was a role's own; that of nobody was the public's. */
function ofPolicy(row: Rows[number]): Rows[number] {
  if ("policy" in row || !("role" in row) || row["system"] === true) return row;
  return { ...row, policy: row["role"] ?? "public" };
}

function withoutEmpty(row: Rows[number]): Rows[number] {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== ""));
}

function plainSecretsIn(name: DocumentName, rows: Rows): readonly string[] {
  const clear = rows.filter((row) => {
    const told = withoutStars(row) as Json;
    return canonicalJson(withoutSecrets(told)) !== canonicalJson(told);
  }).length;
  if (clear === 0) return [];
  return [`${describeCount(clear, "entry", "entries")} of ${name} ${clear === 1 ? "holds" : "hold"} a token, a key or a header in clear.`];
}

/** What Directus does not tell is stars in its answers. */
function withoutStars(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutStars);
  if (typeof value === "string") return /^\*+$/u.test(value) ? null : value;
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withoutStars(one)]));
}
