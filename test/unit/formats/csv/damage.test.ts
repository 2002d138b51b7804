/** Files that are not whole, and files that are something else. */
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AgentError } from "../../../../agent/core/errors.ts";
import { csv } from "../../../../agent/formats/csv/index.ts";
import { MAX_ROW } from "../../../../agent/kit/csv.ts";
import { seededRandom } from "../../../../agent/kit/random.ts";
import { foreignBytes } from "../../../contracts/format-artifacts.ts";
import { probeOf, ROOMY } from "../../../contracts/format.ts";
import { zipOf } from "../../../fixtures/bag/zip.ts";
import { csvOf, declaredShop, longCsv, shopFiles } from "../../../fixtures/csv/write.ts";
import { desk, rowsOf, thrownBy } from "./read.ts";

const { open, place, read, write } = desk();

describe("a file that is not whole", () => {
  it.each([
    ["a,b\n1,2\n3\n", "the row on line 3 has 1 cells where the header has 2."],
    ["a,b\n1,2\n3,4,5\n6,7,8\n", "the row on line 3 has 3 cells where the header has 2, and so do 1 more rows."],
    ['a,b\n"x\n\n",2\n3', "the row on line 5 has 1 cells where the header has 2."],
    ['a,b\n1,2\n3,"x\ny', "the row on line 3 ends inside a quoted cell: the file is cut off, or a quote is not closed."],
    ['a,b\n1,"x"y\n', "the row on line 2 has text behind a closing quote."],
  ])("%j: %s", async (text, sentence) => {
    await read(await write(text), async (content) => {
      expect(content.integrity).toMatchObject({ complete: false, problems: [`"table.csv": ${sentence}`] });
      expect(JSON.stringify(content.integrity.problems)).not.toContain('"x');
      await expect(rowsOf(content, "table")).resolves.not.toHaveLength(0);
    });
  });

  it("cut anywhere but between rows or inside the last cell, it is told", async () => {
    const whole = csvOf([
      ["id", "name", "note"],
      ...Array.from({ length: 40 }, (_, n) => [String(n), `Person ${n}`, `a "quoted"\nnote ${n}`]),
    ]);
    let told = 0;
    for (let length = 20; length < whole.length; length += 7) {
      const path = await write(whole.slice(0, length));
      const lastRow = whole.slice(0, length).split(/\r\n/u).at(-1) ?? "";
      const seen = await read(path, (content) => !content.integrity.complete);
      const wholeRow = lastRow === "" || (lastRow.split(",").length === 3 && (lastRow.match(/"/gu) ?? []).length % 2 === 0);
      expect(seen, `cut at ${length}`).toBe(!wholeRow);
      if (seen) told += 1;
    }
    expect(told).toBeGreaterThan(100);
  });

  it("whose end was never written is told", async () => {
    const path = await write(Buffer.concat([Buffer.from(longCsv(100)), Buffer.alloc(40)]));
    await read(path, (content) => expect(content.integrity.complete).toBe(false));
  });

  it("empty, in a set of others, is told, and the others are read", async () => {
    await read(await write({ ...shopFiles(), "empty.csv": "" }), async (content) => {
      expect(content.integrity.problems).toEqual(['"empty.csv" is empty: it has not even a header.']);
      expect(await rowsOf(content, "people")).toHaveLength(3);
      expect(await rowsOf(content, "empty")).toEqual([]);
    });
  });

  it("a quote that never closes, in a file far too large to look for its end, is our limit with the line", async () => {
    const path = await write(`a,b\n1,2\n3,"${"x".repeat(MAX_ROW + 2_000_000)}`);
    const thrown = await thrownBy(open(path));
    expect(thrown).toMatchObject({ kind: "limit", code: "row-too-long" });
    expect(String(thrown)).toContain("line 3");
  });

  it.each(["{", `{"resources":${"[".repeat(300)}${"]".repeat(300)}}`])(
    "a declaration that cannot be read ends in one error (%#)",
    async (text) => {
      const thrown = await thrownBy(open(await write({ ...shopFiles(), "datapackage.json": text })));
      expect(["json-truncated", "too-deep"]).toContain(thrown instanceof AgentError ? thrown.code : thrown);
    },
  );

  it("a symbolic link among the files is told and not followed", async () => {
    const elsewhere = await write("id,secret\n1,x\n");
    const path = await write(shopFiles());
    await symlink(elsewhere, join(path, "link.csv"));
    await read(path, (content) => {
      expect(content.integrity.problems).toEqual(['"link.csv" is a symbolic link and was not followed.']);
      expect(content.collections.map((one) => one.id)).toEqual(["companies", "people"]);
    });
  });
});

describe("recognition", () => {
  const confidence = async (content: Parameters<typeof write>[0]): Promise<number> =>
    (await csv.create().recognise(await probeOf(await write(content)))).confidence;

  it.each([
    ["id,name\n1,Ann\n2,Bo\n"],
    ["id;name;x\n1;Ann, the first;\n2;Bo;3\n"],
    ["id\tname\n1\tAnn\n"],
    ["a|b|c\n1|2|3\n4|5|6\n"],
    ['"id","text"\r\n"1","two\r\nlines"\r\n'],
    [longCsv(5000)],
  ])("%j is one", async (text) => {
    expect(await confidence(text)).toBeGreaterThanOrEqual(0.7);
  });

  it.each([
    ["one\ntwo\nthree\n"],
    ["Hello, dear colleague\n"],
    ["Hello, you\nBye, you\n"],
    ['{"a":1,"b":2}\n{"a":3,"b":4}\n'],
    ["INSERT INTO t VALUES (1,2);\nINSERT INTO t VALUES (3,4);\n"],
    ["<a,b>\n<c,d>\n"],
    ["--- a,b\n--- c,d\n"],
    ["import a, b\nimport c, d\n"],
    ["| a | b |\n|---|---|\n{x|y}\n"],
    ["Tue, nothing here; is even\nat all\nin, this, text, of several, lines\nreally\n"],
  ])("%j is none", async (text) => {
    expect(await confidence(text)).toBeLessThan(0.5);
  });

  it("a directory is one by what its files hold, not by what they are called", async () => {
    expect(await confidence(shopFiles())).toBeGreaterThan(0.8);
    expect(await confidence(declaredShop())).toBeGreaterThan(0.8);
    expect(
      await confidence(
        Object.fromEntries(
          Object.entries(foreignBytes())
            .filter(([name]) => !name.includes("text"))
            .map(([name, bytes]) => [`${name}.csv`, bytes]),
        ),
      ),
    ).toBeLessThan(0.5);
    expect(await confidence({ ...shopFiles(), "a.js": "x", "b.js": "x", "c.js": "x" })).toBeLessThan(0.5);
  });

  it("a zip archive that is cut off is one by the names at its beginning", async () => {
    const cut = (name: string): Buffer => zipOf([{ name, bytes: Buffer.from("a,b\n1,2\n") }]).subarray(0, 70);
    expect(await confidence(cut("people.csv"))).toBeGreaterThanOrEqual(0.5);
    expect(await confidence(cut("people.txt"))).toBe(0);
    expect(await thrownBy(open(await write(cut("people.csv"))))).toMatchObject({ kind: "damaged", code: "zip-broken" });
  });

  it("a zip archive is one by what its files hold", async () => {
    const members = (name: string, text: string): Buffer => zipOf([{ name, bytes: Buffer.from(text) }]);
    expect(await confidence(members("people.csv", "id,name\n1,Ann\n"))).toBeGreaterThan(0.8);
    expect(await confidence(members("people.csv", "\0\0\0\0"))).toBe(0);
    expect(await confidence(members("people.txt", "id,name\n1,Ann\n"))).toBe(0);
  });

  it("what is none is damaged where a person says it is one", async () => {
    for (const text of ["", "\0\0\0\0", "[1,2]", "x"]) expect(await thrownBy(open(await write(text)))).toMatchObject({ kind: "damaged" });
    expect(await thrownBy(open(await write({ "a.txt": "x" })))).toMatchObject({ kind: "damaged", code: "csv-empty" });
    expect(await thrownBy(open(await write(zipOf([{ name: "../x.csv", bytes: Buffer.from("a,b\n") }]))))).toMatchObject({
      kind: "damaged",
    });
    const bomb = zipOf([{ name: "x.csv", bytes: Buffer.alloc(60_000_000, "a,b\n") }]);
    expect(await thrownBy(open(await write(bomb), { limits: { ...ROOMY, maxRatio: 200 } }))).toMatchObject({ kind: "limit" });
  });
});

describe("a checksum of a data package", () => {
  const hashed = (hash: string): Record<string, string> => ({
    "people.csv": "id,name\n1,Ann\n",
    "datapackage.json": JSON.stringify({ resources: [{ path: "people.csv", hash }] }),
  });

  it.each(["sha256:dd4651$", `sha256:${"a".repeat(63)}`, `md5:${"a".repeat(31)}g`, "sha1:"])("%j is none", async (hash) => {
    await read(await write(hashed(hash)), (content) => {
      expect(content.integrity).toMatchObject({
        complete: false,
        problems: ['The checksum declared of "people.csv" is none: it is not as its algorithm writes one.'],
      });
      return Promise.resolve();
    });
  });

  it("an algorithm that is not known here says nothing", async () => {
    await read(await write(hashed(`sha512:${"a".repeat(128)}`)), (content) => {
      expect(content.integrity.problems).toEqual([]);
      return Promise.resolve();
    });
  });
});

describe("columns of a data package", () => {
  const declaring = (schema: object, more: object = {}): Record<string, string> => ({
    "people.csv": "id,name\n1,Ann\n",
    "datapackage.json": JSON.stringify({ resources: [{ path: "people.csv", schema, ...more }] }),
  });
  const fields = [{ name: "id" }, { name: "name" }, { name: "mail" }];

  it.each([
    [{ fields }, '"people.csv" lacks 1 column that is declared: "mail".'],
    [{ primaryKey: "Id" }, '"people.csv" lacks 1 column that is declared: "Id".'],
    [
      { fields, foreignKeys: [{ fields: "boss", reference: { resource: "", fields: "id" } }] },
      '"people.csv" lacks 2 columns that are declared: "mail", "boss".',
    ],
  ])("%j: %s", async (schema, sentence) => {
    await read(await write(declaring(schema)), (content) => {
      expect(content.integrity).toMatchObject({ complete: false, problems: [sentence] });
      return Promise.resolve();
    });
  });

  it.each([
    [{ fields: fields.slice(0, 2), primaryKey: "id" }, {}],
    [{ fields, fieldsMatch: "superset" }, {}],
    [{ fields }, { dialect: { header: false } }],
  ])("%j %j: nothing is missing", async (schema, more) => {
    await read(await write(declaring(schema, more)), (content) => {
      expect(content.integrity.problems).toEqual([]);
      return Promise.resolve();
    });
  });
});

describe("whatever comes", () => {
  it("any table that is written by the book is read back, value by value", async () => {
    const value = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
      fc.constantFrom("", "1", "001", "true", "2026-01-02", "[]", "\u0000", '"', "a,b", "x\r\ny"),
    );
    const table = fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom(",", ";", "\t", "|"), fc.boolean(), async (rows, delimiter, bom) => {
        const text = csvOf([["alpha", "beta", "gamma"], ...rows], { delimiter, bom, quoteAll: true });
        await read(await write({ "t.csv": text }), async (content) => {
          expect(content.integrity.problems).toEqual([]);
          const read = await rowsOf(content, "t");
          expect(read).toHaveLength(rows.length);
          for (const [index, row] of rows.entries())
            for (const [column, type] of content.collections[0]?.fields.map((field) => field.type).entries() ?? [])
              if (type === "text" || type === "integer") expect(read[index]?.values[column]).toBe(row[column] === "" ? null : row[column]);
        });
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it("no mutation of a file makes the reader fall over", async () => {
    const seconds = Number(process.env["FUZZ_SECONDS"] ?? "2");
    const random = seededRandom(23);
    const at = (length: number): number => Math.floor(random.next() * length);
    const pieces = ['"', ",", "\n", "\r", ";", "\0", '""', "\uFEFF", "[", "(https://", "x".repeat(500)];
    const files = { ...declaredShop(), "long.csv": longCsv(300) };
    const names = Object.keys(files);
    const until = performance.now() + seconds * 1000;
    let opened = 0;
    for (let tried = 0; tried < 50 || performance.now() < until; tried += 1) {
      const name = names[at(names.length)] ?? "";
      let bytes = Buffer.from((files as Record<string, string>)[name] ?? "");
      for (let round = at(4); round >= 0; round -= 1) {
        const from = at(bytes.length + 1);
        const kind = at(4);
        if (kind === 0) bytes = bytes.subarray(0, from);
        else if (kind === 1)
          bytes = Buffer.concat([bytes.subarray(0, from), Buffer.from(pieces[at(pieces.length)] ?? ""), bytes.subarray(from)]);
        else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + at(30))]);
        else if (from < bytes.length) bytes[from] = at(256);
      }
      const path = tried % 4 === 0 ? await write(bytes) : await write({ ...files, [name]: bytes });
      expect((await csv.create().recognise(await probeOf(path))).confidence).toBeLessThanOrEqual(1);
      const outcome = await read(path, async (content) => {
        for (const collection of content.collections) await rowsOf(content, collection.id);
      }).then(
        () => "read",
        (thrown: unknown) => (thrown instanceof AgentError ? thrown.kind : thrown),
      );
      expect(["read", "damaged", "limit"], `mutation ${tried} of ${name}`).toContain(outcome);
      if (outcome === "read") opened += 1;
    }
    expect(opened).toBeGreaterThan(10);
  });

  it("a large file is read in pieces", async () => {
    const path = place();
    await writeFile(path, longCsv(200_000));
    await read(path, async (content) => {
      let records = 0;
      let largest = 0;
      for await (const batch of content.records("table", new AbortController().signal)) {
        records += batch.length;
        largest = Math.max(largest, batch.length);
      }
      expect(records).toBe(200_000);
      expect(largest).toBeLessThanOrEqual(1000);
    });
  });
});
