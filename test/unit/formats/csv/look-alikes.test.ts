/** Files that have as many commas, semicolons, bars or tabs in every line and are no tables, and tables that have no name. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { csv } from "../../../../agent/formats/csv/index.ts";
import { probeOf } from "../../../contracts/format.ts";
import { desk } from "./read.ts";

const { place, write } = desk();

async function confidence(text: string, name = "backup"): Promise<number> {
  const folder = place();
  await mkdir(folder);
  await writeFile(join(folder, name), text);
  return (await csv.create().recognise(await probeOf(join(folder, name)))).confidence;
}

/** A line, many times, with another number in it each time. */
const often = (line: (n: number) => string, times = 40): string => Array.from({ length: times }, (_, n) => `${line(n)}\n`).join("");

const LOOK_ALIKES: Readonly<Record<string, string>> = {
  "a cron table":
    "30 3 * * 0 root test -e /run/systemd/system || /sbin/e2scrub_all\n10 3 * * * root test -e /run/x || /sbin/e2scrub_all -A\n",
  "an apt configuration": 'Acquire::http::Proxy "http://127.0.0.1:1";\nAcquire::https::Proxy "DIRECT";\n',
  "a module in JavaScript": '"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\n',
  "re-exports in JavaScript": often((n) => `exports.a${n} = require_a${n}.a${n};`),
  "statements in C": often((n) => `int value_${n} = ${n};`),
  "arrays in C": `static const int a[] = {\n${often((n) => `  ${n}, ${n + 1}, ${n + 2},`)}};\n`,
  "rows of numbers": often((n) => `${n},${n + 1},${n + 2}`),
  "a table in Markdown": `| Name | Price |\n| --- | --- |\n${often((n) => `| Item ${n} | ${n} |`)}`,
  "a table in Markdown without bars outside": `Name | Price\n--- | ---\n${often((n) => `Item ${n} | ${n}`)}`,
  "a table as psql prints it": ` id | name\n----+------\n${often((n) => `  ${n} | Item ${n}`)}(40 rows)\n`,
  "log lines with milliseconds": often((n) => `2026-01-02 03:04:${String(n).padStart(2, "0")},123 INFO started job ${n}`),
  "log lines with fields": often((n) => `time=2026-01-02T03:04:05Z, level=info, job=${n}`),
  "log lines of a web server": often((n) => `127.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET /${n}, HTTP/1.1" 200 ${n}`),
  "an INI file": often((n) => `key${n}=a, b`),
  "a style sheet": often((n) => `keyword${n} blue; // for words, of the language`),
  "colours of a highlighter": often((n) => `keyword${n} blue b ;`),
  "a dump of SQL with INSERT": often((n) => `INSERT INTO people VALUES (${n}, 'Ann', 12.5);`),
  "a dump of SQL with COPY": `COPY public.people (id, name, born) FROM stdin;\n${often((n) => `${n}\tAnn ${n}\t1990-01-02`)}\\.\n`,
  "a dump of SQL with ALTER": often((n) => `ALTER TABLE t${n} ADD PRIMARY KEY USING INDEX t${n}_oid_index;\n`),
  "a manual with tabs": `NAME\tls - list directory contents\nSYNOPSIS\tls [OPTION]... [FILE]...\n${often((n) => `-${n}\tdo thing number ${n}`)}`,
  "a script of an editor": often((n) => `syn keyword\tword${n}`),
  "pairs of words": often((n) => `postgres${n}\tpgsql`),
  "a list of names and addresses": often((n) => `Ann Able the ${n}th, ann${n}@example.org`),
  "Fortran, indented with tabs": "\tPROGRAM FOO\n\tCALL BAR(1, 2)\n\tEND\n",
  prose: often((n) => `In the year ${n}, nothing happened; and so it went on`),
  "a shell script": often((n) => `test -f /tmp/${n} | cat`),
  "Makefile rules": often((n) => `target${n}:\n\tgcc -o ${n}, x`),
  YAML: often((n) => `key${n}: one, two`),
  "JSON lines": often((n) => `{"id":${n},"name":"Ann"}`),
  "an XML document": `<rows>\n${often((n) => `<row id="${n}">a,b</row>`)}</rows>\n`,
  "a certificate": "-----BEGIN CERTIFICATE-----\nMIIB,\nMIIC,\n-----END CERTIFICATE-----\n",
  "a file of hosts": often((n) => `10.0.0.${n}\thost${n}.example`),
  "a passwd file": often((n) => `user${n}:x:${n}:${n}:User, ${n}:/home/user${n}:/bin/sh`),
  checksums: often((n) => `${String(n).padStart(64, "0")}\tfile${n}.bin`),
  "a mail": "From: Ann, <ann@example.org>\nTo: Bo, <bo@example.org>\n\nHello, Bo\nBye, Ann\n",
};

