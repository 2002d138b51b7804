/** What CSV files are read into: types, keys and links, found or declared. */
import { describe, expect, it } from "vitest";
import { zipDirectory } from "../../../fixtures/bag/zip.ts";
import { csvOf, declaredShop, shopFiles } from "../../../fixtures/csv/write.ts";
import { desk, rowsOf, typesOf } from "./read.ts";

const { open, place, read, write } = desk();

describe("types are found by every value of a column", () => {
  it("numbers keep their digits, leading zeros are no number, dates that can be read in two ways stay text", async () => {
    await read(await write(shopFiles()), async (content) => {
      expect(typesOf(content, "people")).toEqual({
        Id: "integer",
        Name: "text",
        "Company Id": "link",
        Born: "date",
        Balance: "decimal",
        Big: "integer",
        Zip: "text",
        Active: "boolean",
        "Seen At": "timestamp",
        Meta: "json",
        When: "text",
      });
      const [ann, bo, cy] = await rowsOf(content, "people");
      expect(ann?.values).toEqual([
        "1",
        "Ann Able",
        "10",
        "1990-02-28",
        "12.50",
        "9007199254740993",
        "01234",
        "true",
        "2026-01-02T01:04:05.000Z",
        '{"a":1.10,"b":1}',
        "01/02/2026",
      ]);
      expect(bo?.values.slice(1, 8)).toEqual(['Bo "B" Baker, jr.', "11", null, "-3", "12345678901234567890", "99999", "false"]);
      expect(bo?.values[8]).toBe("2026-01-02T03:04:05.678Z");
      expect(cy?.values.slice(1, 4)).toEqual(["Cy\nCook", null, "2001-12-31"]);
    });
  });

  it.each([
    ["integer", ["0", "-7", "123456789012345678901234567890"]],
    ["decimal", ["0.10", "5", "-0.5"]],
    ["text", ["1", "x"]],
    ["text", ["+1", "2"]],
    ["text", ["1e3", "2"]],
    ["text", ["1,5", "2,5"]],
    ["text", ["007", "8"]],
    ["boolean", ["True", "False"]],
    ["boolean", ["checked", ""]],
    ["text", ["yes", "no"]],
    ["date", ["2026-02-28", "2024/02/29"]],
    ["text", ["2026-02-30", "2026-02-01"]],
    ["text", ["1/2/2026", "13/2/2026"]],
    ["timestamp", ["2026-01-02T03:04Z", "2026-01-02 03:04:05.123456+0530", "2026-01-02T03:04:05 UTC"]],
    ["text", ["2026-01-02 03:04:05", "2026-01-02T03:04:05Z"]],
    ["json", ['{"a":[1]}', "[]"]],
    ["text", ['{"a":', "[]"]],
    ["files", ["a.png (https://x.example/1), b c.pdf (https://x.example/2?y=1)", "d.txt(https://x.example/3)"]],
    ["text", ["see (https://x.example/1) there", ""]],
  ])("%s: %j", async (type, values) => {
    const path = await write({ "t.csv": csvOf([["name", "v"], ...values.map((value, index) => [`n${index}`, value])]) });
    await read(path, (content) => expect(typesOf(content, "t")["v"]).toBe(type));
  });

  it("one value among thousands that does not fit is enough", async () => {
    const rows = Array.from({ length: 3000 }, (_, n) => [String(n), n === 2999 ? "n/a" : String(n)]);
    const path = await write({ "t.csv": csvOf([["id", "v"], ...rows]) });
    await read(path, (content) => expect(typesOf(content, "t")).toEqual({ id: "integer", v: "text" }));
  });

  it("a column called as a creation or change time gives the records theirs", async () => {
    const path = await write({
      "t.csv": csvOf([
        ["id", "Created At", "updated_at"],
        ["1", "2026-01-02T03:04:05Z", ""],
      ]),
    });
    await read(path, async (content) => {
      expect(await rowsOf(content, "t")).toMatchObject([{ createdAt: Date.parse("2026-01-02T03:04:05Z"), updatedAt: null }]);
      expect(content.aspects.timestamps).toEqual({ included: true });
    });
  });
});

