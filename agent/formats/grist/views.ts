/**
 * Views. A person sees pages, and on them widgets: a table, a card, a chart, a form. One View here is one widget on a page, named
 * "page / widget": losing a page loses its widgets, so both are counted by it. Sections that stand on no page (the raw data of a
 * table, its record card) are made by Grist for every table and are no views.
 */
import type { View } from "../../core/content.ts";
import type { Names } from "./collections.ts";
import type { GristDatabase } from "./database.ts";
import { id, metaRows, text, type MetaRow } from "./metadata.ts";

const SECTION_COLUMNS = ["id", "tableRef", "parentId", "parentKey", "title", "linkSrcSectionRef", "linkSrcColRef", "linkTargetColRef"];

export function readViews(database: GristDatabase, names: Names, maxRows: number): View[] {
  const pages = new Map(metaRows(database, "_grist_Views", ["id", "name"], maxRows).map((row) => [id(row, "id"), text(row, "name")]));
  const sections = metaRows(database, "_grist_Views_section", SECTION_COLUMNS, maxRows);
  const known = new Set(sections.map((row) => id(row, "id")));
  const fields = lostColumns(metaRows(database, "_grist_Views_section_field", ["parentId", "colRef"], maxRows), "parentId", names);
  const filters = lostColumns(metaRows(database, "_grist_Filters", ["viewSectionRef", "colRef"], maxRows), "viewSectionRef", names);
  return sections
    .filter((row) => id(row, "parentId") !== 0)
    .map((row) => {
      const section = id(row, "id");
      const table = names.tables.get(id(row, "tableRef"));
      const page = pages.get(id(row, "parentId"));
      const broken = [
        page === undefined ? "the page it stands on" : null,
        table === undefined ? "the table it shows" : null,
        counted(fields.get(section), "column it shows", "columns it shows"),
        counted(filters.get(section), "column it filters by", "columns it filters by"),
        brokenLink(row, known, names),
      ].filter((what) => what !== null);
      return {
        id: String(section),
        name: `${page ?? "(no page)"} / ${text(row, "title") || table?.name || "(no table)"}`,
        type: text(row, "parentKey") || "record",
        collection: table?.id ?? null,
        broken: broken.length === 0 ? null : `not found: ${broken.join(", ")}`,
      };
    });
}

/** Section → how many of its columns are not there. */
function lostColumns(rows: readonly MetaRow[], section: string, names: Names): ReadonlyMap<number, number> {
  const lost = new Map<number, number>();
  for (const row of rows) {
    const column = id(row, "colRef");
    if (column !== 0 && !names.columns.has(column)) lost.set(id(row, section), (lost.get(id(row, section)) ?? 0) + 1);
  }
  return lost;
}

function counted(count: number | undefined, one: string, many: string): string | null {
  return count === undefined ? null : `${count} ${count === 1 ? one : many}`;
}

function brokenLink(row: MetaRow, known: ReadonlySet<number>, names: Names): string | null {
  const source = id(row, "linkSrcSectionRef");
  if (source !== 0 && !known.has(source)) return "the widget that selects it";
  const columns = [id(row, "linkSrcColRef"), id(row, "linkTargetColRef")];
  return columns.some((column) => column !== 0 && !names.columns.has(column)) ? "a column it is selected by" : null;
}
