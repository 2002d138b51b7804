/** Mutations that know SQLite's file format: whole pages, page headers, cell pointers, the header of the file; and changes by SQL. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RandomSource } from "../../agent/kit/random.ts";
import { at, pick } from "./pick.ts";

function pageSize(bytes: Buffer): number {
  const size = bytes.length >= 18 ? bytes.readUInt16BE(16) : 0;
  return size === 1 ? 65_536 : Math.max(512, size);
}

function onPages(change: (copy: Buffer, size: number, pages: number, random: RandomSource) => Buffer | void) {
  return (bytes: Buffer, random: RandomSource): Buffer => {
    const copy = Buffer.from(bytes);
    const size = pageSize(copy);
    return change(copy, size, Math.max(1, Math.floor(copy.length / size)), random) ?? copy;
  };
}

const HEADER_PLACES = [16, 18, 19, 20, 21, 22, 23, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 72, 92, 96];
const VALUES = [
  "NULL",
  "-1",
  "0",
  "99999999",
  "9223372036854775807",
  "1e308",
  "''",
  "'x'",
  "'[1,'",
  "'[\"L\",1]'",
  "x'00ff'",
  "zeroblob(70000)",
  "'Ref:Nowhere'",
  "'{}'",
];
/** SQL that no document made by the product holds. */
const SCHEMES = [
  "CREATE VIEW odd AS SELECT * FROM _grist_Tables",
  "CREATE VIRTUAL TABLE odd USING fts5(a)",
  "CREATE TRIGGER odd AFTER INSERT ON _grist_Tables BEGIN SELECT 1; END",
  "CREATE TABLE odd (a AS (abs(-9223372036854775807 - 1)), b)",
  'CREATE TABLE "odd""name" (id INTEGER PRIMARY KEY, "" TEXT)',
  "PRAGMA user_version = 99",
];

function bySql(statement: (database: DatabaseSync, random: RandomSource) => string) {
  return (bytes: Buffer, random: RandomSource): Buffer => {
    const folder = mkdtempSync(join(tmpdir(), "rw-fuzz-sql-"));
    try {
      const path = join(folder, "d");
      writeFileSync(path, bytes);
      const database = new DatabaseSync(path);
      try {
        database.exec("PRAGMA journal_mode = DELETE");
        database.exec(statement(database, random));
      } catch {
        // A statement that a constraint refuses changes nothing.
      } finally {
        database.close();
      }
      return readFileSync(path);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function table(database: DatabaseSync, random: RandomSource): string {
  const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'").all();
  // Grist's own history is large and never read.
  const told = names.map((row) => String(row["name"])).filter((name) => !name.startsWith("_gristsys_Action"));
  return quoted(pick(random, told));
}

function column(database: DatabaseSync, from: string, random: RandomSource): string {
  return quoted(
    pick(
      random,
      database
        .prepare(`PRAGMA table_info(${from})`)
        .all()
        .map((row) => String(row["name"])),
    ),
  );
}

export const SQLITE_MUTATIONS = [
  {
    name: "SQLite pages swapped",
    apply: onPages((copy, size, pages, random) => {
      const [one, two] = [at(random, pages), at(random, pages)];
      const kept = Buffer.from(copy.subarray(one * size, (one + 1) * size));
      copy.copy(copy, one * size, two * size, (two + 1) * size);
      kept.copy(copy, two * size);
    }),
  },
  {
    name: "SQLite page zeroed",
    apply: onPages((copy, size, pages, random) => {
      const page = at(random, pages);
      return copy.fill(0, page * size, (page + 1) * size);
    }),
  },
  {
    name: "SQLite page over another",
    apply: onPages((copy, size, pages, random) => {
      const from = at(random, pages);
      copy.copy(copy, at(random, pages) * size, from * size, (from + 1) * size);
    }),
  },
  {
    name: "SQLite file header changed",
    apply: onPages((copy, _size, _pages, random) => {
      const where = pick(random, HEADER_PLACES);
      if (where < 24) copy[where] = at(random, 256);
      else copy.writeUInt32BE(pick(random, [0, 1, 2, 3, 5, 0x7f_ff_ff_ff, 0xff_ff_ff_ff, at(random, 2000)]), where);
    }),
  },
  {
    name: "SQLite page header changed",
    apply: onPages((copy, size, pages, random) => {
      const page = at(random, pages);
      copy[page * size + (page === 0 ? 100 : 0) + at(random, 12)] = pick(random, [0, 2, 5, 10, 13, 255, at(random, 256)]);
    }),
    weight: 2,
  },
  {
    name: "SQLite cell pointer changed",
    apply: onPages((copy, size, pages, random) => {
      const start = at(random, pages) * size;
      copy.writeUInt16BE(at(random, 65_536), Math.min(copy.length - 2, start + 8 + 2 * at(random, 40)));
    }),
    weight: 2,
  },
  { name: "SQLite cut at a page", apply: onPages((copy, size, pages, random) => copy.subarray(0, at(random, pages) * size)) },
  {
    name: "SQL value replaced",
    weight: 4,
    apply: bySql((database, random) => {
      const name = table(database, random);
      return `UPDATE ${name} SET ${column(database, name, random)} = ${pick(random, VALUES)} WHERE rowid % ${1 + at(random, 5)} = 0`;
    }),
  },
  {
    name: "SQL rows deleted",
    weight: 2,
    apply: bySql((database, random) => `DELETE FROM ${table(database, random)} WHERE rowid % ${1 + at(random, 7)} = 0`),
  },
  {
    name: "SQL column renamed or dropped",
    apply: bySql((database, random) => {
      const name = table(database, random);
      const what = column(database, name, random);
      return random.next() < 0.5 ? `ALTER TABLE ${name} RENAME COLUMN ${what} TO "else"` : `ALTER TABLE ${name} DROP COLUMN ${what}`;
    }),
  },
  { name: "SQL table dropped", apply: bySql((database, random) => `DROP TABLE ${table(database, random)}`) },
  { name: "SQL schema made odd", apply: bySql((_database, random) => pick(random, SCHEMES)) },
];