describe("a key", () => {
  const keyOf = async (
    header: readonly string[],
    rows: readonly (readonly string[])[],
  ): Promise<{ kind: string | undefined; keys: string[] }> =>
    read(await write({ "people.csv": csvOf([header, ...rows]) }), async (content) => ({
      kind: content.collections[0]?.keyKind,
      keys: (await rowsOf(content, "people")).map((row) => row.key),
    }));

  it("is the first column that is called as one and is unique and filled", async () => {
    expect(
      await keyOf(
        ["name", "Record ID", "id"],
        [
          ["x", "recAAAAAAAAAAAAAA", "1"],
          ["x", "recBBBBBBBBBBBBBB", "2"],
        ],
      ),
    ).toEqual({ kind: "platform", keys: ["recAAAAAAAAAAAAAA", "recBBBBBBBBBBBBBB"] });
    expect(
      await keyOf(
        ["key", "id"],
        [
          ["a", "1"],
          ["a", "2"],
        ],
      ),
    ).toEqual({ kind: "platform", keys: ["1", "2"] });
    expect(
      await keyOf(
        ["Key", "x"],
        [
          ["ann@example.org", "1"],
          ["bo@example.org", "2"],
        ],
      ),
    ).toEqual({ kind: "natural", keys: ["ann@example.org", "bo@example.org"] });
    expect(
      await keyOf(
        ["x", "person_id"],
        [
          ["a", "7"],
          ["a", "8"],
        ],
      ),
    ).toEqual({ kind: "platform", keys: ["1", "2"] });
    expect(
      await keyOf(
        ["x", "people id"],
        [
          ["a", "7"],
          ["a", "8"],
        ],
      ),
    ).toEqual({ kind: "platform", keys: ["7", "8"] });
  });

  it("is the number of the row where there is none", async () => {
    expect(
      await keyOf(
        ["name", "x"],
        [
          ["a", "1"],
          ["b", ""],
        ],
      ),
    ).toEqual({ kind: "platform", keys: ["1", "2"] });
    expect(
      await keyOf(
        ["id", "x"],
        [
          ["1", "1"],
          ["1", ""],
        ],
      ),
    ).toEqual({ kind: "platform", keys: ["1", "2"] });
    expect(
      await keyOf(
        ["id", "x"],
        [
          ["", "1"],
          ["1", ""],
        ],
      ),
    ).toEqual({ kind: "platform", keys: ["1", "2"] });
  });

  it("that is declared is taken as it is, repeated values and all", async () => {
    const fields = { schema: { primaryKey: "code" } };
    const path = await write({
      "t.csv": csvOf([
        ["id", "code"],
        ["1", "a"],
        ["2", "a"],
      ]),
      "datapackage.json": JSON.stringify({ resources: [{ name: "t", path: "t.csv", ...fields }] }),
    });
    await read(path, async (content) => {
      expect((await rowsOf(content, "t")).map((row) => row.key)).toEqual(["a", "a"]);
      expect(content.collections[0]?.fields[1]?.unique).toBe(true);
    });
  });
});

