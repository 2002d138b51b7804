/**
 * Makes a capture bag of any size: linked tables with texts, numbers, dates, options and links both ways. The same numbers give the same
 * bytes. Run by itself: `node test/bench/make-bag.ts <directory> [records] [tables] [seed]`.
 */
import { pathToFileURL } from "node:url";
import { type BagField, type BagTableSpec, writeBag } from "../fixtures/bag/write.ts";

export interface MakeBagOptions {
  /** Over all tables together. */
  readonly records: number;
  /** At least 1; 8 unless said. */
  readonly tables?: number;
  readonly seed?: number;
}

/**
 * @param directory is made, and must not hold a bag yet
 * @returns raw bytes of all NDJSON, number of records
 */
export async function makeBag(
  directory: string,
  options: MakeBagOptions,
): Promise<{ readonly rawBytes: number; readonly records: number }> {
  const count = Math.max(1, options.tables ?? 8);
  const sizes = Array.from(
    { length: count },
    (_, index) => Math.floor(((index + 1) * options.records) / count) - Math.floor((index * options.records) / count),
  );
  const tables = sizes.map((size, index) => tableSpec(index, sizes, size, options.seed ?? 1));
  return writeBag(directory, { tables });
}

const STATES = ["active", "cancelled", "done", "new", "paused"];
const TAGS = ["alpha", "beta", "delta", "gamma", "omega", "sigma"];
const WORDS =
  "backup bucket capture coverage drill evidence field format ledger link night plan point record restore sample source table vault verdict".split(
    " ",
  );

/** Every table links to the one before it (the first to itself), one record to one. */
function tableSpec(index: number, sizes: readonly number[], size: number, seed: number): BagTableSpec {
  const target = Math.max(0, index - 1);
  const fields: BagField[] = [
    { id: "name", type: "text", required: true, maxLength: 80 },
    { id: "amount", type: "decimal" },
    { id: "serial", type: "integer", unique: true },
    { id: "done", type: "boolean" },
    { id: "due", type: "date" },
    { id: "state", type: "choice", options: STATES },
    { id: "tags", type: "choices", options: TAGS },
    { id: "parent", type: "link", link: { collection: `table${target}`, many: false, reciprocal: null } },
    { id: "note", type: "text" },
  ];
  return {
    id: `table${index}`,
    title: `Table ${index}`,
    fields,
    rows: rowsOf(index, size, sizes[target] ?? 0, seed),
    nextKey: String(size + 1),
  };
}

function* rowsOf(table: number, size: number, targets: number, seed: number): Iterable<Record<string, unknown>> {
  const draw = generator(seed * 1000 + table);
  for (let row = 0; row < size; row += 1) {
    const made = 1_600_000_000_000 + Math.floor(draw() * 1e11);
    const cents = Math.floor(draw() * 1e9);
    const parent = targets === 0 || draw() < 0.1 ? null : String(1 + Math.floor(draw() * targets));
    const tags = TAGS.filter(() => draw() < 0.2);
    const word = (): string => WORDS[Math.floor(draw() * WORDS.length)] ?? "";
    yield {
      _key: String(row + 1),
      _createdAt: new Date(made).toISOString(),
      _updatedAt: new Date(made + Math.floor(draw() * 1e9)).toISOString(),
      name: `${word()} ${row}`,
      amount: `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`,
      // Beyond what a double holds: read as a number it would lose its last digits.
      serial: `90071992547${String(table * 100_000_000 + row).padStart(10, "0")}`,
      done: draw() < 0.5 ? "true" : "false",
      due: new Date(made + 8.64e7).toISOString().slice(0, 10),
      state: STATES[Math.floor(draw() * STATES.length)],
      tags,
      parent,
      note: `${word()} ${Math.floor(draw() * 2 ** 52).toString(36)} ${Math.floor(draw() * 2 ** 50).toString(36)}`,
    };
  }
}

/** Mulberry32: small, fast, the same everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [directory, records = "1000000", tables = "8", seed = "1"] = process.argv.slice(2);
  if (directory === undefined) throw new Error("usage: make-bag.ts <directory> [records] [tables] [seed]");
  const started = performance.now();
  const made = await makeBag(directory, { records: Number(records), tables: Number(tables), seed: Number(seed) });
  console.log(`${made.records} records, ${Math.round(made.rawBytes / 1e6)} MB raw, ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
