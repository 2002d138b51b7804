/** What a drill remembers of an artifact: names and counts, no record value. */
import { ASPECTS } from "../core/content.ts";
import { sha256Hex } from "../core/ids.ts";
import { linkFactsOf, quoted } from "../core/link-pairs.ts";
import type { Content, LoadReport, SampleRequest, Sandbox, SandboxTable, TemplateContent } from "../core/ports.ts";
import type { PointFacts, SampleInfo } from "../core/values.ts";
import { clipName } from "./channel.ts";
import { isStoredLink, linkCountSql } from "./observed-content.ts";

/**
 * @param linksRead filled references counted while reading, used where the sandbox holds a sample only
 * @param digestKey hex key of the digests of links, or null
 * @returns collections and records that are computed are left out; `roles` counts every access entry
 */
export async function factsOf(
  content: Content,
  load: LoadReport,
  sandbox: Pick<Sandbox, "query">,
  linksRead: number,
  digestKey: string | null,
  signal: AbortSignal,
): Promise<PointFacts> {
  const stored = load.tables.filter((table) => !table.collection.computed);
  const whole = stored.every((table) => table.loaded === table.keyed);
  const edited = new Map(
    await Promise.all(stored.map(async (table) => [table, whole ? await editedAt(table, sandbox, signal) : null] as const)),
  );
  const templates = "templates" in content ? (content as Content & TemplateContent).templates : null;
  return {
    format: clipName(content.format),
    formatVersion: content.formatVersion === null ? null : clipName(content.formatVersion),
    inventory: {
      collections: stored.length,
      records: load.population,
      links: whole ? await linksIn(load, sandbox, signal) : linksRead,
      automations: content.automations.length,
      credentials: content.credentials.length,
      files: content.files.length,
      views: content.views.length,
      roles: content.access.length,
    },
    collections: stored.map((table) => ({
      id: clipName(table.collection.id),
      name: clipName(table.collection.name),
      records: table.keyed,
      editedAt: edited.get(table) ?? null,
      fields: table.collection.fields.map((field) => ({
        id: clipName(field.id),
        name: clipName(field.name),
        type: field.type,
        computed: field.computed,
        platformType: clipName(field.platformType),
        required: field.required,
        unique: field.unique,
        options: field.options === null ? null : sha256Hex(JSON.stringify(field.options.toSorted())).slice(0, 16),
        link: field.link === null ? null : clipName(field.link.collection),
        ...(field.formula === undefined ? {} : { formula: field.formula === null ? null : sha256Hex(field.formula).slice(0, 16) }),
      })),
    })),
    automations: content.automations.map((one) => ({
      id: clipName(one.id),
      name: clipName(one.name),
      active: one.active,
      digest: clipName(one.bodyDigest),
    })),
    credentials: content.credentials.map((one) => clipName(one.id)),
    views: content.views.map((view) => ({ id: clipName(view.id), name: clipName(view.name) })),
    access: content.access.map((entry) => ({ kind: entry.kind, id: clipName(entry.id), digest: clipName(entry.digest) })),
    ...(whole
      ? {
          links: (await linkFactsOf(load, sandbox, digestKey, signal)).map((one) => ({
            ...one,
            collection: clipName(one.collection),
            field: clipName(one.field),
          })),
        }
      : {}),
    ...(templates === null
      ? {}
      : { templates: templates.map((one) => ({ id: clipName(one.id), name: clipName(one.name), digest: clipName(one.digest) })) }),
    settings: content.settings.map((one) => ({ id: clipName(one.id), digest: clipName(one.digest) })),
    fidelity: ASPECTS.flatMap((aspect) => {
      const state = content.aspects[aspect];
      return state.included ? [] : [{ aspect, reason: clipName(state.reason) }];
    }),
  };
}

/** Null where a record tells neither, or none was ever edited: then the time of its last edit is not known. */
async function editedAt(table: SandboxTable, sandbox: Pick<Sandbox, "query">, signal: AbortSignal): Promise<number | null> {
  const [row] = await sandbox.query(
    `SELECT count(*) AS records, count(coalesce(updated_at, created_at)) AS timed, count(updated_at) AS edited,
       epoch_ms(max(greatest(coalesce(updated_at, created_at), coalesce(created_at, updated_at)))) AS newest FROM ${quoted(table.table)}`,
    [],
    { signal },
  );
  const told = row !== undefined && row["records"] === row["timed"] && Number(row["edited"]) > 0;
  return told ? Number(row["newest"]) : null;
}

async function linksIn(load: LoadReport, sandbox: Pick<Sandbox, "query">, signal: AbortSignal): Promise<number> {
  let links = 0;
  for (const table of load.tables) {
    if (table.collection.computed) continue;
    const counts = table.columns
      .filter((column) => isStoredLink(column.field))
      .map((column) => linkCountSql(column.column, column.field.type));
    if (counts.length === 0) continue;
    const [row] = await sandbox.query(`SELECT ${counts.join(" + ")} AS links FROM ${table.table}`, [], { signal });
    links += Number(row?.["links"] ?? 0);
  }
  return links;
}

/** The seed itself never leaves the child; its commitment lets whoever holds it reproduce the sample. */
export function sampleInfo(load: LoadReport, sample: SampleRequest): SampleInfo {
  const random = sample.strategy !== "all";
  return {
    population: load.population,
    checked: load.checked,
    strategy: random ? "random" : "all",
    seedCommitment: random ? sha256Hex(sample.seed) : null,
  };
}
