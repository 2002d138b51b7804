/** Views of tables, and which of the fields they show, filter, sort and colour by are not there. */
import type { View } from "../../core/content.ts";
import { describeCount } from "../../core/words-for-people.ts";
import { isObject, listOf, objectsIn, textOf, type JsonObject } from "../../kit/json.ts";
import { idOf } from "./ids.ts";
import type { BaserowTable } from "./tables.ts";

export function readViews(table: BaserowTable): View[] {
  const known = new Set(table.fields.map((field) => field.field.id));
  return table.views.map((view, at) => ({
    id: idOf(view["id"]) ?? `${table.collection.id}/${at + 1}`,
    name: `${table.collection.name} / ${textOf(view["name"]) ?? "(no name)"}`,
    type: textOf(view["type"]) ?? "view",
    collection: table.collection.id,
    broken: brokenView(view, known),
  }));
}

function brokenView(view: JsonObject, known: ReadonlySet<string>): string | null {
  const parts: readonly (readonly [string, readonly unknown[]])[] = [
    ["it shows", refs(view["field_options"], "field_id")],
    ["it filters by", refs(view["filters"], "field_id")],
    ["it sorts by", refs(view["sortings"], "field_id")],
    ["it groups by", refs(view["group_bys"], "field_id")],
    ["it colours by", objectsIn(view["decorations"]).flatMap(colourRefs)],
    ["a condition asks for", objectsIn(view["field_options"]).flatMap((option) => refs(option["conditions"], "field"))],
    ["it is laid out by", Object.keys(view).flatMap((key) => (key.endsWith("_field_id") ? [view[key]] : []))],
  ];
  const lost = parts.flatMap(([what, fields]) => {
    const gone = new Set(fields.map(idOf).filter((id) => id !== null && !known.has(id)));
    return gone.size === 0 ? [] : [`${describeCount(gone.size, "field")} ${what}`];
  });
  const groups = new Set(objectsIn(view["filter_groups"]).map((group) => idOf(group["id"])));
  const ungrouped = objectsIn(view["filters"]).filter((filter) => idOf(filter["group"]) !== null && !groups.has(idOf(filter["group"])));
  if (ungrouped.length > 0) lost.push("a group of its filters");
  return lost.length === 0 ? null : `not found: ${lost.join(", ")}`;
}

function refs(value: unknown, key: string): unknown[] {
  return objectsIn(value).map((item) => item[key]);
}

/** A colour comes from one field, or from conditions on several. */
function colourRefs(decoration: JsonObject): unknown[] {
  const conf = decoration["value_provider_conf"];
  if (!isObject(conf)) return [];
  const filters = listOf(conf["colors"]).flatMap((colour) => (isObject(colour) ? refs(colour["filters"], "field") : []));
  return [conf["field_id"], ...filters];
}
