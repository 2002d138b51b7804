/** What faults are planted into: an artifact as it lies on disk, opened by code of the benchmark's own, never by the readers under test. */
import type { RandomSource } from "../../../agent/kit/random.ts";

export type Row = Record<string, unknown>;

/** Columns of a table by what they are for; a format that has no such column leaves it out. */
export interface Roles {
  readonly key: string;
  /** Filled in every row, with letters beyond ASCII. */
  readonly text: string;
  /** A column the product itself insists on. */
  readonly required?: string;
  /** Whole numbers beyond 2^53. */
  readonly big?: string;
  readonly time?: string;
  /** One other table, one row of it. */
  readonly link?: string;
  /** The other side of `orders.link`, in the table it points to. */
  readonly back?: string;
  /** The column that says who somebody is. */
  readonly person?: string;
}

export interface Table {
  /** As Restorewatch names the collection. */
  readonly name: string;
  readonly roles: Roles;
  /** As they lie on disk; changed in place or replaced. */
  rows: Row[];
}

/** `people` are pointed to by `orders`; `log` stands alone, nothing points to or from it. */
export type TableName = "people" | "orders" | "log";

/** How one format writes a value; everything that is not here is plain text. */
export interface Cells {
  link(cell: unknown): string | null;
  linkCell(key: string): unknown;
  back(cell: unknown): readonly string[];
  backCell(keys: readonly string[]): unknown;
  /** The same cell, so many milliseconds later. */
  shifted(cell: unknown, ms: number): unknown;
  /** A new key that looks like those there are. */
  freshKey(rows: readonly Row[], roles: Roles): unknown;
  /** What an emptied cell of this format holds. */
  readonly empty: unknown;
}

/** One document opened; nothing is on disk before `save`. */
export interface Opened {
  readonly tables: Partial<Record<TableName, Table>>;
  readonly cells: Cells;
  /** Every further thing that can be done to it, by fault; what is not here does not apply, with the reason in the format's list. */
  readonly acts: Partial<Record<Act, (severity: number) => void | Promise<void>>>;
  save(): Promise<void>;
}

/** `severity` is 0 for the least there is, 1 for all. */
export type Act =
  | "collection-dropped"
  | "field-dropped"
  | "field-dropped-from-schema"
  | "field-retyped"
  | "field-added"
  | "field-renamed"
  | "key-twice"
  | "file-html"
  | "file-missing"
  | "file-changed"
  | "automation-missing"
  | "automation-changed"
  | "automation-active"
  | "credential-spoiled"
  | "access-lost"
  | "view-lost"
  | "sequence-behind";

export interface CleanDocument {
  readonly format: string;
  readonly name: string;
  readonly key?: string;
  /** Writes it into an empty directory; returns its path. */
  write(directory: string): Promise<string>;
  open(path: string): Promise<Opened>;
  /** Of a directory, relative: the part whose bytes are cut and flipped, and the manifest beside it. Null: there is none. */
  readonly data: string | null;
  readonly manifest: string | null;
  /** A part whose absence is planted; null where the artifact is one file. */
  readonly part: string | null;
  /** Restorewatch's name of the column that says who somebody is, where it is not the one on disk. */
  readonly personField?: string;
  /** Why classes do not apply to this format. */
  readonly reasons: Readonly<Record<string, string>>;
}

export interface Planting {
  readonly path: string;
  readonly document: CleanDocument;
  readonly random: RandomSource;
}

/** Thrown by a planter for what a format has no place for. */
export class DoesNotApply extends Error {
  override readonly name = "DoesNotApply";
}

/** `count` at least 1 of `all` things for a severity between 0 and 1. */
export function share(all: number, severity: number): number {
  return Math.min(all, Math.max(1, Math.round(all * severity)));
}

/** So many different ones, evenly spread, beginning at a drawn place. */
export function some<T>(all: readonly T[], severity: number, random: RandomSource): readonly T[] {
  const count = share(all.length, severity);
  const from = Math.floor(random.next() * all.length);
  return Array.from({ length: count }, (_, index) => all[(from + Math.floor((index * all.length) / count)) % all.length]).filter(
    (one): one is T => one !== undefined,
  );
}
