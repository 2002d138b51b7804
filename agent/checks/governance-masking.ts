import { AgentError } from "../core/errors.ts";
import type { Check, CheckView, Content, SandboxTable } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { loadedOf, pass, skip } from "./outcome.ts";
import { quoted } from "./scan.ts";

/** Records looked at in each table, spread over it evenly. */
const RECORDS = 500;
const NEEDLES = 2000;
/** So much of a value is looked for: whoever tells one tells its beginning. */
const BEGINNING = 60;

/** Values nobody writes by chance: e-mail addresses, telephone numbers, and texts so long that they are somebody's words. */
const TELLING = `(regexp_matches(v, '[^@\\s]{2,}@[^@\\s]+\\.[A-Za-z]{2,}')
  OR (regexp_full_match(v, '\\+?[0-9][0-9 ()/.-]+[0-9]') AND length(regexp_replace(v, '[^0-9]', '', 'g')) BETWEEN 9 AND 15)
  OR (length(v) >= 20 AND NOT regexp_full_match(v, '[0-9TZ:., +-]*')))`;

export const governanceMasking: Check = {
  id: "governance.masking",
  layer: "content",
  question: "Is what this drill itself told (spans, results, facts) free of the values of records?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["personal data carried into logs and monitoring by the tool that reads the backup"],
  limits:
    "Looks for e-mail addresses, telephone numbers and long texts of a sample of the records, in all the drill had told when it was asked. A value that is also the name of a table, field, view or automation is told as that name.",
  async run(view) {
    const { content, load } = loadedOf(view);
    const needles = new Set<string>();
    for (const table of load.tables.filter(({ collection, loaded }) => !collection.computed && loaded > 0))
      for (const value of await tellingValues(view, table)) needles.add(plain(value).slice(0, BEGINNING));
    if (needles.size === 0) return skip("the records hold no e-mail address, telephone number or long text to look for");
    const names = namesOf(content);
    const texts = [...new Set(view.told())].filter((text) => !names.has(text));
    const told = plain(texts.join("\n"));
    const named = plain([...names].join("\n"));
    const found = [...needles].filter((needle) => told.includes(needle) && !named.includes(needle));
    const values = await withoutKeys(view, found);
    // It says nothing about the backup, so it is no failure of it; and nobody may overlook it.
    if (values > 0)
      throw new AgentError(
        "internal",
        "record-value-told",
        `${describeCount(values, "value")} of records told by this drill, in spans or results`,
      );
    return pass(`none of ${describeCount(needles.size, "value")} of records in ${describeCount(texts.length, "text")} told`, needles.size);
  },
};

async function tellingValues(view: CheckView, table: SandboxTable): Promise<string[]> {
  const columns = table.columns.filter(({ field, list }) => field.type === "text" && !field.computed && !list);
  if (columns.length === 0) return [];
  const step = Math.max(1, Math.floor(table.loaded / RECORDS));
  const values = `SELECT unnest([${columns.map(({ column }) => `left(${quoted(column)}, 200)`).join(", ")}]) AS v FROM ${quoted(table.table)} WHERE n % ${step} = 0`;
  const rows = await loadedOf(view).sandbox.query(
    `SELECT DISTINCT v FROM (${values}) WHERE v IS NOT NULL AND ${TELLING} ORDER BY v LIMIT ${NEEDLES}`,
    [],
    { signal: view.signal },
  );
  return rows.map((row) => String(row["v"]));
}

/** How many of the values are no keys that the platform made: those are shown on purpose. */
async function withoutKeys(view: CheckView, values: readonly string[]): Promise<number> {
  const { load, sandbox } = loadedOf(view);
  let rest = 0;
  for (const value of values) {
    let isKey = false;
    for (const { collection, keys } of load.tables) {
      if (isKey || collection.keyKind !== "platform") continue;
      const rows = await sandbox.query(`SELECT 1 AS one FROM ${quoted(keys)} WHERE k = $1 LIMIT 1`, [value], { signal: view.signal });
      isKey = rows.length > 0;
    }
    if (!isKey) rest += 1;
  }
  return rest;
}

/** Whatever a drill tells by its name: people's schema, not their data. */
function namesOf(content: Content): ReadonlySet<string> {
  return new Set([
    ...content.collections.flatMap(({ id, name, fields }) => [
      id,
      name,
      ...fields.flatMap((field) => [field.id, field.name, `${name}.${field.name}`]),
    ]),
    ...content.automations.flatMap(({ id, name, references }) => [id, name, ...references.map(({ target }) => target)]),
    ...content.views.flatMap(({ id, name }) => [id, name]),
    ...content.credentials.flatMap(({ id, type }) => [id, type]),
    ...content.files.map(({ id }) => id),
    ...content.access.map(({ id }) => id),
    ...content.settings.map(({ id }) => id),
  ]);
}

function plain(text: string): string {
  return text.replaceAll(/[\s]+/gu, " ").trim();
}
