import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attachmentsOf, canonical, COMPUTED, semanticType, timeOf, toAirtable } from "../../../../agent/platforms/airtable/values.ts";

describe("what a field holds", () => {
  test.each([
    ["number", { precision: 0 }, "integer"],
    ["number", { precision: 2 }, "decimal"],
    ["number", null, "decimal"],
    ["percent", null, "decimal"],
    ["rating", null, "integer"],
    ["checkbox", null, "boolean"],
    ["dateTime", null, "timestamp"],
    ["multipleRecordLinks", null, "links"],
    ["multipleAttachments", null, "files"],
    ["singleCollaborator", null, "choice"],
    ["barcode", null, "json"],
    ["a type of next year", null, "text"],
    ["formula", { result: { type: "number", options: { precision: 0 } } }, "integer"],
    ["rollup", { result: { type: "multipleRecordLinks" } }, "json"],
    ["formula", { result: null }, "text"],
    ["formula", { result: { type: 7 } }, "text"],
  ] as const)("%s %o is %s", (type, options, semantic) => {
    expect(semanticType({ type, options })).toBe(semantic);
  });
});

describe("cells", () => {
  test("absent, null and empty are the same, but a box that is not ticked is false", () => {
    for (const cell of [undefined, null, ""])
      for (const type of ["text", "decimal", "files", "json"] as const) expect(canonical(type, cell)).toBeNull();
    for (const cell of [undefined, null, false]) expect(canonical("boolean", cell)).toBe("false");
    expect(canonical("boolean", true)).toBe("true");
    expect(canonical("links", [])).toBeNull();
  });

  test.each([
    ["decimal", 1e21, "1000000000000000000000"],
    ["decimal", 1.5e-7, "0.00000015"],
    ["decimal", "12.500", "12.5"],
    ["decimal", -0, "0"],
    ["integer", "9007199254740993", "9007199254740993"],
    ["timestamp", "2026-11-22T10:00:00+02:00", "2026-11-22T08:00:00.000Z"],
    ["timestamp", "no time", "no time"],
    ["date", "2026-01-02T00:00:00Z", "2026-01-02"],
    ["choice", { id: "usr1", email: "ada@example.com", name: "Ada" }, "usr1"],
    ["decimal", { specialValue: "NaN" }, '{"specialValue":"NaN"}'],
    ["json", { b: 1, a: [2] }, '{"a":[2],"b":1}'],
    ["text", 7, "7"],
  ] as const)("%s %o is %s", (type, cell, value) => {
    expect(canonical(type, cell)).toBe(value);
  });

  test("lists are sorted and have nothing twice; people leave only their ids", () => {
    expect(canonical("links", ["recB", "recA", "recB"])).toEqual(["recA", "recB"]);
    expect(canonical("choices", [{ id: "usr2", name: "Grace" }, { id: "usr1" }])).toEqual(["usr1", "usr2"]);
    const files = [{ id: "att2", url: "https://x" }, { nonsense: true }, { id: "att1", url: "https://y", size: null }];
    expect(canonical("files", files)).toEqual(["att1", "att2"]);
    expect(attachmentsOf("no list")).toEqual([]);
  });

  test("what is no time has none", () => {
    expect([timeOf("2026-01-01T00:00:00.000Z"), timeOf("soon"), timeOf(7), timeOf(undefined)]).toEqual([
      Date.UTC(2026, 0, 1),
      null,
      null,
      null,
    ]);
  });
});

describe("back to Airtable", () => {
  test("an empty value is not sent, and a number only where nothing of it is lost", () => {
    expect(toAirtable({ type: "text" }, null)).toBeUndefined();
    expect(toAirtable({ type: "choices" }, [])).toBeUndefined();
    expect(toAirtable({ type: "boolean" }, "false")).toBeUndefined();
    expect(toAirtable({ type: "boolean" }, "true")).toBe(true);
    expect(toAirtable({ type: "integer" }, "42")).toBe(42);
    expect(toAirtable({ type: "integer" }, "9007199254740993")).toBe("9007199254740993");
    expect(toAirtable({ type: "decimal" }, "12345678901234567.89")).toBe("12345678901234567.89");
    expect(toAirtable({ type: "json" }, '{"text":"1"}')).toEqual({ text: "1" });
    expect(toAirtable({ type: "json" }, "no json")).toBe("no json");
  });

  test("every number comes back as it went", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const value = canonical("decimal", number);
        expect(value).toMatch(/^-?\d+(?:\.\d*[1-9])?$/u);
        expect(toAirtable({ type: "decimal" }, value)).toBe(number === 0 ? 0 : number);
        expect(canonical("decimal", toAirtable({ type: "decimal" }, value))).toBe(value);
      }),
    );
  });
});

test("what Airtable computes is known by kind", () => {
  expect(COMPUTED.has("formula")).toBe(true);
  expect(COMPUTED.has("number")).toBe(false);
});
