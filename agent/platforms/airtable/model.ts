/** Tables of Airtable as collections. Pure. */
import type { Collection, Field } from "../../core/content.ts";
import type { Table, TableField } from "./schema.ts";
import { COMPUTED, semanticType } from "./values.ts";

const LAST_MODIFIED = "lastModifiedTime";

export function collectionOf(table: Table): Collection {
  return {
    id: table.id,
    name: table.name,
    fields: table.fields.map(fieldOf),
    keyKind: "platform",
    // Airtable counts nothing: how many records there are is known after reading them.
    declaredRecords: null,
    computed: false,
    nextKey: null,
  };
}

function fieldOf(field: TableField): Field {
  const computed = COMPUTED.has(field.type);
  return {
    id: field.id,
    name: field.name,
    platformType: platformType(field),
    type: semanticType(field),
    computed,
    required: false,
    unique: false,
    options: choicesOf(field),
    link: linkOf(field),
    maxLength: null,
    // `{"error":"#ERROR!"}` and `{"specialValue":"NaN"}` are what Airtable itself shows.
    ...(computed ? { lenient: true } : {}),
  };
}

/** Airtable's word; told apart is the time of changes that watches only some fields, which does not tell every edit. */
export function platformType(field: TableField): string {
  const watched = field.options?.["referencedFieldIds"];
  return field.type === LAST_MODIFIED && Array.isArray(watched) && watched.length > 0 ? `${LAST_MODIFIED} of some fields` : field.type;
}

/**
 * The field that tells when a record was last edited, or null.
 * @param configured id or name of the one the owner vouches for; without it only one that watches every field is believed
 */
export function updatesField(collection: Pick<Collection, "fields">, configured: string | null): Field | null {
  const named = (field: Field): boolean => field.id === configured || field.name === configured;
  const found = collection.fields.find((field) =>
    configured === null ? field.platformType === LAST_MODIFIED : named(field) && field.platformType.startsWith(LAST_MODIFIED),
  );
  return found ?? null;
}

/** Whether the table still has what was read of it, under the same names. */
export function fits(collection: Collection, table: Table | undefined): boolean {
  const fields = new Map((table?.fields ?? []).map((field) => [field.id, field]));
  return collection.fields.every((field) => {
    const found = fields.get(field.id);
    return found !== undefined && found.name === field.name && platformType(found) === field.platformType;
  });
}

function choicesOf(field: TableField): readonly string[] | null {
  const choices = field.type === "singleSelect" || field.type === "multipleSelects" ? field.options?.["choices"] : undefined;
  if (!Array.isArray(choices)) return null;
  return choices
    .flatMap((one) => (typeof one === "object" && one !== null && "name" in one && typeof one.name === "string" ? [one.name] : []))
    .sort();
}

function linkOf(field: TableField): Field["link"] {
  if (field.type !== "multipleRecordLinks") return null;
  const text = (name: string): string | null => {
    const value = field.options?.[name];
    return typeof value === "string" ? value : null;
  };
  // That a single record is preferred is a wish of the screen: the cell may hold several all the same.
  return { collection: text("linkedTableId") ?? "", many: true, reciprocal: text("inverseLinkFieldId") };
}
