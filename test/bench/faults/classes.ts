/** The fault classes of verification.md §9, each at several severities. A planter changes one thing and says nothing of it anywhere else. */
import { readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Act, DoesNotApply, type Opened, type Planting, type Row, share, some, type Table, type TableName } from "./model.ts";
import { readZip, writeZip } from "./zip.ts";

export interface Severity {
  readonly name: string;
  readonly value: number;
}

export interface FaultClass {
  readonly id: string;
  readonly severities: readonly Severity[];
  /** @throws DoesNotApply where the document has no place for it */
  plant(planting: Planting, severity: Severity): Promise<void>;
  /** The artifact stays what it is: what is wrong with it lies outside of it. */
  readonly unchanged?: true;
  /** What only a configured source knows and is needed to see it; the third way of measuring. */
  readonly known?: "checksum" | "schedule" | "erasure";
}

const ONE_ALL: readonly Severity[] = [
  { name: "1", value: 0 },
  { name: "all", value: 1 },
];
const ROWS: readonly Severity[] = [
  { name: "1", value: 0 },
  { name: "1 %", value: 0.01 },
  { name: "all", value: 1 },
];

/** The file that is damaged byte by byte: the artifact itself, or the part its document names. */
export async function bytesOf(planting: Planting, part: string | null): Promise<{ readonly place: string; readonly zipped: boolean }> {
  if ((await stat(planting.path)).isFile()) return { place: planting.path, zipped: true };
  if (part === null) throw new DoesNotApply(planting.document.name);
  return { place: join(planting.path, part), zipped: false };
}

async function flip(place: string, from: number, to: number, count: number, { random }: Planting): Promise<void> {
  const bytes = await readFile(place);
  const [first, last] = [Math.floor(bytes.length * from), Math.floor(bytes.length * to)];
  const places = new Set<number>();
  while (places.size < Math.min(count, last - first)) places.add(first + Math.floor(random.next() * (last - first)));
  for (const at of places) bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random.next() * 8));
  await writeFile(place, bytes);
}

async function edited(planting: Planting, edit: (opened: Opened) => void | Promise<void>): Promise<void> {
  const opened = await planting.document.open(planting.path);
  await edit(opened);
  await opened.save();
}

function act(name: Act): FaultClass["plant"] {
  return (planting, severity) =>
    edited(planting, (opened) => {
      const run = opened.acts[name];
      if (run === undefined) throw new DoesNotApply(name);
      return run(severity.value);
    });
}

/** The fullest table that has such a column: `orders` where it is there, else the others. */
function tableWith(
  opened: Opened,
  role: keyof Table["roles"],
  order: readonly TableName[] = ["orders", "people", "log"],
): { readonly table: Table; readonly column: string } {
  for (const name of order) {
    const table = opened.tables[name];
    const column = table?.roles[role];
    if (table !== undefined && column !== undefined) return { table, column };
  }
  throw new DoesNotApply(role);
}

/** Changes one column of some rows; rows where it would stay what it is are passed over. */
function cells(role: keyof Table["roles"], change: (cell: unknown, opened: Opened, severity: Severity) => unknown): FaultClass["plant"] {
  return (planting, severity) =>
    edited(planting, (opened) => {
      const { table, column } = tableWith(opened, role);
      const able = table.rows.filter((row) => changed(row[column], change(row[column], opened, severity)));
      if (able.length === 0) throw new DoesNotApply(role);
      for (const row of some(able, severity.value, planting.random)) row[column] = change(row[column], opened, severity);
    });
}

function changed(before: unknown, after: unknown): boolean {
  const text = (value: unknown): string => (typeof value === "bigint" ? value.toString() : JSON.stringify(value)) ?? "";
  return text(before) !== text(after);
}

function loggedRows(opened: Opened): Table {
  const { log } = opened.tables;
  if (log === undefined) throw new DoesNotApply("log");
  return log;
}

