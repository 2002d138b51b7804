/** Files that rows, forms and pages name. Baserow stores each under `<unique>_<sha256>.<extension>`, so the name says the digest. */
import type { FileItem } from "../../core/content.ts";
import { isObject, type JsonObject, objectsIn, textOf } from "../../kit/json.ts";
import type { BaserowTable } from "./tables.ts";

const STORED_NAME = /^[^/]+_([0-9a-f]{64})(?:\.[^/]*)?$/iu;

/** SHA-256 in hex, lower case, or null where the name says none. */
export function digestInName(name: string): string | null {
  return STORED_NAME.exec(name)?.[1]?.toLowerCase() ?? null;
}

/**
 * @param lies bytes of a file that lies in the artifact under that name, null where it should and does not, `outside` where files are
 *   no part of the artifact
 * @returns each file once, in the order in which they are named
 */
export function readFiles(
  tables: readonly BaserowTable[],
  applications: readonly JsonObject[],
  lies: (name: string) => number | null | "outside",
): FileItem[] {
  const files = new Map<string, FileItem>();
  const add = (item: JsonObject): void => {
    const id = textOf(item["name"]);
    if (id === null || files.has(id)) return;
    const place = lies(id);
    const digest = digestInName(id);
    files.set(id, {
      id,
      name: textOf(item["visible_name"]) ?? textOf(item["original_name"]) ?? id,
      bytes: typeof place === "number" ? place : null,
      declaredType: textOf(item["mime_type"]),
      declaredDigest: digest === null ? null : { algorithm: "sha256", value: digest },
      presence: place === "outside" ? "outside" : place === null ? "missing" : "inside",
    });
  };
  for (const table of tables) {
    for (const field of table.fields.filter((one) => one.cell.type === "files"))
      for (const row of table.rows) for (const item of objectsIn(row[field.slot])) add(item);
    for (const view of table.views) namedFiles(view, add);
  }
  for (const application of applications.filter((one) => one["type"] !== "database")) namedFiles(application, add);
  return [...files.values()];
}

/** Cover images, logos, icons: objects with the name of a stored file, wherever they stand. */
function namedFiles(value: unknown, add: (item: JsonObject) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) namedFiles(item, add);
  } else if (isObject(value)) {
    const name = textOf(value["name"]);
    if (name !== null && digestInName(name) !== null) add(value);
    for (const inner of Object.values(value)) namedFiles(inner, add);
  }
}
