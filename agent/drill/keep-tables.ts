/** Lays a baseline's records down in the drill's own directory, for the drill of another artifact to compare with. */
import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type { BaselineTable, Content, LoadReport, Sandbox } from "../core/ports.ts";
import { quoted } from "../core/link-pairs.ts";

export const BASELINE_FOLDER = "baseline";

/** @returns what lies where: computed collections are left out, and `files` is null where there is none inside */
export async function keepTables(
  content: Content,
  load: LoadReport,
  sandbox: Pick<Sandbox, "query">,
  workDir: string,
  signal: AbortSignal,
): Promise<{ readonly tables: readonly BaselineTable[]; readonly files: string | null }> {
  const folder = join(workDir, BASELINE_FOLDER);
  await mkdir(folder, { mode: 0o700 });
  const tables: BaselineTable[] = [];
  for (const [at, table] of load.tables.filter((one) => !one.collection.computed).entries()) {
    const file = join(folder, `${at}.parquet`);
    const columns = table.columns.map(({ column }) => `, ${quoted(column)}`).join("");
    await sandbox.query(
      `COPY (SELECT k, created_at, updated_at${columns} FROM ${quoted(table.table)}) TO '${file.replaceAll("'", "''")}' (FORMAT parquet)`,
      [],
      { signal },
    );
    tables.push({
      collection: table.collection.id,
      file,
      columns: table.columns.map(({ field, column, list }) => ({ field: field.id, column, list })),
    });
  }
  return { tables, files: await keepDigests(content, join(folder, "files.ndjson"), signal) };
}

async function keepDigests(content: Content, path: string, signal: AbortSignal): Promise<string | null> {
  const inside = content.files.filter((file) => file.presence === "inside");
  if (inside.length === 0) return null;
  const handle = await open(path, "wx", 0o600);
  try {
    for (const { id } of inside) await handle.write(`${JSON.stringify({ id, sha256: await digestOf(content, id, signal) })}\n`);
  } finally {
    await handle.close();
  }
  return path;
}

/** SHA-256 hex of the bytes of a file. */
export async function digestOf(content: Pick<Content, "fileBytes">, id: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of content.fileBytes(id, signal)) hash.update(part);
  return hash.digest("hex");
}
