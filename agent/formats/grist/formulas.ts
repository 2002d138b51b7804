/**
 * Formulas of Grist name tables and columns by their ids, which follow their labels when people rename them; Grist then rewrites every formula.
 * With the numbers by which the document itself keeps them, what computes the same reads the same.
 */
export interface Places {
  /** Number of a table by its id. */
  readonly tables: ReadonlyMap<string, number>;
  /** Number of a column, and the table its references lead to, by table and column id. */
  readonly columns: ReadonlyMap<string, ReadonlyMap<string, { readonly number: number; readonly leadsTo: string | null }>>;
}

const OWN = /(\$|\brec\.)([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)/gu;
const LOOKUP = /\b([A-Za-z_]\w*)\.(lookupOne|lookupRecords)\(([^()]*)\)((?:\.[A-Za-z_]\w*)*)/gu;
const NAMED = /\b([A-Za-z_]\w*)(\s*=(?!=))/gu;
const TABLE = /\b([A-Za-z_]\w*)(?=\.(?:lookupOne|lookupRecords|all|table)\b)/gu;

/** @returns the formula with `#number` for every name that is known; other names stay as they are */
export function byReference(formula: string, table: string, places: Places): string {
  const known = (of: string, column: string) => places.columns.get(of)?.get(column);
  /** `.A.B` from a record of a table on. */
  const chain = (of: string | null, path: string): string => {
    let at = of;
    return path.replaceAll(/\.([A-Za-z_]\w*)/gu, (whole, name: string) => {
      const column = at === null ? undefined : known(at, name);
      at = column?.leadsTo ?? null;
      return column === undefined ? whole : `.#${column.number}`;
    });
  };
  return formula
    .replaceAll(LOOKUP, (whole, of: string, how: string, given: string, path: string) =>
      places.tables.has(of)
        ? `${of}.${how}(${given.replaceAll(NAMED, (part, name: string, is: string) => {
            const column = known(of, name);
            return column === undefined ? part : `#${column.number}${is}`;
          })})${chain(of, path)}`
        : whole,
    )
    .replaceAll(OWN, (whole, how: string, name: string, path: string) => {
      const column = known(table, name);
      return column === undefined ? whole : `${how}#${column.number}${chain(column.leadsTo, path)}`;
    })
    .replaceAll(TABLE, (whole, name: string) => {
      const number = places.tables.get(name);
      return number === undefined ? whole : `#t${number}`;
    });
}