describe("links", () => {
  it("are found where a column is called as a table and every value of it is a key there", async () => {
    await read(await write(shopFiles()), (content) => {
      const people = content.collections.find((one) => one.id === "people");
      expect(people?.fields[2]?.link).toEqual({ collection: "companies", many: false, reciprocal: null });
      expect(content.aspects.links).toMatchObject({ included: false });
    });
  });

  it("that are found are none as soon as one value leads nowhere; the aspect says that such a one is not seen", async () => {
    const files = shopFiles();
    const path = await write({ ...files, "companies.csv": "id,Company\n10,Acme\n12,Initech\n" });
    await read(path, (content) => {
      expect(typesOf(content, "people")["Company Id"]).toBe("integer");
      const state = content.aspects.links;
      expect(state.included ? "" : state.reason).toContain("a dangling one would not be seen");
    });
  });

  it("that are declared stay links, dangling values and all", async () => {
    const files = declaredShop({ bytes: null, hash: null });
    const path = await write({ ...files, "people.csv": (files["people.csv"] ?? "").replace(",11,", ",99,") });
    await read(path, async (content) => {
      expect(content.integrity.problems).toEqual([]);
      expect(content.aspects.links).toEqual({ included: true });
      const people = content.collections.find((one) => one.id === "people");
      expect(people?.fields[2]?.link?.collection).toBe("companies");
      expect((await rowsOf(content, "people"))[1]?.values[2]).toBe("99");
    });
  });

  it("of Airtable name the linked records by their first column, several with commas between", async () => {
    const path = await write({
      "Projects-Grid view.csv": csvOf([
        ["Name", "Team", "Done", "Files"],
        ["Alpha", 'Ann,"Baker, Bo"', "checked", "a.png (https://dl.example/1)"],
        ["Beta", "Ann", "", ""],
        ["Gamma", "", "checked", ""],
      ]),
      "Team-All.csv": csvOf([
        ["Name", "Age"],
        ["Ann", "40"],
        ["Baker, Bo", "41"],
      ]),
    });
    await read(path, async (content) => {
      expect(typesOf(content, "Projects-Grid view")).toEqual({ Name: "text", Team: "links", Done: "boolean", Files: "files" });
      expect(content.collections.map((one) => one.keyKind)).toEqual(["platform", "natural"]);
      const rows = await rowsOf(content, "Projects-Grid view");
      expect(rows.map((row) => row.values.slice(1, 3))).toEqual([
        [["Ann", "Baker, Bo"], "true"],
        [["Ann"], null],
        [null, "true"],
      ]);
      expect((await rowsOf(content, "Team-All")).map((row) => row.key)).toEqual(["Ann", "Baker, Bo"]);
      expect(content.files).toMatchObject([{ name: "a.png", presence: "outside" }]);
      expect(rows[0]?.values[3]).toEqual([content.files[0]?.id]);
    });
  });

  it("of Baserow name them too, beside an id of the product's own", async () => {
    const path = await write({
      "orders.csv": csvOf([
        ["id", "Title", "Customer", "Paid"],
        ["1", "A", "Ann", "True"],
        ["2", "B", "Bo", "False"],
      ]),
      "customers.csv": csvOf([
        ["id", "Name"],
        ["1", "Ann"],
        ["2", "Bo"],
      ]),
    });
    await read(path, async (content) => {
      expect(typesOf(content, "orders")).toEqual({ id: "integer", Title: "text", Customer: "link", Paid: "boolean" });
      expect((await rowsOf(content, "customers")).map((row) => row.key)).toEqual(["Ann", "Bo"]);
    });
  });

  it("to the table itself are only those to a parent", async () => {
    const path = await write({
      "orders.csv": csvOf([
        ["id", "order", "parent_id"],
        ["1", "1", ""],
        ["2", "2", "1"],
      ]),
    });
    await read(path, (content) => expect(typesOf(content, "orders")).toEqual({ id: "integer", order: "integer", parent_id: "link" }));
  });
});

