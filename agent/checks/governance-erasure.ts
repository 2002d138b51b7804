import { AgentError } from "../core/errors.ts";
import type { Check, CheckView, SandboxTable } from "../core/ports.ts";
import type { Example } from "../core/values.ts";
import { describeCount } from "../core/words-for-people.ts";
import { changed, fail, listed, loadedOf, pass, placeOf, skip } from "./outcome.ts";
import { quoted, spread, text } from "./scan.ts";

/** Digests in one statement. */
const BATCH = 5000;
const EXAMPLES = 5;

interface Found {
  readonly place: string;
  readonly count: number;
  readonly subjects: ReadonlySet<string>;
  readonly examples: readonly Example[];
}

export const governanceErasure: Check = {
  id: "governance.erasure",
  layer: "content",
  question: "Is nobody in the backup who had been erased before it was made?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["people who were erased on their request come back with a restore"],
  limits:
    "Looks in the fields the configuration names, for the whole value in any case; somebody who is only mentioned in a longer text is not found. A backup older than an erasure holds the subject rightly: how many to erase again is told.",
  async run(view, { erasure, point, run, now }) {
    if (erasure === undefined) return skip("nothing says who was erased (data.erasure)");
    if (erasure.trouble !== null) throw new AgentError("config", "erasure-list", erasure.trouble);
    if (erasure.subjects.length === 0) return skip("the list of erased subjects is empty");
    const { load } = loadedOf(view);
    const columns = erasure.fields.map(({ collection, field }) => {
      const table = load.tables.find((one) => one.collection.id === collection || one.collection.name === collection);
      const column = table?.columns.find((one) => one.field.id === field || one.field.name === field);
      // A field that is not there is not free of anybody: it was renamed, or written wrongly.
      if (table === undefined || column === undefined)
        throw new AgentError("config", "no-such-field", `the backup has no field ${collection}/${field} to look for erased subjects in`);
      return { table, column };
    });
    // What was erased while the backup was read may rightly be in it.
    const madeAt = run?.startedAt ?? point?.createdAt ?? now;
    const before = erasure.subjects.filter((one) => one.erasedAt <= madeAt).map((one) => one.digest);
    const since = erasure.subjects.filter((one) => one.erasedAt > madeAt).map((one) => one.digest);
    const beginning = erasure.key === "" ? "" : `${erasure.key}:`;
    const back: Found[] = [];
    const again = new Set<string>();
    let values = 0;
    for (const { table, column } of columns) {
      const digests = digestsOf(table, column);
      const [row] = await loadedOf(view).sandbox.query(`SELECT count(*) AS looked FROM (${digests})`, [beginning], { signal: view.signal });
      values += Number(row?.["looked"] ?? 0);
      back.push(await find(view, table, column, { digests, beginning }, before));
      for (const one of (await find(view, table, column, { digests, beginning }, since)).subjects) again.add(one);
    }
    const hits = back.filter((one) => one.count > 0);
    const subjects = new Set(hits.flatMap((one) => [...one.subjects]));
    if (subjects.size > 0)
      return fail(
        `${describeCount(subjects.size, "subject")} who had been erased ${subjects.size === 1 ? "is" : "are"} in the backup, in ${listed(hits.map((one) => one.place))}`,
        { expected: "nobody", count: subjects.size, examples: spread(hits) },
      );
    if (values === 0) return skip("the fields that hold subjects are empty");
    if (again.size > 0)
      return changed(`${describeCount(again.size, "subject")} erased since this backup was made: to erase again after a restore`, {
        count: again.size,
      });
    return pass(`none of ${describeCount(erasure.subjects.length, "erased subject")} in ${describeCount(values, "value")}`, values);
  },
};

/** Rows of key, ordinal and digest; `$1` is what every digest begins with. */
function digestsOf(table: SandboxTable, column: SandboxTable["columns"][number]): string {
  const name = quoted(column.column);
  const value = column.list ? `unnest(${name})` : name;
  const plain = `lower(trim(nfc_normalize(v), e' \\t\\r\\n'))`;
  return `SELECT k, n, sha256(concat($1::VARCHAR, ${plain})) AS d FROM (SELECT k, n, ${value} AS v FROM ${quoted(table.table)}) WHERE v IS NOT NULL`;
}

async function find(
  view: CheckView,
  table: SandboxTable,
  column: SandboxTable["columns"][number],
  { digests, beginning }: { readonly digests: string; readonly beginning: string },
  wanted: readonly string[],
): Promise<Found> {
  const subjects = new Set<string>();
  const examples: Example[] = [];
  let count = 0;
  for (let at = 0; at < wanted.length; at += BATCH) {
    // Hex digits only, as the list was parsed.
    const list = wanted
      .slice(at, at + BATCH)
      .map(text)
      .join(", ");
    const rows = await loadedOf(view).sandbox.query(
      `SELECT d, count(*) AS c, min_by(k, n) AS k FROM (${digests}) WHERE d IN (${list}) GROUP BY d ORDER BY min(n)`,
      [beginning],
      { signal: view.signal, maxRows: BATCH },
    );
    for (const row of rows) {
      subjects.add(String(row["d"]));
      count += Number(row["c"] ?? 0);
      if (examples.length < EXAMPLES) examples.push(view.example(table.collection, String(row["k"]), column.field.name, "was erased"));
    }
  }
  return { place: placeOf(table.collection, column.field), count, subjects, examples };
}
