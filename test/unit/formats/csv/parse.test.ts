/** The parser against the writer's rules of RFC 4180, in pieces of any size. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CsvParser, type CsvRow } from "../../../../agent/kit/csv.ts";
import { csvOf } from "../../../fixtures/csv/write.ts";

const COMMA = { delimiter: ",", newline: "\n" } as const;

function parse(text: string, dialect: ConstructorParameters<typeof CsvParser>[0] = COMMA, step = text.length): CsvRow[] {
  const parser = new CsvParser(dialect);
  const rows: CsvRow[] = [];
  for (let at = 0; at < text.length; at += Math.max(1, step)) rows.push(...parser.push(text.slice(at, at + Math.max(1, step))));
  return [...rows, ...parser.end()];
}

function cells(text: string, dialect = COMMA): readonly (readonly string[])[] {
  return parse(text, dialect).map((row) => row.cells);
}

describe("rows", () => {
  it.each([
    ["", []],
    ["a", [["a"]]],
    [
      "a,b\n1,2\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "a,b\r\n1,2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "a,\r\n,b\r\n",
      [
        ["a", ""],
        ["", "b"],
      ],
    ],
    [
      '"a","b"\n"1","2"\n',
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ['"a ""b"" c","d,e","f\ng"\n', [['a "b" c', "d,e", "f\ng"]]],
    ['"f\r\ng"\r\n', [["f\r\ng"]]],
    ['5" pipe,x\n', [['5" pipe', "x"]]],
    ['"",""\n', [["", ""]]],
    ["a\n\nb\n", [["a"], [], ["b"]]],
    ["a\rb,c\n", [["a\rb", "c"]]],
    [' "a"\n', [[' "a"']]],
  ])("%j", (text, expected) => {
    expect(cells(text)).toEqual(expected);
  });

  it("of old Mac files end in a carriage return", () => {
    expect(parse('a,b\r"1\r2",3\r', { delimiter: ",", newline: "\r" }).map((row) => row.cells)).toEqual([
      ["a", "b"],
      ["1\r2", "3"],
    ]);
  });

  it("are told with their line, also behind cells of several lines", () => {
    expect(parse('a,b\n"1\n2\n3",x\n\n"y",z\n').map((row) => row.line)).toEqual([1, 2, 5, 6]);
  });

  it("text behind a closing quote is kept and told", () => {
    expect(parse('a,b\n"x"y,z\n')[1]).toEqual({ cells: ["xy", "z"], line: 2, fault: "stray" });
  });

  it("a quote that is never closed is told with the line where its row begins", () => {
    expect(parse('a,b\n1,2\n3,"x\ny\n')).toEqual([
      { cells: ["a", "b"], line: 1, fault: null },
      { cells: ["1", "2"], line: 2, fault: null },
      { cells: ["3", "x\ny\n"], line: 3, fault: "unclosed" },
    ]);
  });
});

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("", '"', '""', ",", ";", "\t", "|", "\r", "\n", "\r\n", "\u0000", "𐀀", "\uFEFF", " ", 'x"y', '"\n'),
);

describe("a round trip", () => {
  it("gives back any table, whatever the separator, the line end and the pieces", () => {
    const table = fc
      .integer({ min: 1, max: 5 })
      .chain((width) => fc.array(fc.array(text, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }));
    const style = fc.record({
      delimiter: fc.constantFrom(",", ";", "\t", "|"),
      newline: fc.constantFrom("\n", "\r\n"),
      quoteAll: fc.boolean(),
    });
    fc.assert(
      fc.property(table, style, fc.integer({ min: 1, max: 9 }), (rows, how, step) => {
        const written = csvOf(rows, how);
        const read = parse(written, { delimiter: how.delimiter, newline: "\n" }, step);
        expect(read.map((row) => (row.cells.length === 0 ? [""] : row.cells))).toEqual(rows);
        expect(read.every((row) => row.fault === null)).toBe(true);
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  it("any text at all gives the same rows in one piece and in many, and no line is lost", () => {
    const soup = fc
      .array(fc.constantFrom('"', ",", "\n", "\r", "\r\n", "a", "é", '""', "\u0000"), { maxLength: 40 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(soup, fc.integer({ min: 1, max: 5 }), (whole, step) => {
        const once = parse(whole);
        expect(parse(whole, COMMA, step)).toEqual(once);
        const plain = whole.replaceAll(/[",\r\n]/gu, "");
        expect(
          once
            .flatMap((row) => row.cells)
            .join("")
            .replaceAll(/[",\r\n]/gu, ""),
        ).toBe(plain);
      }),
      { numRuns: 1000, seed: 4 },
    );
  });
});
