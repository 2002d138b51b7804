import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SemanticType, Value } from "../../../../agent/core/content.ts";
import { unmarshal } from "../../../../agent/formats/grist/marshal.ts";
import { canonicalCell, plainNumber, type Cell } from "../../../../agent/formats/grist/values.ts";
import { semanticType } from "../../../../agent/formats/grist/collections.ts";
import { valueProblem } from "../../../contracts/canonical.ts";

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** `["L", 2, 1]`, `["E", "TypeError"]`, -0 and the text "12" as Grist marshals them. */
const LIST_2_1 = bytes("[\x03\0\0\0u\x01\0\0\0Li\x02\0\0\0i\x01\0\0\0");
const ERROR = bytes("[\x02\0\0\0u\x01\0\0\0Eu\x09\0\0\0TypeError");
const MINUS_ZERO = bytes("g\0\0\0\0\0\0\0\x80");
const TWELVE = bytes("u\x02\0\0\x0012");

const CASES: readonly (readonly [type: string, cell: Cell, value: Value])[] = [
  ["Text", "", null],
  ["Text", " x ", " x "],
  ["Text", TWELVE, "12"],
  ["Text", 12n, "12"],
  ["Int", 0n, "0"],
  ["Int", 9223372036854775807n, "9223372036854775807"],
  ["Int", -5, "-5"],
  ["Int", 1.5, "1.5"],
  ["Int", "n/a", "n/a"],
  ["Int", ERROR, '["E","TypeError"]'],
  ["Numeric", 0.1, "0.1"],
  ["Numeric", MINUS_ZERO, "0"],
  ["Numeric", 1e-7, "0.0000001"],
  ["Numeric", 1.5e300, `15${"0".repeat(299)}`],
  ["Numeric", Number.POSITIVE_INFINITY, "Infinity"],
  ["Bool", 1n, "true"],
  ["Bool", 0n, "false"],
  ["Bool", null, null],
  ["Bool", 2n, "2"],
  ["Bool", "maybe", "maybe"],
  ["Date", 1262304000n, "2010-01-01"],
  ["Date", -972432000n, "1939-03-10"],
  ["Date", "soon", "soon"],
  ["DateTime:Europe/Lisbon", 1749283750.12, "2025-06-07T08:09:10.120Z"],
  ["DateTime", 1e300, `1${"0".repeat(300)}`],
  ["Choice", "red", "red"],
  ["ChoiceList", '["b","a","b"]', ["a", "b"]],
  ["ChoiceList", "[]", null],
  ["ChoiceList", "b and a", ["b and a"]],
  ["ChoiceList", "[1]", ["[1]"]],
  ["Ref:T", 0n, null],
  ["Ref:T", 7n, "7"],
  ["Ref:T", "Jane", "Jane"],
  ["RefList:T", "[10,9,0,9]", ["10", "9"]],
  ["RefList:T", LIST_2_1, ["1", "2"]],
  ["RefList:T", null, null],
  ["RefList:T", "[1,", ["[1,"]],
  ["RefList:T", ERROR, ['["E","TypeError"]']],
  ["Attachments", "[3]", ["3"]],
  ["Any", LIST_2_1, '["L",2,1]'],
  ["Any", bytes("\xff\x00"), "x'ff00'"],
  ["Ref:_grist_Tables", 3n, "3"],
];

describe("values of Grist cells", () => {
  it.each(CASES)("%s %o is %o", (type, cell, value) => {
    expect(canonicalCell(semanticType(type), cell)).toEqual(value);
  });

  it("every number keeps its double and is written without an exponent", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const text = plainNumber(number);
        expect(text).toMatch(/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/u);
        expect(Number(text)).toBe(number === 0 ? 0 : number);
      }),
    );
  });

  it("no cell of any type throws or gives a shape that is not canonical", () => {
    const cells = fc.oneof(
      fc.constant(null),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.double(),
      fc.string(),
      fc.json(),
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }).map((tail) => Uint8Array.from([0x5b, ...tail])),
    );
    const types = [
      "Text",
      "Int",
      "Numeric",
      "Bool",
      "Date",
      "DateTime:UTC",
      "Choice",
      "ChoiceList",
      "Ref:T",
      "RefList:T",
      "Attachments",
      "Any",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...types), cells, (type, cell) => {
        const column: { type: SemanticType; target: string | null } = semanticType(type);
        expect(valueProblem(column, canonicalCell(column, cell))?.kind).not.toBe("shape");
      }),
      { numRuns: 2000 },
    );
  });
});

describe("Python's marshal", () => {
  it.each([
    ["N", null],
    ["T", true],
    ["i\xfe\xff\xff\xff", -2],
    ["I\0\0\0\0\0\0\0\x7f", 0x7f00000000000000n],
    ["l\xfd\xff\xff\xff\0\0\0\0\x01\0", -(1n << 30n)],
    ["f\x031.5", 1.5],
    ["(\x01\0\0\0N", [null]],
    ["{u\x01\0\0\0ai\x01\0\0\x000", { a: 1 }],
    ["[\x02\0\0\0t\x01\0\0\0xR\0\0\0\0", ["x", "x"]],
  ])("%j is read", (text, value) => {
    expect(unmarshal(bytes(text))).toEqual(typeof value === "bigint" && value > -(2n ** 53n) && value < 2n ** 53n ? Number(value) : value);
  });

  it.each([
    ["nothing", ""],
    ["code", "c\0\0\0\0"],
    ["a list longer than its bytes", "[\xff\xff\xff\x7f"],
    ["a negative length", "u\xff\xff\xff\xff"],
    ["bytes after its end", "NN"],
    ["an end without a dict", "0"],
    ["a hundred lists in one another", "[\x01\0\0\0".repeat(100)],
    ["a reference to nothing", "R\x05\0\0\0"],
  ])("%s is refused", (_, text) => {
    expect(unmarshal(bytes(text))).toBeUndefined();
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
        expect(() => unmarshal(any)).not.toThrow();
      }),
    );
  });
});
