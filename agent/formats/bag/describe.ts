/** The JSON documents of a bag that is written: the data package, the metadata lists, the product's own documents. */
import type { Collection, Field } from "../../core/content.ts";
import type { CaptureInfo, Described, Json } from "../../core/platform-ports.ts";
import { CREATED, KEY, UPDATED } from "./rows.ts";

interface Written {
  readonly collections: Readonly<Record<string, { readonly records: number; readonly parts: readonly string[] }>>;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number; readonly sniffedType?: string | null }>>;
}

/** @returns text by path within the bag */
export function bagDocuments(
  described: Described,
  originals: Readonly<Record<string, Json>>,
  info: CaptureInfo,
  written: Written,
): ReadonlyMap<string, string> {
  const lists: Readonly<Record<string, readonly unknown[]>> = {
    automations: described.automations.map(({ bodyDigest, ...rest }) => ({ ...rest, digest: bodyDigest })),
    credentials: described.credentials.map(({ id, type }) => ({
      id,
      type,
      ...(info.sealed[id] === undefined ? {} : { sealed: info.sealed[id] }),
    })),
    views: described.views,
    access: described.access.map(({ kind, id, digest, broken }) => ({ kind, id, digest, broken })),
    settings: described.settings,
    files: described.files.map((file) => {
      const bytes = written.files[file.id];
      return {
        id: file.id,
        name: file.name,
        type: file.declaredType,
        // What the bytes themselves say, which may be something else than what the product calls them.
        ...(typeof bytes?.sniffedType === "string" ? { sniffedType: bytes.sniffedType } : {}),
        ...(bytes === undefined ? { bytes: file.bytes, presence: file.presence } : { bytes: bytes.bytes, sha256: bytes.sha256 }),
      };
    }),
  };
  const documents = new Map([["data/datapackage.json", json(packageOf(described, info, written))]]);
  for (const [name, list] of Object.entries(lists)) documents.set(`data/${name}.json`, json(list));
  for (const [name, document] of Object.entries(originals)) documents.set(`data/originals/${name}.json`, json(document));
  return documents;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

function packageOf(described: Described, info: CaptureInfo, written: Written): unknown {
  const { startedAt, finishedAt, platform, platformVersion, scope, clockSkewMs, changed, mode, fidelity } = info;
  return {
    profile: "data-package",
    created: new Date(finishedAt).toISOString(),
    resources: described.collections.map((collection) => resourceOf(collection, written)),
    restorewatch: {
      layout: "1",
      startedAt: new Date(startedAt).toISOString(),
      finishedAt: new Date(finishedAt).toISOString(),
      ...{ platform, platformVersion, scope, clockSkewMs, changed, mode, fidelity },
      aspects: Object.fromEntries(
        Object.entries(described.aspects).map(([aspect, state]) => [aspect, state.included ? true : state.reason]),
      ),
    },
  };
}

function resourceOf(collection: Collection, written: Written): unknown {
  const own = written.collections[collection.id];
  return {
    name: collection.id,
    title: collection.name,
    path: own?.parts ?? [],
    format: "ndjson",
    schema: {
      fields: [
        { name: KEY, type: "string" },
        { name: CREATED, type: "datetime" },
        { name: UPDATED, type: "datetime" },
        ...collection.fields.map(fieldOf),
      ],
      primaryKey: KEY,
    },
    restorewatch: {
      id: collection.id,
      keyKind: collection.keyKind,
      // What the product said, not what we read: the difference is a finding.
      records: collection.declaredRecords ?? own?.records ?? 0,
      computed: collection.computed,
      nextKey: collection.nextKey,
    },
  };
}

function fieldOf(field: Field): unknown {
  return {
    name: field.id,
    title: field.name,
    type: "any",
    constraints: {
      required: field.required,
      unique: field.unique,
      ...(field.maxLength === null ? {} : { maxLength: field.maxLength }),
      ...(field.options === null ? {} : { enum: field.options }),
    },
    restorewatch: {
      id: field.id,
      type: field.type,
      platformType: field.platformType,
      computed: field.computed,
      ...(field.lenient === true ? { lenient: true } : {}),
      ...(field.formula === undefined ? {} : { formula: field.formula }),
      ...(field.link === null ? {} : { link: field.link }),
    },
  };
}
