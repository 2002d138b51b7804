import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIST_TYPES, type SemanticType } from "../../../../agent/core/content.ts";
import { canonicalJson, ExactNumber, parseJson } from "../../../../agent/kit/json.ts";
import { canonicalCell, type CellType, moment, number } from "../../../../agent/formats/baserow/values.ts";
import { valueProblem } from "../../../contracts/canonical.ts";

const options = new Map([
  ["1", "red"],
  ["2", "blue"],
  ["3", ""],
]);

function cell(type: SemanticType, more: Partial<CellType> = {}): CellType {
  return { type, options: null, secret: false, ...more };
}

describe("cells", () => {
  it.each<[CellType, unknown, unknown]>([
    [cell("text"), "", null],
    [cell("text"), " a ", " a "],
    [cell("text"), 5, "5"],
    [cell("text"), { b: 1, a: 2 }, '{"a":2,"b":1}'],
    [cell("text", { secret: true }), "", null],
    [cell("boolean"), "true", "true"],
    [cell("boolean"), false, "false"],
    [cell("boolean"), "yes", "yes"],
    [cell("date"), "2024-02-29", "2024-02-29"],
    [cell("timestamp"), "2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00.000Z"],
    [cell("timestamp"), "2024-02-30T00:00:00Z", "2024-02-30T00:00:00Z"],
    [cell("timestamp"), "yesterday", "yesterday"],
    [cell("integer"), 4, "4"],
    [cell("integer"), new ExactNumber("12345678901234567890"), "12345678901234567890"],
    [cell("choice", { options }), 1, "red"],
    [cell("choice", { options }), 9, "9"],
    [cell("choice", { options }), 3, "3"],
    [cell("choice", { options }), "red", "red"],
    [cell("choices", { options }), [2, 1, 2], ["blue", "red"]],
    [cell("choices", { options }), [2, 9], ["9", "blue"]],
    [cell("choices", { options }), [], null],
    [cell("choices", { options }), "x", ["x"]],
    [cell("choices"), ["b@x", "a@x"], ["a@x", "b@x"]],
    [cell("choices"), [{ id: 1, name: "Bo" }], ["Bo"]],
    [cell("links"), [10, 9, 10], ["10", "9"]],
    [cell("links"), [1, "x"], ['[1,"x"]']],
    [cell("links"), 1, ["1"]],
    [cell("files"), [{ name: "b" }, { name: "a" }], ["a", "b"]],
    [cell("files"), [{}], ["[{}]"]],
    [cell("json"), [{ b: 1, a: null }], '[{"a":null,"b":1}]'],
  ])("%j of %j is %j", (type, value, expected) => {
    expect(canonicalCell(type, value)).toEqual(expected);
  });

  it("whatever JSON a cell holds, the value has the shape of its type and nothing is dropped", () => {
    const types: SemanticType[] = [
      "text",
      "integer",
      "decimal",
      "boolean",
      "date",
      "timestamp",
      "choice",
      "choices",
      "links",
      "files",
      "json",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.boolean(), fc.jsonValue(), (type, withOptions, value) => {
        const read = canonicalCell(cell(type, { options: withOptions ? options : null }), value);
        expect(valueProblem({ type }, read)?.kind).not.toBe("shape");
        const empty = value === null || value === "" || (LIST_TYPES.has(type) && Array.isArray(value) && value.length === 0);
        expect(read === null).toBe(empty);
      }),
    );
  });
});

describe("numbers", () => {
  it.each([
    ["100.00", "100"],
    ["0E-10", "0"],
    ["-0.00", "0"],
    ["+7", "7"],
    ["007", "7"],
    ["1.5E+3", "1500"],
    ["1E-3", "0.001"],
    ["12345678901234567.8900", "12345678901234567.89"],
    [1e21, "1000000000000000000000"],
    [-2.5e-7, "-0.00000025"],
    ["1E+99999", null],
    ["NaN", null],
    ["1,5", null],
    ["", null],
    [null, null],
  ])("%j is %j", (value, expected) => {
    expect(number(value)).toBe(expected);
  });

  it("keeps the value of every double", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(number(value))).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});

it("moments are read with any offset, and the day in them must exist", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date("1900-01-01"), max: new Date("2999-12-31"), noInvalidDate: true }), (date) => {
      expect(moment(date.toISOString())).toBe(date.toISOString());
      expect(moment(date.toISOString().replace("Z", "+00:00"))).toBe(date.toISOString());
    }),
  );
  for (const wrong of [
    "2024-04-31T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "2024-01-01",
    "2024-01-01T00:00:00",
    "2024-13-01T00:00:00Z",
    5,
    null,
  ])
    expect(moment(wrong)).toBeNull();
});

it("JSON with long numbers is read and written back digit by digit", () => {
  const text = '{"a":[12345678901234567890,0.1000000000000000055,-1e400,1],"b":{}}';
  expect(canonicalJson(parseJson(Buffer.from(text), "it", 10))).toContain("12345678901234567890");
  expect(canonicalJson(parseJson(Buffer.from(text), "it", 10))).toContain("0.1000000000000000055");
});
