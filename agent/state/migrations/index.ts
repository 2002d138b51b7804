/** Every step from an empty database to today's schema, forward only. A step that is out in the world is never changed: add another. */
import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { AgentError } from "../../core/errors.ts";
import type { Database } from "../schema.ts";
import * as begin from "./0001-begin.ts";
import * as alive from "./0002-alive.ts";
import * as probes from "./0003-probes.ts";
import * as decisions from "./0004-decisions.ts";

export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-begin": begin,
  "0002-alive": alive,
  "0003-probes": probes,
  "0004-decisions": decisions,
};

export const SCHEMA_VERSION = Object.keys(MIGRATIONS).sort().at(-1) ?? "";

/**
 * Brings the schema to today's. Nothing is written when it is there already.
 * @throws AgentError `config` when the database was written by a newer version, or, with `readOnly`, by an older one
 */
export async function migrate(db: Kysely<Database>, path: string, readOnly: boolean): Promise<void> {
  const known = Object.keys(MIGRATIONS);
  const done = await applied(db);
  const newer = done.filter((name) => !known.includes(name));
  if (newer.length > 0)
    throw new AgentError(
      "config",
      "state-newer",
      `The state ${path} was written by a newer version of Restorewatch (${newer.join(", ")}).`,
      {
        mend: "run that version or a later one",
      },
    );
  if (done.length === known.length) return;
  if (readOnly)
    throw new AgentError("config", "state-older", `The state ${path} was not yet brought to this version's schema.`, {
      mend: "start the agent once",
    });
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function applied(db: Kysely<Database>): Promise<string[]> {
  const table = await sql<{ name: string }>`select name from sqlite_schema where type = 'table' and name = 'kysely_migration'`.execute(db);
  if (table.rows.length === 0) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map((row) => row.name);
}
