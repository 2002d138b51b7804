/** What the sandbox reads by itself is what this reader reads: column by column, for anything that may stand in a part. */
import { mkdir } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIST_TYPES, type SemanticType } from "../../../../agent/core/content.ts";
import type { Content, Row } from "../../../../agent/core/ports.ts";
import { duckdb } from "../../../../agent/sandboxes/duckdb/index.ts";
import { EVERYTHING } from "../../../contracts/sandbox.ts";
import { makeBag } from "../../../bench/make-bag.ts";
import { writeLibrary } from "../../../fixtures/bag/library.ts";
import { type BagSpec, writeBag } from "../../../fixtures/bag/write.ts";
import { zipDirectory } from "../../../fixtures/bag/zip.ts";
import { type BagContent, places, rowsOf, withBag } from "./read.ts";

const place = places();
const never = new AbortController().signal;

async function workDir(): Promise<string> {
  const work = place("work");
  await mkdir(work);
  return work;
}

async function loaded(content: Content, readPath: string, work: string): Promise<(readonly Row[])[]> {
  const sandbox = duckdb.create({ readPaths: [readPath] });
  try {
    await sandbox.provision(work, { memoryMb: 256, diskMb: 200, threads: 2 });
    const report = await sandbox.load(content, EVERYTHING, never);
    const tables: (readonly Row[])[] = [];
    for (const table of report.tables) {
      expect(table.read).toBe(table.loaded);
      tables.push(await sandbox.query(`SELECT * FROM ${table.table} ORDER BY n`));
    }
    return tables;
  } finally {
    await sandbox.dispose();
  }
}

/** The same content without the fast way. */
function slow(content: BagContent): Content {
  return Object.fromEntries(Object.entries(content).filter(([member]) => member !== "bulk")) as unknown as Content;
}

/** @returns of how many tables the fast way was offered */
async function compareBothWays(path: string): Promise<number> {
  const work = await workDir();
  return withBag(path, work, async (content) => {
    const own = await workDir();
    expect(await loaded(content, path, work)).toEqual(await loaded(slow(content), path, own));
    return content.collections.filter((collection) => content.bulk(collection.id) !== null).length;
  });
}

async function compareSpec(spec: BagSpec): Promise<number> {
  const path = place();
  await writeBag(path, spec);
  return compareBothWays(path);
}

const TYPES: readonly SemanticType[] = ["text", "decimal", "timestamp", "date", "boolean", "json", "choice", "choices", "links", "files"];
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    " ",
    "null",
    "[]",
    '["a"]',
    "0012.500",
    "1e3",
    "NaN",
    "2026-02-30",
    'a"b',
    "\\",
    "\u0000",
    "\u2028",
    "𐀀",
    "\uffee",
    "'; DROP",
    "\ud800",
  ),
);
const list = fc.array(text, { maxLength: 4 });
const canonicalList = list.map((items) => [...new Set(items.filter((item) => item !== ""))].sort());
const moment = fc.oneof(
  fc
    .date({ noInvalidDate: true, min: new Date("0000-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z") })
    .map((date) => date.toISOString()),
  fc.constantFrom(
    "2026-02-30T00:00:00.000Z",
    "2026-13-01T00:00:00.000Z",
    "2026-01-01T23:59:60.000Z",
    "2026-01-01T24:00:00.000Z",
    "0000-02-29T00:00:00.000Z",
    null,
  ),
);
const name = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 8 }),
  fc.constantFrom("a", "A", 'q"uote', "it's", "__proto__", "constructor", "b\\"),
);

interface Made {
  readonly spec: BagSpec;
}

/** Rows as a careful writer makes them: columns in order, values of the right kind, lists canonical. */
const careful: fc.Arbitrary<Made> = fc
  .uniqueArray(fc.record({ id: name, type: fc.constantFrom(...TYPES) }), { maxLength: 5, selector: (field) => field.id })
  .chain((fields) => {
    const members = fields.map((field) => (LIST_TYPES.has(field.type) ? fc.option(canonicalList) : fc.option(text)));
    const row = fc.tuple(fc.uuid(), moment, moment, fc.tuple(...members), fc.nat(10));
    return fc.array(row, { maxLength: 12 }).map((rows): Made => ({
      spec: {
        rowsPerPart: 5,
        tables: [
          {
            id: "t",
            fields,
            rows: [],
            lines: rows.map(([key, created, updated, values, left]) => {
              const entries: [string, unknown][] = [
                ["_key", key],
                ["_createdAt", created],
                ["_updatedAt", updated],
              ];
              for (const [index, field] of fields.entries()) if (index !== left) entries.push([field.id, values[index]]);
              // An object literal would put some names first and swallow others.
              return `{${entries.map(([member, value]) => `${JSON.stringify(member)}:${JSON.stringify(value)}`).join(",")}}`;
            }),
          },
        ],
      },
    }));
  });

