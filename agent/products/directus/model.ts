/**
 * Directus' schema snapshot as the content model. Aliases (o2m, m2m, m2a, presentation) are no columns: what they show lies in the
 * collection on the other side, and is read there. Pure.
 */
import type { Collection, Field } from "../../core/content.ts";
import { isObject } from "../../kit/json.ts";
import type { DirectusCollection, DirectusField, DirectusRelation, Snapshot } from "./schema.ts";
import { semanticType } from "./values.ts";

/** Fields whose content Directus replaces by stars for everybody. */
export const CONCEALED = "conceal";
export interface Shape {
  readonly collection: string;
  readonly key: DirectusField;
  readonly singleton: boolean;
  readonly created: string | null;
  readonly updated: string | null;
  readonly columns: readonly DirectusField[];
}

export function columnsOf(fields: readonly DirectusField[], collection: string): readonly DirectusField[] {
  return fields.filter((field) => field.collection === collection && field.type !== "alias" && (field.schema ?? null) !== null);
}

/** @returns null where there is no table, or one without a single key: Directus itself does not serve those */
export function shapeOf(collection: DirectusCollection, fields: readonly DirectusField[]): Shape | null {
  const columns = columnsOf(fields, collection.collection);
  const key = columns.find((field) => field.schema?.is_primary_key === true);
  if (key === undefined) return null;
  const special = (name: string): string | null => columns.find((field) => field.meta?.special.includes(name))?.field ?? null;
  return {
    collection: collection.collection,
    key,
    singleton: collection.meta?.singleton === true,
    created: special("date-created"),
    updated: special("date-updated"),
    columns,
  };
}

/** Adds tables, columns and foreign keys made beside Directus: it serves their records, and leaves them out of its snapshot without a word. */
export function withUnmanaged(
  snapshot: Snapshot,
  there: readonly DirectusCollection[],
  fields: readonly DirectusField[],
  relations: readonly DirectusRelation[],
): Snapshot {
  const nameOf = (one: { readonly collection: string; readonly field?: string }): string => JSON.stringify([one.collection, one.field]);
  const known = new Set([...snapshot.collections.map((one) => nameOf({ collection: one.collection })), ...snapshot.fields.map(nameOf)]);
  const knownRelations = new Set(snapshot.relations.map(nameOf));
  const found = there.filter(
    (one) => (one.schema ?? null) !== null && !one.collection.startsWith("directus_") && !known.has(nameOf({ collection: one.collection })),
  );
  const tables = new Set([...snapshot.collections, ...found].map((one) => one.collection));
  return {
    ...snapshot,
    collections: [...snapshot.collections, ...found.map((one) => ({ ...one, schema: { name: one.collection } }))],
    fields: [
      ...snapshot.fields,
      ...fields.filter((one) => tables.has(one.collection) && (one.schema ?? null) !== null && !known.has(nameOf(one))).map(asInSnapshot),
    ],
    relations: [
      ...snapshot.relations,
      ...relations.filter((one) => tables.has(one.collection) && !knownRelations.has(nameOf(one))).map(asInSnapshot),
    ],
  };
}

/** Members of a column that a snapshot leaves out because they belong to one database: Directus refuses a schema that has them. */
const OF_ONE_DATABASE: ReadonlySet<string> = new Set(["schema", "foreign_key_schema", "comment"]);

function asInSnapshot<T extends object>(one: T): T {
  const { schema } = one as { readonly schema?: unknown };
  if (!isObject(schema)) return one;
  return { ...one, schema: Object.fromEntries(Object.entries(schema).filter(([name]) => !OF_ONE_DATABASE.has(name))) };
}

export function unmanagedIn(snapshot: Snapshot, there: readonly DirectusCollection[]): readonly DirectusCollection[] {
  const known = new Set(snapshot.collections.map((one) => one.collection));
  return there.filter((one) => (one.schema ?? null) !== null && !one.collection.startsWith("directus_") && !known.has(one.collection));
}

/** Whether the product makes the keys: then they are safe to print. */
export function keyIsTheirs(key: DirectusField): boolean {
  return key.schema?.has_auto_increment === true || key.type === "uuid" || key.meta?.special.includes("uuid") === true;
}

