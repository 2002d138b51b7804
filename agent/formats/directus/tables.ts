/** Schema and items put together: which collections there are, and what is wrong or in doubt before any check looks at a record. */
import type { Collection } from "../../core/content.ts";
import { describeCount } from "../../core/words-for-people.ts";
import { quoted } from "../../kit/file-tree.ts";
import { collectionsOf, columnsOf, type Shape } from "../../products/directus/model.ts";
import { type DirectusField, fieldSchema, type Snapshot } from "../../products/directus/schema.ts";
import { semanticType } from "../../products/directus/values.ts";
import type { RowsFile } from "./rows.ts";
import type { Survey } from "./survey.ts";

export interface Table {
  readonly collection: Collection;
  readonly shape: Shape;
  /** Null where there are no items of it. */
  readonly source: RowsFile | null;
}

export interface Tables {
  readonly tables: readonly Table[];
  /** With what the items hold and the snapshot does not name. */
  readonly snapshot: Snapshot;
  readonly problems: readonly string[];
  readonly remarks: readonly string[];
}

/** As many as Directus gives out to who names no limit. */
const DEFAULT_PAGE = 100;

export function isTable(one: Snapshot["collections"][number]): boolean {
  return (one.schema ?? null) !== null && !one.collection.startsWith("directus_");
}

/**
 * @param surveys of the items there are, by collection
 * @param inParts whether the export says itself that it leaves collections out
 */
export function tablesOf(known: Snapshot, surveys: ReadonlyMap<string, Survey>, inParts: boolean): Tables {
  const problems: string[] = [];
  const remarks: string[] = [];
  const snapshot = withUnnamed(known, surveys, remarks);
  const found = collectionsOf({ ...snapshot, collections: snapshot.collections.filter(isTable) }, null);
  const served = new Set(found.map((one) => one.collection.id));
  for (const { collection } of snapshot.collections.filter(isTable))
    if (!served.has(collection) && (surveys.get(collection)?.rows ?? 0) > 0)
      problems.push(`Neither the snapshot nor a field id tells the key of ${collection}: its items were not read.`);
  const lost = found.filter(({ collection }) => !surveys.has(collection.id)).map(({ collection }) => collection.name);
  if (lost.length > 0 && surveys.size > 0)
    (inParts ? remarks : problems).push(
      `There are no items of ${listed(lost)}, ${lost.length === 1 ? "a collection" : "collections"} of the snapshot.`,
    );
  const tables = found.map(({ collection, shape }): Table => {
    const survey = surveys.get(collection.id);
    if (survey === undefined) return { collection, shape, source: null };
    judge(shape, snapshot, survey, problems, remarks);
    return { collection: { ...collection, declaredRecords: shape.singleton ? null : survey.declared }, shape, source: survey.source };
  });
  return { tables, snapshot, problems, remarks };
}

/** Columns and whole tables made beside Directus are served by it, and left out of its snapshot: they are read as what they look like. */
function withUnnamed(snapshot: Snapshot, surveys: ReadonlyMap<string, Survey>, remarks: string[]): Snapshot {
  const tables = new Set(snapshot.collections.map((one) => one.collection));
  const fields: DirectusField[] = [];
  const added: string[] = [];
  for (const [collection, survey] of surveys) {
    const known = new Set(snapshot.fields.filter((one) => one.collection === collection).map((one) => one.field));
    const keyed = snapshot.fields.some((one) => one.collection === collection && one.schema?.is_primary_key === true);
    for (const [name, member] of survey.members) {
      // What a CSV file names so is a part of another field.
      if (known.has(name) || (survey.source.kind === "csv" && name.includes("."))) continue;
      const isKey = !keyed && name === "id" && member.filled === survey.rows;
      const type = member.guess ?? "text";
      fields.push(
        fieldSchema.parse({
          collection,
          field: name,
          type,
          meta: null,
          schema: { is_primary_key: isKey, is_nullable: true, is_unique: isKey },
        }),
      );
    }
    if (!tables.has(collection)) added.push(collection);
  }
  const columns = fields.filter((one) => tables.has(one.collection)).map((one) => `${one.collection}.${one.field}`);
  if (added.length > 0) remarks.push(`The snapshot does not name ${listed(added)}: read as what the items look like, without links.`);
  if (columns.length > 0) remarks.push(`The snapshot does not name ${listed(columns)}: read as what the values look like.`);
  return {
    ...snapshot,
    collections: [...snapshot.collections, ...added.map((collection) => ({ collection, meta: null, schema: { name: collection } }))],
    fields: [...snapshot.fields, ...fields],
  };
}

function judge(shape: Shape, snapshot: Snapshot, survey: Survey, problems: string[], remarks: string[]): void {
  const { source, rows, members } = survey;
  const name = shape.collection;
  const isCsv = source.kind === "csv";
  if (source.file.bytes === 0)
    remarks.push(
      `${quoted(source.path)} is empty, of 0 bytes: Directus writes that where there are no items, and so does a download that failed.`,
    );
  if (rows === 0) return;
  if (rows === DEFAULT_PAGE && survey.declared === null)
    remarks.push(
      `Of ${name} there are exactly ${DEFAULT_PAGE} items, where Directus stops unless it is asked for more (limit=-1); nothing says how many it had.`,
    );
  const keyless = rows - (members.get(shape.key.field)?.filled ?? 0);
  if (keyless > 0 && !shape.singleton)
    problems.push(`${describeCount(keyless, "item")} of ${name} ${keyless === 1 ? "has" : "have"} no ${shape.key.field}.`);
  if (survey.single && !shape.singleton) remarks.push(`${quoted(source.path)} holds one item and no list, though ${name} is no singleton.`);
  const own = columnsOf(snapshot.fields, name);
  const parts = new Set(isCsv ? [...members.keys()].map((member) => member.split(".")[0] ?? "") : []);
  const absent = own.filter((column) => !members.has(column.field) && !parts.has(column.field)).map((column) => column.field);
  if (absent.length > 0)
    problems.push(
      `The items of ${name} have no ${listed(absent)}: exported without, or by somebody who may not see ${absent.length === 1 ? "it" : "them"}.`,
    );
  const partly = own.filter((column) => (members.get(column.field)?.seen ?? rows) < rows).map((column) => column.field);
  if (partly.length > 0) problems.push(`Some items of ${name} have no place for ${listed(partly)}.`);
  if (!isCsv) return;
  const flat = own.filter((column) => semanticType(column.type) === "json" && column.type !== "csv");
  const lost = flat.filter(
    (column) => !parts.has(column.field) || ![...members.keys()].some((member) => member.startsWith(`${column.field}.`)),
  );
  if (lost.length > 0)
    remarks.push(
      `Directus leaves objects out of a CSV export: what was in ${listed(lost.map((one) => `${name}.${one.field}`))} cannot be told from nothing.`,
    );
  const rebuilt = flat.filter((column) => !lost.includes(column)).map((one) => `${name}.${one.field}`);
  if (rebuilt.length > 0)
    remarks.push(`Objects in ${listed(rebuilt)} were put together from a CSV export, which does not tell numbers from text.`);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