describe("what is declared", () => {
  it("by a data package: types, constraints, counts, checksums", async () => {
    const path = await write(declaredShop({ stats: { rows: 3 } }));
    await read(path, (content) => {
      const people = content.collections.find((one) => one.id === "people");
      expect(people?.declaredRecords).toBe(3);
      expect(people?.fields[1]).toMatchObject({ required: true, maxLength: 40, platformType: "string" });
      expect(content.integrity).toMatchObject({ complete: true, checksums: { compared: 2, mismatched: [] } });
    });
  });

  it("by CSVW metadata: separator, titles, keys", async () => {
    const metadata = {
      "@context": "http://www.w3.org/ns/csvw",
      dialect: { delimiter: "|" },
      tables: [
        {
          url: "a.csv",
          tableSchema: {
            columns: [
              { name: "i", titles: "The ID", datatype: "integer" },
              { name: "b", titles: ["B Ref"] },
            ],
            primaryKey: "i",
            foreignKeys: [{ columnReference: "b", reference: { resource: "b.csv", columnReference: ["k"] } }],
          },
        },
        {
          url: "b.csv",
          tableSchema: {
            columns: [{ name: "k", titles: { en: "Code" }, required: true, datatype: { base: "string", maxLength: 3 } }, { name: "n" }],
            primaryKey: "k",
          },
        },
      ],
    };
    const path = await write({ "a.csv": "The ID|B Ref\n1|x\n", "b.csv": "Code|n\nx|1,5\n", "csv-metadata.json": JSON.stringify(metadata) });
    await read(path, async (content) => {
      expect(content.integrity.problems).toEqual([]);
      expect(typesOf(content, "a")).toEqual({ "The ID": "integer", "B Ref": "link" });
      expect(content.collections[1]?.fields[0]).toMatchObject({ name: "Code", required: true, maxLength: 3, unique: true });
      expect((await rowsOf(content, "b")).map((row) => [row.key, ...row.values])).toEqual([["x", "x", "1,5"]]);
    });
  });

  it("and is not there, or is another one, is told", async () => {
    const files = declaredShop();
    const path = await write({ "datapackage.json": files["datapackage.json"] ?? "", "people.csv": `${files["people.csv"]} ` });
    await read(path, (content) => {
      expect(content.integrity.problems).toEqual([
        'The table "companies.csv" is declared and is not there.',
        expect.stringContaining("line 6 has 1 cells where the header has 11"),
        expect.stringMatching(/"people.csv" has \d+ bytes, and \d+ are declared\./u),
        '"people.csv" differs from its declared checksum.',
      ]);
      expect(content.integrity.checksums).toEqual({ compared: 1, mismatched: ["people.csv"] });
    });
  });
});

describe("files and their names", () => {
  it("the same table has the same id in every backup, as long as no two are the same", async () => {
    const path = await write({
      "people-2026-01-02.csv": "id,x\n1,2\n",
      "sub/log_20260102_0304.csv": "id,x\n1,2\n",
      "a-2025-01-01.csv": "id,x\n",
      "a-2025-01-02.csv": "id,x\n",
      ".hidden.csv": "x",
      "__MACOSX/people.csv": "x",
    });
    await read(path, (content) => {
      expect(content.collections.map((one) => one.id)).toEqual(["a-2025-01-01.csv", "a-2025-01-02.csv", "people", "sub/log"]);
    });
    await read(await write("id,x\n1,2\n"), (content) => expect(content.collections.map((one) => one.id)).toEqual(["table"]));
  });

  it("headers without a name, or with the same one, are told apart", async () => {
    await read(await write("id,,x,x,\n1,2,3,4,5\n"), (content) => {
      expect(content.collections[0]?.fields.map((field) => field.id)).toEqual(["id", "column 2", "x", "x (4)", "column 5"]);
    });
  });

  it("UTF-16 and a byte order mark are read, bytes that are no text are kept as U+FFFD", async () => {
    const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("id\tnäme\r\n1\tŽ\r\n", "utf16le")]);
    await read(await write(wide), async (content) => {
      expect(content.collections[0]?.fields.map((field) => field.name)).toEqual(["id", "näme"]);
      expect((await rowsOf(content, "table"))[0]?.values).toEqual(["1", "Ž"]);
    });
    const broken = Buffer.concat([Buffer.from("\uFEFFid,name\n1,"), Buffer.from([0x4d, 0xfc, 0x6c]), Buffer.from("\n2,x\n")]);
    await read(await write(broken), async (content) => {
      expect(content.collections[0]?.fields[0]?.name).toBe("id");
      expect((await rowsOf(content, "table"))[0]?.values).toEqual(["1", "M\uFFFDl"]);
    });
  });

  it("a zip archive says how many checksums were compared", async () => {
    const path = await zipDirectory(await write(shopFiles()), place());
    const content = await open(path);
    expect(content.integrity).toMatchObject({ complete: true, checksums: { compared: 2, mismatched: [] } });
    await content.close();
  });
});
