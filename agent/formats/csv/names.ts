/** What names of files and columns say: which table a file is, which column is its key, which one leads to another table. */

/** Endings of files that are tables, in an export of several files. */
export function isTablePath(path: string): boolean {
  return /\.(?:csv|tsv|tab)$/iu.test(path) && !isHidden(path);
}

/** What systems put beside the files of people. */
export function isHidden(path: string): boolean {
  return path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX" || /^thumbs\.db$/iu.test(part));
}

const STAMP = /[-_. ]*(?:19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d(?:[-_T .]*[0-2]\d[-_:.]?[0-5]\d(?:[-_:.]?[0-5]\d)?)?Z?$/u;

/** Path without ending and without a date at its end: the same table has the same id in every backup. */
export function tableId(path: string): string {
  const plain = path.replace(/\.[^./]*$/u, "");
  const undated = plain.replace(STAMP, "");
  return undated === "" || undated.endsWith("/") ? plain : undated;
}

export function tableName(id: string): string {
  return id.split("/").at(-1) ?? id;
}

/** Only letters and digits, in lower case. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
}

const KEY_NAMES = new Set(["id", "key", "recordid", "rowid", "uuid", "guid", "pk", "nr", "no", "number", "ncrecordid", "airtableid"]);

/** `Id`, `record id`, and `<table> id` for the table itself. */
export function namesKey(column: string, table: string): boolean {
  const plain = plainName(column);
  return KEY_NAMES.has(plain) || formsOf(table).some((form) => plain === `${form}id` || plain === `${form}key`);
}

/**
 * @param table its name; Airtable adds the view's name behind a hyphen
 * @returns how a column that leads to the table may call it: singular, plural
 */
export function formsOf(table: string): readonly string[] {
  const names = new Set([plainName(table), plainName(table.replace(/-[^-]*$/u, ""))]);
  const forms = [...names].flatMap((name) => [
    name,
    name.replace(/s$/u, ""),
    name.replace(/es$/u, ""),
    name.replace(/ies$/u, "y"),
    `${name}s`,
    name.replace(/y$/u, "ies"),
  ]);
  return [...new Set(forms)].filter((form) => form.length > 1);
}

/** Whether a column is called as one that leads to `table` would be; `own`: to the table it stands in. */
export function namesLink(column: string, table: string, own: boolean): boolean {
  const plain = plainName(column);
  const stem = /^(.+?)(?:ids?|keys?|refs?|fk|codes?|nrs?)$/u.exec(plain)?.[1] ?? null;
  // A table `Orders` may well have a column `order` that is no reference to itself.
  if (own) return stem === "parent" || plain === "parent";
  return formsOf(table).some((form) => plain === form || stem === form || (stem !== null && form.length > 3 && stem.endsWith(form)));
}

/** What columns are called everywhere. */
const COMMON = new Set([
  ...KEY_NAMES,
  ...[
    "name",
    "title",
    "date",
    "status",
    "type",
    "description",
    "notes",
    "email",
    "phone",
    "url",
    "price",
    "amount",
    "quantity",
    "category",
  ],
  ...["firstname", "lastname", "address", "city", "country", "tags", "value", "timestamp", "code", "label"],
]);

/** Whether a column is called as columns of many tables are: `Name`, `Status`, `company_id`, `Created at`. */
export function namesCommonColumn(column: string): boolean {
  const plain = plainName(column);
  return (
    COMMON.has(plain) || namesCreated(column) || namesUpdated(column) || /^\S+[ _]id$/iu.test(column.trim()) || /^[a-z]+Id$/u.test(column)
  );
}

const CREATED = new Set(["createdat", "createdtime", "createdon", "datecreated", "creationdate", "created"]);
const UPDATED = new Set([
  "updatedat",
  "lastmodifiedtime",
  "lastmodified",
  "modifiedat",
  "updatedon",
  "dateupdated",
  "lastmodifiedon",
  "updated",
]);

export function namesCreated(column: string): boolean {
  return CREATED.has(plainName(column));
}

export function namesUpdated(column: string): boolean {
  return UPDATED.has(plainName(column));
}

/** Keys that a product made, safe to print: numbers, uuids, `rec…`. */
export function isMadeKey(key: string): boolean {
  return /^\d{1,19}$|^rec[A-Za-z0-9]{14}$|^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/iu.test(key);
}
