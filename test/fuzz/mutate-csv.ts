/** Mutations that CSV is sensitive to: quotes, delimiters, line ends, cells, rows. */
import type { RandomSource } from "../../agent/kit/random.ts";
import { at, pick } from "./pick.ts";

function lines(change: (rows: string[], index: number, random: RandomSource) => void) {
  return (bytes: Buffer, random: RandomSource): Buffer => {
    const rows = bytes.toString("utf8").split("\n");
    change(rows, at(random, rows.length), random);
    return Buffer.from(rows.join("\n"));
  };
}

/** One of the places where `what` stands, put anew; unchanged where there is none. */
function replaceOne(what: RegExp, choices: readonly string[]) {
  return (bytes: Buffer, random: RandomSource): Buffer => {
    const text = bytes.toString("utf8");
    const found = [...text.matchAll(what)];
    if (found.length === 0) return Buffer.from(`${text}${pick(random, choices)}`);
    const { index, 0: old } = pick(random, found);
    return Buffer.from(text.slice(0, index) + pick(random, choices) + text.slice(index + old.length));
  };
}

const CELLS = [
  "",
  '""',
  "0",
  "-1",
  "1e999",
  "9007199254740993",
  "2026-02-30",
  "true",
  '"',
  '"a\nb"',
  "\0",
  "=1+1",
  "\u2028",
  "x".repeat(70_000),
];

export const CSV_MUTATIONS = [
  { name: "CSV quote changed", apply: replaceOne(/"/gu, ["", '""', '"""', '"x']), weight: 2 },
  { name: "CSV quote put", apply: replaceOne(/[,\n]/gu, [',"', '"\n', '","']) },
  { name: "CSV delimiter changed", apply: replaceOne(/,/gu, [";", "\t", "", ",,", "|"]), weight: 2 },
  { name: "CSV line end changed", apply: replaceOne(/\r?\n/gu, ["\r", "\n\n", "\r\n\r\n", "", "\n\r"]) },
  { name: "CSV cell replaced", apply: replaceOne(/(?<=[,\n])[^,"\r\n]*(?=[,\r\n])/gu, CELLS), weight: 3 },
  { name: "CSV row dropped", apply: lines((rows, index) => rows.splice(index, 1)) },
  { name: "CSV row doubled", apply: lines((rows, index) => rows.splice(index, 0, rows[index] ?? "")) },
  {
    name: "CSV rows swapped",
    apply: lines((rows, index, random) => {
      const other = at(random, rows.length);
      [rows[index], rows[other]] = [rows[other] ?? "", rows[index] ?? ""];
    }),
  },
  { name: "CSV byte order mark", apply: (bytes: Buffer): Buffer => Buffer.concat([Buffer.from("\uFEFF"), bytes]) },
  { name: "CSV as UTF-16", apply: (bytes: Buffer): Buffer => Buffer.from(`\uFEFF${bytes.toString("utf8")}`, "utf16le") },
];