/** Lines of JSON objects that know the columns and keep to nothing else. */
const careless = fc.array(
  fc.oneof(
    fc
      .array(
        fc.tuple(
          fc.constantFrom("_key", "a", "l", "_createdAt", "A", "x"),
          fc.oneof(text, list, fc.double(), fc.integer(), fc.boolean(), fc.constant(null), fc.dictionary(text, text)),
        ),
        { maxLength: 6 },
      )
      .map(
        (entries) =>
          `{${entries
            .filter(([member], index) => entries.findIndex(([other]) => other === member) === index)
            .map(([member, value]) => `${JSON.stringify(member)}:${JSON.stringify(value)}`)
            .join(",")}}`,
      ),
    fc.constantFrom(
      '{"_key":"1", "a":"x"}',
      '{"_key":"1","a":1.50}',
      '{"a":"\\u00e9\\ud83d\\ude00","l":["\\u0041","b"]}',
      '{"l":["a","a"]}',
      '{"l":["b","a"]}',
      '{"l":["\uffee","𐀀"]}',
      '{"l":["𐀀","\uffee"]}',
      "",
      "  ",
    ),
  ),
  { maxLength: 8 },
);

describe("both ways of reading a bag", () => {
  it("agree on a library, as a directory and out of a zip archive", async () => {
    const path = await writeLibrary(place());
    expect(await compareBothWays(path)).toBe(3);
    expect(await compareBothWays(await zipDirectory(path, place("zip")))).toBe(3);
    expect(await compareBothWays(await writeLibrary(place(), { compress: false }))).toBe(3);
  });

  it("agree on what the benchmark makes, every table the fast way", async () => {
    const path = place();
    await makeBag(path, { records: 5000, tables: 4 });
    expect(await compareBothWays(path)).toBe(4);
  });

  it("agree on any rows a careful writer makes", async () => {
    let fast = 0;
    await fc.assert(
      fc.asyncProperty(careful, async ({ spec }) => {
        fast += await compareSpec(spec);
      }),
      { numRuns: 15, seed: 7 },
    );
    expect(fast).toBeGreaterThan(5);
  });

  it("agree on any lines that a careless writer makes", async () => {
    let fast = 0;
    await fc.assert(
      fc.asyncProperty(careless, async (lines) => {
        const fields = [
          { id: "a", type: "text" as const },
          { id: "l", type: "choices" as const },
        ];
        fast += await compareSpec({ tables: [{ id: "t", fields, rows: [], lines }] });
      }),
      { numRuns: 25, seed: 8 },
    );
    expect(fast).toBeGreaterThan(0);
  });

  it("a table whose path reads as a pattern is read line by line", async () => {
    const path = `${place()}[a]*`;
    await writeBag(path, { tables: [{ id: "t", fields: [{ id: "a", type: "text" }], rows: [{ _key: "1", a: "x" }] }] });
    expect(await compareBothWays(path)).toBe(0);
  });
});

describe("a round trip", () => {
  it("gives back every value that was written", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, canonicalList), { maxLength: 8 }), async (values) => {
        const path = place();
        const rows = values.map(([a, l], index) => ({ _key: `k${index}`, a, l }));
        await writeBag(path, {
          compress: values.length % 2 === 0,
          tables: [
            {
              id: "t",
              fields: [
                { id: "a", type: "text" },
                { id: "l", type: "choices" },
              ],
              rows,
            },
          ],
        });
        await withBag(path, await workDir(), async (content) => {
          expect(content.integrity.problems).toEqual([]);
          expect((await rowsOf(content, "t")).map((row) => [row.key, ...row.values])).toEqual(
            rows.map(({ _key: key, ...row }) => [key, row.a === "" ? null : row.a, row.l.length === 0 ? null : row.l]),
          );
        });
      }),
      { numRuns: 40, seed: 9 },
    );
  });
});