/** Collections with records, those of `wanted` or all, by name. */
export function collectionsOf(snapshot: Snapshot, wanted: ReadonlySet<string> | null): readonly { collection: Collection; shape: Shape }[] {
  const tables = snapshot.collections
    .filter((one) => (one.schema ?? null) !== null && (wanted === null || wanted.has(one.collection)))
    .map((one) => shapeOf(one, snapshot.fields))
    .filter((shape) => shape !== null);
  const known = new Map(tables.map((shape) => [shape.collection, shape.key.field]));
  return tables
    .sort((a, b) => (a.collection < b.collection ? -1 : 1))
    .map((shape) => ({
      shape,
      collection: {
        id: shape.collection,
        name: shape.collection,
        fields: fieldsOf(shape, snapshot.relations, known),
        keyKind: keyIsTheirs(shape.key) ? "platform" : "natural",
        declaredRecords: null,
        computed: false,
        nextKey: null,
      },
    }));
}

/**
 * The key is no field of its own, and a foreign key that leads to another column than a key is no link. A link to any of several
 * collections (m2a) is told as what is stored and as one link for each.
 * @param known keys' fields, by collection
 */
export function fieldsOf(shape: Shape, relations: readonly DirectusRelation[], known: ReadonlyMap<string, string>): readonly Field[] {
  return shape.columns
    .filter((column) => column !== shape.key)
    .flatMap((column) => {
      const relation = relations.find((one) => one.collection === shape.collection && one.field === column.field);
      const to = relation?.related_collection ?? null;
      if (to === "directus_files") return [fieldOf(column, { type: "file" })];
      const by = relation?.schema?.foreign_key_column ?? null;
      if (to !== null && known.has(to) && (by === null || by === known.get(to)))
        return [fieldOf(column, { type: "link", link: { collection: to, many: false, reciprocal: null } })];
      const anyOf = relation?.meta?.one_collection_field === null ? [] : (relation?.meta?.one_allowed_collections ?? []);
      return [
        fieldOf(column, {}),
        ...anyOf
          .filter((target) => known.has(target))
          .map((target) => ({
            ...fieldOf(column, { type: "link", link: { collection: target, many: false, reciprocal: null } }),
            id: `${column.field}:${target}`,
            name: `${column.field}:${target}`,
            required: false,
          })),
      ];
    });
}

function fieldOf(column: DirectusField, as: Partial<Pick<Field, "type" | "link">>): Field {
  const type = as.type ?? semanticType(column.type);
  const choices = type === "text" ? choicesOf(column) : null;
  return {
    id: column.field,
    name: column.field,
    platformType: column.type,
    type: choices === null ? type : "choice",
    computed: column.schema?.is_generated === true,
    required: column.schema?.is_nullable === false,
    unique: column.schema?.is_unique === true,
    options: choices,
    link: as.link ?? null,
    maxLength: type === "text" && column.type === "string" ? (column.schema?.max_length ?? null) : null,
    // The choices are those of the form: the interface of programs takes any text.
    ...(choices === null ? {} : { lenient: true }),
  };
}

function choicesOf(column: DirectusField): readonly string[] | null {
  const options = column.meta?.options;
  if (typeof options !== "object" || options === null || Array.isArray(options)) return null;
  const { choices, allowOther } = options as { choices?: unknown; allowOther?: unknown };
  if (!Array.isArray(choices) || allowOther === true) return null;
  const values = choices.map((one: unknown) => (one as { value?: unknown } | null)?.value);
  return values.every((one) => typeof one === "string") ? values : null;
}

/** By virtual field `item:collection`: where the name of the target's collection lies. */
export function anyLinks(
  collection: string,
  relations: readonly DirectusRelation[],
): ReadonlyMap<string, { field: string; names: string; target: string }> {
  return new Map(
    relations
      .filter((one) => one.collection === collection)
      .flatMap((one) => {
        const names = one.meta?.one_collection_field ?? null;
        if (names === null) return [];
        return (one.meta?.one_allowed_collections ?? []).map((target): [string, { field: string; names: string; target: string }] => [
          `${one.field}:${target}`,
          { field: one.field, names, target },
        ]);
      }),
  );
}

export function concealed(column: DirectusField | undefined): boolean {
  return column?.meta?.special.includes(CONCEALED) === true;
}