describe("no table by its text", () => {
  it.each(Object.keys(LOOK_ALIKES))("%s", async (name) => {
    expect(await confidence(LOOK_ALIKES[name] ?? "")).toBeLessThan(0.5);
  });

  it.each(["JSON lines", "an XML document", "a dump of SQL with INSERT", "a dump of SQL with COPY"])(
    "%s is none even where it is called so",
    async (name) => {
      expect(await confidence(LOOK_ALIKES[name] ?? "", "export.csv")).toBe(0);
    },
  );
});

describe("a table without a name that says so", () => {
  it.each([
    ["numbers and dates", "id,name,born\n1,Ann,1990-01-02\n2,Bo,1991-03-04\n"],
    ["only text, under names that many tables have", "Name,Notes,Assignee,Status\nAlpha,see below,Ann,open\nBeta,,Bo,done\n"],
    ["Airtable", "\uFEFFName,Team,Done\nAlpha,Ann,checked\nBeta,Bo,\n"],
    ["Baserow", "id,Title,Customer,Paid\n1,A,Ann,True\n2,B,Bo,False\n"],
    ["NocoDB", '"Id","Title","Created At"\n"1","A","2026-01-02 03:04:05+00:00"\n"2","B","2026-01-02 03:04:06+00:00"\n'],
    ["Grist", "Film,Budget_millions,Release_Date\nToy Story,30,1995-11-22\nAlien,,1979-05-25\n"],
    ["Directus", "id,status,date_created\n1,published,2026-01-02T03:04:05.000Z\n2,draft,2026-01-02T03:04:05.000Z\n"],
    ["Excel in Europe", "Nr;Name;Betrag\r\n1;Anna;12,50\r\n2;Bernd;3,75\r\n"],
    [
      "PostgreSQL, COPY … CSV HEADER",
      "id,email,created_at\n1,a@example.org,2026-01-02 03:04:05+00\n2,b@example.org,2026-01-02 03:04:06+00\n",
    ],
    ["pandas, with numbers of rows and no name above", ",price,city\n0,1.5,Ulm\n1,2.5,Bonn\n"],
    [
      "questions as names, and numbers",
      "Timestamp,How old are you? (years),Do you agree?\n2026-01-02T03:04:05Z,40,Yes\n2026-01-03T03:04:05Z,41,No\n",
    ],
  ])("%s", async (_name, text) => {
    expect(await confidence(text)).toBeGreaterThanOrEqual(0.5);
  });

  it("with one broken row among many is one still", async () => {
    const rows = often((n) => (n === 20 ? "20,cut" : `${n},Ann ${n},1990-01-02`));
    expect(await confidence(`id,name,born\n${rows}`)).toBeGreaterThanOrEqual(0.5);
  });
});

describe("a file that is called as a table", () => {
  it.each([
    ["a header and no rows", "id,name\n"],
    ["only text", "colour,taste\nred,sweet\n"],
    ["names that are years", "2019,2020\n1,2\n"],
    ["cut off inside a cell", 'colour,taste\nred,sweet\ngreen,"so'],
    ["a broken row among three", "colour,taste\nred,sweet\ngreen\n"],
    ["a broken row in three", "a,b\n1,2\n3\n4,5\n6,7\n8,9\n"],
  ])("needs less: %s", async (_name, text) => {
    expect(await confidence(text)).toBeLessThan(0.5);
    expect(await confidence(text, "export.csv")).toBeGreaterThanOrEqual(0.5);
    expect(await confidence(text, "EXPORT.TSV")).toBeGreaterThanOrEqual(0.5);
    expect((await csv.create().recognise(await probeOf(await write({ "export.csv": text })))).confidence).toBeGreaterThanOrEqual(0.5);
  });
});
