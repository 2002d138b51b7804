/** Airtable's own client from npm, locked: what it can talk to is Airtable enough. */
import { createHash } from "node:crypto";
import { cp, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { installedOnce, run } from "./cache.ts";

const LOCKED = join(import.meta.dirname, "locks", "airtable-client");

/** @returns absolute path of the directory with its node_modules */
export async function installAirtableClient(): Promise<string> {
  const digest = createHash("sha256")
    .update(await readFile(join(LOCKED, "package-lock.json")))
    .digest("hex")
    .slice(0, 12);
  return installedOnce(`airtable-client-${digest}`, async (directory) => {
    for (const file of ["package.json", "package-lock.json"]) await cp(join(LOCKED, file), join(directory, file));
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: directory });
  });
}

export interface ClientRecord {
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ClientQuery {
  eachPage(page: (records: readonly ClientRecord[], next: () => void) => void): Promise<void>;
  all(): Promise<readonly ClientRecord[]>;
  firstPage(): Promise<readonly ClientRecord[]>;
}

/** The part of the client that tests use; it comes with types for another compiler. */
export interface ClientTable {
  select(options?: Readonly<Record<string, unknown>>): ClientQuery;
  find(id: string): Promise<ClientRecord>;
  create(records: readonly { readonly fields: object }[], options?: object): Promise<readonly ClientRecord[]>;
  create(fields: object, options?: object): Promise<ClientRecord>;
  update(records: readonly { readonly id: string; readonly fields: object }[], options?: object): Promise<readonly ClientRecord[]>;
  update(id: string, fields: object, options?: object): Promise<ClientRecord>;
  replace(id: string, fields: object): Promise<ClientRecord>;
  destroy(ids: readonly string[]): Promise<readonly ClientRecord[]>;
  destroy(id: string): Promise<ClientRecord>;
}

export interface ClientOptions {
  readonly apiKey: string;
  readonly endpointUrl: string;
  readonly noRetryIfRateLimited?: boolean;
  readonly requestTimeout?: number;
}

type Client = new (options: ClientOptions) => { base(id: string): (table: string) => ClientTable };

export async function airtableClient(): Promise<Client> {
  const directory = await installAirtableClient();
  return createRequire(join(directory, "package.json"))("airtable") as Client;
}
