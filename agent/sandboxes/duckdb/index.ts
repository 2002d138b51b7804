/**
 * The offline sandbox (decision 4): one DuckDB database in a directory of its own, locked before the first byte of content comes near it.
 * The library is loaded only when a sandbox is provisioned, so that importing this file costs nothing.
 */
import type { SandboxDefinition } from "../../core/definitions.ts";
import { AgentError } from "../../core/errors.ts";
import type { Sandbox } from "../../core/ports.ts";
import { type Database, openDatabase } from "./database.ts";
import { loadContent } from "./load.ts";

export const duckdb: SandboxDefinition = {
  id: "duckdb",
  summary: "An embedded DuckDB database, locked to its own directory, with bounded memory, disk and threads.",
  create: (options = {}) => duckdbSandbox(options.readPaths ?? []),
};

function duckdbSandbox(readPaths: readonly string[]): Sandbox {
  let database: Database | null = null;
  let state: "new" | "ready" | "loaded" | "disposed" = "new";

  const ready = (): Database => {
    if (database === null)
      throw new AgentError("internal", "sandbox-not-ready", `The sandbox is ${state === "new" ? "not provisioned" : state}.`);
    return database;
  };

  return {
    async provision(directory, limits) {
      if (state !== "new")
        throw new AgentError("internal", "sandbox-used-twice", "A sandbox serves one drill; this one was provisioned before.");
      state = "ready";
      database = await openDatabase(directory, limits, readPaths);
    },
    async load(content, sample, signal) {
      const target = ready();
      if (state === "loaded") throw new AgentError("internal", "sandbox-used-twice", "This sandbox already holds content.");
      state = "loaded";
      return loadContent(target, content, sample, signal);
    },
    async query(sql, parameters = [], options = {}) {
      return ready().query(sql, parameters, options);
    },
    async dispose() {
      const open = database;
      database = null;
      state = "disposed";
      await open?.close();
    },
  };
}
