/** Which file of an export is what: items of collections, Directus' own documents, bytes of files. */
import type { TreeFile } from "../../kit/file-tree.ts";
import { quoted } from "../../kit/file-tree.ts";
import type { SchemaPlace } from "./likeness.ts";
import type { RowsFile } from "./rows.ts";

export const DOCUMENTS = [
  ...(["flows", "operations", "roles", "policies", "permissions", "access", "users", "shares"] as const),
  ...(["settings", "dashboards", "panels", "presets", "translations", "folders", "files", "webhooks"] as const),
] as const;
export type DocumentName = (typeof DOCUMENTS)[number];

export interface Layout {
  /** By collection, those of the schema and any others. */
  readonly items: ReadonlyMap<string, RowsFile>;
  readonly documents: ReadonlyMap<DocumentName, RowsFile>;
  /** By the last part of the name; null where there is no folder for bytes of files. */
  readonly bytes: ReadonlyMap<string, TreeFile> | null;
  /** What directus-template-cli says of an extract that was meant to be one of parts. */
  readonly templateMeta: string | null;
  readonly remarks: readonly string[];
}

const KINDS: Readonly<Record<string, RowsFile["kind"]>> = {
  json: "json",
  ndjson: "ndjson",
  jsonl: "ndjson",
  csv: "csv",
  csv_utf8: "csv",
  yaml: "yaml",
  yml: "yaml",
};
const ITEM_FOLDERS = ["items", "content", "data"];
const BYTE_FOLDERS = ["files", "assets", "uploads"];
/** `export-articles-20261123-133727.csv` of the export button, `articles 20261123-133727.csv` of a download. */
const DATED = /^(?:export-)?(.+?)[ _-]\d{8}-\d{6}(?: ?\(\d+\))?$/u;

/** @param tables collections of the schema that have rows */
export function layoutOf(
  files: ReadonlyMap<string, TreeFile>,
  names: readonly string[],
  place: SchemaPlace,
  tables: ReadonlySet<string>,
): Layout {
  const remarks: string[] = [];
  const base = baseOf(names, place);
  const apart = new Set(place.kind === "snapshot" ? [place.name, ...place.others] : []);
  if (place.kind === "snapshot" && place.others.length > 0)
    remarks.push(`Of ${place.others.length + 1} snapshots ${quoted(place.name)} was taken for the one of these items.`);
  const below = names.filter((name) => name.startsWith(base) && !apart.has(name)).map((name) => name.slice(base.length));
  const rowsFile = (name: string): RowsFile | null => {
    const file = files.get(base + name);
    const kind = KINDS[/\.([a-z_0-9]+)$/iu.exec(name)?.[1]?.toLowerCase() ?? ""];
    return file === undefined || kind === undefined ? null : { path: base + name, file, kind };
  };
  const items = new Map<string, RowsFile>();
  const documents = new Map<DocumentName, RowsFile>();
  const put = <K>(map: Map<K, RowsFile>, key: K, rows: RowsFile, what: string): void => {
    const before = map.get(key);
    if (before !== undefined)
      remarks.push(`There are several files of ${what}; ${quoted(rows.path)} was read, ${quoted(before.path)} not.`);
    map.set(key, rows);
  };
  const inFolder = below.some(
    (name) => ITEM_FOLDERS.includes(name.split("/")[0] ?? "") && name.split("/").length === 2 && rowsFile(name) !== null,
  );
  for (const name of below) {
    const parts = name.split("/");
    const rows = rowsFile(name);
    const stem = (parts.at(-1) ?? "").replace(/\.[a-z_0-9]+$/iu, "");
    if (rows === null) continue;
    const folder = parts.length === 2 ? (parts[0] ?? "") : "";
    const isItem = parts.length === 2 && ITEM_FOLDERS.includes(folder);
    const beside = parts.length === 1 || (parts.length === 2 && folder === "system");
    if (!isItem && !beside) continue;
    const document = documentOf(stem);
    const table = tableOf(stem, tables);
    if (document !== null && (stem.startsWith("directus_") || (beside && (inFolder || table === null)))) {
      put(documents, document, rows, document);
      continue;
    }
    if (table !== null && (isItem || !inFolder)) put(items, table, rows, table);
    // Beside the snapshot lies anything; in the folder of items, only items do.
    else if (isItem && !stem.startsWith("directus_")) put(items, stem, rows, stem);
  }
  return {
    items,
    documents,
    bytes: bytesOf(files, below, base),
    templateMeta: below.includes("template-meta.json") ? `${base}template-meta.json` : null,
    remarks,
  };
}

/** The folder that the snapshot describes: its own, or the one above where it has a folder to itself. */
function baseOf(names: readonly string[], place: SchemaPlace): string {
  if (place.kind === "lists") return place.folder;
  const parts = place.name.split("/").slice(0, -1);
  const at = (count: number): string =>
    parts
      .slice(0, count)
      .map((part) => `${part}/`)
      .join("");
  const holds = (base: string): boolean =>
    names.some((name) => {
      const rest = name.startsWith(base) ? name.slice(base.length).split("/") : [];
      return rest.length >= 2 && [...ITEM_FOLDERS, ...BYTE_FOLDERS].includes(rest[0] ?? "");
    });
  const own = at(parts.length);
  if (parts.length === 0 || holds(own)) return own;
  return holds(at(parts.length - 1)) || /^(?:schema|snapshots?)$/iu.test(parts.at(-1) ?? "") ? at(parts.length - 1) : own;
}

function documentOf(stem: string): DocumentName | null {
  const name = stem.replace(/^directus_/u, "");
  return DOCUMENTS.find((one) => one === name) ?? null;
}

function tableOf(stem: string, tables: ReadonlySet<string>): string | null {
  if (tables.has(stem)) return stem;
  const dated = DATED.exec(stem)?.[1];
  return dated !== undefined && tables.has(dated) ? dated : null;
}

function bytesOf(files: ReadonlyMap<string, TreeFile>, below: readonly string[], base: string): ReadonlyMap<string, TreeFile> | null {
  const own = below.filter((name) => BYTE_FOLDERS.includes(name.split("/")[0] ?? "") && name.includes("/"));
  if (own.length === 0) return null;
  return new Map(
    own.flatMap((name): [string, TreeFile][] => {
      const file = files.get(base + name);
      return file === undefined ? [] : [[name.split("/").at(-1) ?? "", file]];
    }),
  );
}
