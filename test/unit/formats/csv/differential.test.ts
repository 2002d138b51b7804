/** The parser against csv-parse: what both take for good they read alike; what only ours gives is why ours is used (decision 15). */
import { CsvError } from "csv-parse";
import { parse as parseByLibrary } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CsvParser, type CsvRow } from "../../../../agent/kit/csv.ts";
import { csvOf } from "../../../fixtures/csv/write.ts";

const COMMON = { relax_column_count: true, record_delimiter: ["\r\n", "\n"] };

/** Null where the library refuses the text. */
function byLibrary(text: string, delimiter: string): string[][] | null {
  try {
    return parseByLibrary(text, { ...COMMON, delimiter });
  } catch (thrown) {
    if (thrown instanceof CsvError) return null;
    throw thrown;
  }
}

function byOurs(text: string, delimiter: string): CsvRow[] {
  const parser = new CsvParser({ delimiter, newline: "\n" });
  return [...parser.push(text), ...parser.end()];
}

/** A line with nothing on it is one empty cell to the library. */
function cellsOf(rows: readonly CsvRow[]): readonly (readonly string[])[] {
  return rows.map((row) => (row.cells.length === 0 ? [""] : row.cells));
}

describe("what csv-parse reads is read alike", () => {
  it("of tables written by the book", () => {
    const cell = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("", '"', ",", ";", "\t", "|", "\r", "\n", "\r\n", 'x"y', "𐀀", " "),
    );
    const table = fc
      .integer({ min: 1, max: 5 })
      .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }));
    const style = fc.record({
      delimiter: fc.constantFrom(",", ";", "\t", "|"),
      newline: fc.constantFrom("\n", "\r\n"),
      quoteAll: fc.boolean(),
      lastLineEnd: fc.boolean(),
    });
    fc.assert(
      fc.property(table, style, (rows, how) => {
        const text = csvOf(rows, how);
        const known = byLibrary(text, how.delimiter);
        expect(known).not.toBeNull();
        expect(cellsOf(byOurs(text, how.delimiter))).toEqual(known);
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  it("of any text at all that it does not refuse, and only then without a fault", () => {
    const soup = fc
      .array(fc.constantFrom('"', '"', ",", "\n", "\r\n", "a", "b c", "é", '""', '"x"', ",,"), { maxLength: 30 })
      .map((parts) => parts.join(""));
    let read = 0;
    fc.assert(
      fc.property(soup, (text) => {
        const known = byLibrary(text, ",");
        if (known === null) return;
        read += 1;
        const rows = byOurs(text, ",");
        expect(cellsOf(rows)).toEqual(known);
        expect(rows.every((row) => row.fault === null)).toBe(true);
      }),
      { numRuns: 3000, seed: 8 },
    );
    expect(read).toBeGreaterThan(500);
  });
});

describe("what csv-parse does not give", () => {
  const stray = 'a,b\n"x"y,z\n1,2\n3,4\n5,"6"\n7,8\n';

  it("rows behind a stray quote, together with the news that there is one", () => {
    expect(byOurs(stray, ",").map((row) => [row.line, row.fault, ...row.cells])).toEqual([
      [1, null, "a", "b"],
      [2, "stray", "xy", "z"],
      [3, null, "1", "2"],
      [4, null, "3", "4"],
      [5, null, "5", "6"],
      [6, null, "7", "8"],
    ]);
    expect(byLibrary(stray, ",")).toBeNull();
    expect(parseByLibrary(stray, { ...COMMON, delimiter: ",", skip_records_with_error: true })).toEqual([
      ["a", "b"],
      ["7", "8"],
    ]);
  });

  it("the line on which a row begins, also behind line ends of RFC 4180 in a cell", () => {
    const text = 'a,b\r\n"two\r\nlines",1\r\nx,2\r\n';
    expect(byOurs(text, ",").map((row) => row.line)).toEqual([1, 2, 4]);
    const told = parseByLibrary(text, { ...COMMON, delimiter: ",", info: true }) as unknown as {
      readonly info: { readonly lines: number };
    }[];
    expect(told.map((row) => row.info.lines)).not.toEqual([1, 3, 4]);
  });

  it("the row that a file ends in, where its quote is never closed", () => {
    const text = 'a,b\n1,2\n3,"x\ny';
    expect(byOurs(text, ",").at(-1)).toEqual({ cells: ["3", "x\ny"], line: 3, fault: "unclosed" });
    expect(parseByLibrary(text, { ...COMMON, delimiter: ",", skip_records_with_error: true })).toHaveLength(2);
  });
});
