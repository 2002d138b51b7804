/** What the dialect works out for itself because the oldest Node it runs on cannot tell. */
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { givesRows } from "../../../agent/state/dialects/sqlite.ts";

describe("whether a statement gives rows", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE t (a, b)");
  test.each([
    "select * from t",
    "SELECT 1",
    "  with x as (select 1) select * from x",
    "values (1)",
    "pragma table_info(t)",
    "explain select 1",
    "insert into t values (1, 2)",
    'insert into t values (1, 2) returning "a"',
    "update t set a = 1",
    "delete from t where a = 1 RETURNING b",
    "create index i on t (a)",
    "begin immediate",
    "commit",
  ])("%s: as SQLite says", (sql) => {
    expect(givesRows(sql)).toBe(database.prepare(sql).columns().length > 0);
  });

  test("a column's name that begins alike is no keyword", () => {
    expect(givesRows("update t set returning_at = 1")).toBe(false);
  });
});
