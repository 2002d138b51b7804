/** Formulas by reference: renaming a field, which rewrites every formula that uses it, changes nothing of what is computed. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Field } from "../../../agent/core/content.ts";
import { tableSettings } from "../../../agent/formats/baserow/applications.ts";
import { readTables } from "../../../agent/formats/baserow/tables.ts";
import { byReference, type Places } from "../../../agent/formats/grist/formulas.ts";
import type { JsonObject } from "../../../agent/kit/json.ts";

describe("Grist", () => {
  const places = (name: string, people: string): Places => ({
    tables: new Map([
      ["Orders", 1],
      [people, 2],
    ]),
    columns: new Map([
      [
        "Orders",
        new Map([
          ["Price", { number: 11, leadsTo: null }],
          ["Buyer", { number: 12, leadsTo: people }],
        ]),
      ],
      [
        people,
        new Map([
          [name, { number: 21, leadsTo: null }],
          ["Boss", { number: 22, leadsTo: people }],
        ]),
      ],
    ]),
  });
  const before = places("Name", "People");
  const after = places("Full_Name", "Persons");

  test.each([
    ["$Price * 2", "$Price * 2", "$#11 * 2"],
    ["$Buyer.Boss.Name or rec.Price", "$Buyer.Boss.Full_Name or rec.Price", "$#12.#22.#21 or rec.#11"],
    ["People.lookupOne(Name=$Buyer.Name).Boss", "Persons.lookupOne(Full_Name=$Buyer.Full_Name).Boss", "#t2.lookupOne(#21=$#12.#21).#22"],
    ["len(People.all)", "len(Persons.all)", "len(#t2.all)"],
  ])("%s reads the same once people renamed what it uses", (was, is, expected) => {
    expect(byReference(was, "Orders", before)).toBe(expected);
    expect(byReference(is, "Orders", after)).toBe(expected);
  });

  test("what computes something else does not, and what is not known stays as it is", () => {
    expect(byReference("$Price * 3", "Orders", before)).not.toBe(byReference("$Price * 2", "Orders", before));
    expect(byReference("$Unknown + Elsewhere.lookupOne(a=1).b", "Orders", before)).toBe("$Unknown + Elsewhere.lookupOne(a=1).b");
  });

  test("a formula made to be slow is not", () => {
    const began = performance.now();
    for (const piece of ["People.lookupOne(", "$Buyer.", "a=", "rec."]) byReference(piece.repeat(100_000), "Orders", before);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

describe("Baserow, a real export", () => {
  const file = new URL("../../../../shared/data/baserow/ooo-management.json", import.meta.url);
  const read = (text: string) => {
    const { export: applications } = JSON.parse(text) as { export: JsonObject[] };
    const tables = readTables(
      applications.filter((one) => one["type"] === "database"),
      [],
    );
    const formulas = tables
      .flatMap((table) => table.fields.map((one) => one.field))
      .filter((one): one is Field & { formula: string } => typeof one.formula === "string");
    return { formulas, settings: tableSettings(tables) };
  };
  const text = readFileSync(file, "utf8");

  test("every name of a field that is there becomes its id", () => {
    const { formulas } = read(text);
    expect(formulas.length).toBeGreaterThan(4);
    for (const { formula } of formulas) expect(formula).not.toMatch(/field\('|lookup\('/u);
  });

  test("a field renamed as Baserow does it changes no formula and no setting; another formula does", () => {
    const renamed = text.replaceAll("Leave days taken", "Days off");
    expect(renamed).not.toBe(text);
    const [was, is] = [read(text), read(renamed)];
    expect(is.formulas.map((one) => one.formula)).toEqual(was.formulas.map((one) => one.formula));
    expect(is.settings).toEqual(was.settings);
    const other = read(text.replace("* 100,0)", "* 10,0)"));
    expect(other.formulas.filter((one, at) => one.formula !== was.formulas[at]?.formula)).toHaveLength(1);
  });
});