/** UTF-8 read as Latin-1, as a wrong connection setting does it. */
export function mojibake(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** What one does that does not know the letters. */
export function replaced(text: string): string {
  return text.replaceAll(/[^\p{ASCII}]/gu, "\uFFFD");
}

function rounded(cell: unknown): unknown {
  const number = Number(cell);
  return typeof cell === "bigint" ? BigInt(number) : BigInt(number).toString();
}

async function dropPart(planting: Planting): Promise<void> {
  const { part } = planting.document;
  if (part === null) throw new DoesNotApply("part");
  if (!(await stat(planting.path)).isFile()) return rm(join(planting.path, part));
  const members = await readZip(await readFile(planting.path));
  if (!members.delete(part)) throw new Error(`no ${part}`);
  await writeFile(planting.path, await writeZip(members));
}

/** A byte of a member, with the zip's own sums made anew: only what the export itself says can tell. */
async function flipManifest(planting: Planting, severity: Severity): Promise<void> {
  const { manifest } = planting.document;
  if (manifest === null) throw new DoesNotApply("manifest");
  const count = severity.value === 0 ? 1 : 16;
  if (!(await stat(planting.path)).isFile()) return flip(join(planting.path, manifest), 0, 1, count, planting);
  const members = await readZip(await readFile(planting.path));
  const bytes = members.get(manifest);
  if (bytes === undefined) throw new Error(`no ${manifest}`);
  for (let n = 0; n < count; n += 1) {
    const at = Math.floor(planting.random.next() * bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(planting.random.next() * 7));
  }
  await writeFile(planting.path, await writeZip(members));
}

async function emptied(planting: Planting, severity: Severity): Promise<void> {
  if ((await stat(planting.path)).isFile()) return truncate(planting.path, 0);
  // The least: every file has no bytes; all: no file is left.
  for (const entry of await readdir(planting.path, { withFileTypes: true })) {
    const place = join(planting.path, entry.name);
    if (severity.value === 1) await rm(place, { recursive: true });
    else if (entry.isFile()) await truncate(place, 0);
    else
      for (const inner of await readdir(place, { recursive: true, withFileTypes: true }))
        if (inner.isFile()) await truncate(join(inner.parentPath, inner.name), 0);
  }
}

async function duplicated(planting: Planting, severity: Severity): Promise<void> {
  await edited(planting, (opened) => {
    const table = loggedRows(opened);
    for (const row of some([...table.rows], severity.value, planting.random))
      table.rows.push({ ...row, [table.roles.key]: opened.cells.freshKey(table.rows, table.roles) });
  });
}

async function dropped(planting: Planting, severity: Severity): Promise<void> {
  await edited(planting, (opened) => {
    const table = loggedRows(opened);
    const gone = new Set(some(table.rows, severity.value, planting.random));
    table.rows = table.rows.filter((row) => !gone.has(row));
  });
}

/** Both sides are made to agree, so that only who belongs to whom is wrong. */
async function swapped(planting: Planting, severity: Severity): Promise<void> {
  await edited(planting, (opened) => {
    const { table, column } = tableWith(opened, "link");
    const link = (row: Row): string | null => opened.cells.link(row[column]);
    const rows = table.rows.filter((row) => link(row) !== null);
    let pairs = share(Math.floor(rows.length / 2), severity.value);
    for (let at = 0; at + 1 < rows.length && pairs > 0; at += 1) {
      const [one, other] = [rows[at], rows[rows.length - 1 - at]];
      if (one === undefined || other === undefined || rows.length - 1 - at <= at || link(one) === link(other)) continue;
      [one[column], other[column]] = [other[column], one[column]];
      pairs -= 1;
    }
    const { people } = opened.tables;
    const back = people?.roles.back;
    if (people === undefined || back === undefined) return;
    for (const person of people.rows) {
      const key = String(person[people.roles.key]);
      const own = table.rows.filter((row) => link(row) === key).map((row) => String(row[table.roles.key]));
      const was = opened.cells.back(person[back]);
      if (was.toSorted().join() !== own.toSorted().join()) person[back] = opened.cells.backCell(own);
    }
  });
}

async function oneSided(planting: Planting, severity: Severity): Promise<void> {
  await edited(planting, (opened) => {
    const { people } = opened.tables;
    const back = people?.roles.back;
    if (people === undefined || back === undefined) throw new DoesNotApply("back");
    const linked = people.rows.filter((row) => opened.cells.back(row[back]).length > 0);
    for (const row of some(linked, severity.value, planting.random))
      row[back] = opened.cells.backCell(severity.value === 1 ? [] : opened.cells.back(row[back]).slice(1));
  });
}

const MISSING_KEY: Readonly<Record<string, string>> = { "node-red": "0000000000000bad", directus: "0c000000-dead-4000-8000-000000000000" };

async function dangling(planting: Planting, severity: Severity): Promise<void> {
  await edited(planting, (opened) => {
    const { table, column } = tableWith(opened, "link");
    const nowhere = MISSING_KEY[planting.document.format] ?? "999999";
    for (const row of some(table.rows, severity.value, planting.random)) row[column] = opened.cells.linkCell(nowhere);
  });
}

export const FAULT_CLASSES: readonly FaultClass[] = [
  {
    id: "truncated file or part",
    severities: [
      { name: "1 byte", value: 0 },
      { name: "10 %", value: 0.1 },
      { name: "half", value: 0.5 },
    ],
    async plant(planting, { value }) {
      const { place } = await bytesOf(planting, planting.document.data);
      const bytes = await readFile(place);
      // Line ends at the end are nothing that could be lost.
      let end = bytes.length;
      while (end > 0 && [0x0a, 0x0d, 0x20].includes(bytes[end - 1] ?? 0)) end -= 1;
      await truncate(place, end - Math.max(1, Math.floor(end * value)));
    },
    known: "checksum",
  },
  {
    id: "flipped byte in data",
    severities: [
      { name: "1", value: 1 },
      { name: "16", value: 16 },
      { name: "256", value: 256 },
    ],
    async plant(planting, { value }) {
      const { place } = await bytesOf(planting, planting.document.data);
      await flip(place, 0.05, 0.95, value, planting);
    },
    known: "checksum",
  },
  {
    id: "flipped byte in manifest",
    severities: [
      { name: "1", value: 0 },
      { name: "16", value: 1 },
    ],
    plant: flipManifest,
    known: "checksum",
  },
  { id: "missing part", severities: [{ name: "1", value: 0 }], plant: dropPart },
  {
    id: "empty artifact",
    severities: [
      { name: "no bytes", value: 0 },
      { name: "no files", value: 1 },
    ],
    plant: emptied,
  },
  // Nothing is changed: it is the same backup again, days later.
  { id: "stale artifact", severities: [{ name: "8 days", value: 8 }], plant: async () => undefined, known: "schedule", unchanged: true },
  { id: "rows dropped", severities: ROWS, plant: dropped },
  { id: "whole collection dropped", severities: [{ name: "1", value: 0 }], plant: act("collection-dropped") },
  { id: "rows duplicated", severities: ROWS, plant: duplicated },
  { id: "primary key duplicated", severities: ROWS, plant: act("key-twice") },
  { id: "dangling link", severities: ROWS, plant: dangling },
  { id: "links swapped with equal counts", severities: ROWS, plant: swapped },
  { id: "reciprocal side missing", severities: ROWS, plant: oneSided },
  {
    id: "field dropped",
    severities: [
      { name: "its values", value: 0 },
      { name: "altogether", value: 1 },
    ],
    plant: (planting, severity) => act(severity.value === 0 ? "field-dropped" : "field-dropped-from-schema")(planting, severity),
  },
  { id: "field type changed", severities: [{ name: "1", value: 0 }], plant: act("field-retyped") },
  { id: "value truncated", severities: ROWS, plant: cells("text", (cell) => String(cell).slice(0, 8)) },
  {
    id: "encoding damaged",
    severities: [
      { name: "1, U+FFFD", value: 0 },
      { name: "1 %, UTF-8 as Latin-1", value: 0.01 },
      { name: "all, UTF-8 as Latin-1", value: 1 },
    ],
    plant: cells("text", (cell, _, { value }) => (value === 0 ? replaced(String(cell)) : mojibake(String(cell)))),
  },
  { id: "big integer rounded", severities: ROWS, plant: cells("big", rounded) },
  {
    id: "timestamp shifted by a time zone",
    severities: [
      { name: "1", value: 0 },
      { name: "10 %", value: 0.1 },
      { name: "all", value: 1 },
    ],
    plant: cells("time", (cell, opened) => opened.cells.shifted(cell, 2 * 3_600_000)),
  },
  { id: "required value emptied", severities: ROWS, plant: cells("required", (_, opened) => opened.cells.empty) },
  { id: "attachment replaced by an HTML page", severities: ONE_ALL, plant: act("file-html") },
  { id: "attachment missing", severities: ONE_ALL, plant: act("file-missing") },
  { id: "attachment bytes changed", severities: ONE_ALL, plant: act("file-changed") },
  { id: "automation missing", severities: ONE_ALL, plant: act("automation-missing") },
  { id: "automation body changed", severities: ONE_ALL, plant: act("automation-changed") },
  { id: "automation left active", severities: ONE_ALL, plant: act("automation-active") },
  { id: "credential undecryptable", severities: ONE_ALL, plant: act("credential-spoiled") },
  { id: "role or permission lost", severities: ONE_ALL, plant: act("access-lost") },
  { id: "view lost", severities: ONE_ALL, plant: act("view-lost") },
  {
    id: "schema drift against baseline",
    severities: [
      { name: "field renamed", value: 0 },
      { name: "field added", value: 1 },
    ],
    plant: (planting, severity) => act(severity.value === 0 ? "field-renamed" : "field-added")(planting, severity),
  },
  { id: "sequence behind", severities: ONE_ALL, plant: act("sequence-behind") },
  // Nothing is changed either: the people in it are on the list of those erased before it was made.
  { id: "erased subject present", severities: ONE_ALL, plant: async () => undefined, known: "erasure", unchanged: true },
];
