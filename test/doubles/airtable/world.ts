/** What the local Airtable holds: bases, tables, rows, files, tokens, and a clock of its own. */
import { createHash } from "node:crypto";
import { forbidden } from "./errors.ts";

export interface FieldState {
  readonly id: string;
  name: string;
  readonly type: string;
  description: string | undefined;
  readonly options: Readonly<Record<string, unknown>> | undefined;
  /** Of computed fields: the cell as it is shown, undefined for an empty one. */
  readonly compute?: ((row: Row) => unknown) | undefined;
}

export interface Row {
  readonly id: string;
  readonly number: number;
  readonly createdAt: number;
  modifiedAt: number;
  readonly cells: Map<string, unknown>;
}

export interface TableState {
  readonly id: string;
  name: string;
  description: string | undefined;
  primaryFieldId: string;
  fields: FieldState[];
  readonly views: { id: string; name: string; type: string; visibleFieldIds: string[] | undefined }[];
  rows: Row[];
  lastNumber: number;
}

export interface BaseState {
  readonly id: string;
  readonly name: string;
  readonly tables: TableState[];
  readonly members: readonly { readonly userId: string; readonly email: string; readonly permissionLevel: string }[];
  /** Times of the requests of the last second; until when everything is refused. */
  recent: number[];
  penaltyUntil: number;
}

export interface TokenState {
  readonly scopes: ReadonlySet<string>;
  readonly bases: ReadonlySet<string>;
  readonly expired: boolean;
}

export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

export interface ServerClock {
  now(): number;
  monotonic(): number;
}

export interface World {
  readonly clock: ServerClock;
  readonly bases: Map<string, BaseState>;
  readonly tokens: Map<string, TokenState>;
  readonly files: Map<string, StoredFile>;
  /** Listings under way: what is left of each, and until when it is kept. */
  readonly iterators: Map<string, { readonly table: string; readonly rows: readonly string[]; readonly until: number }>;
  /** The plan's calls of the month are used up. */
  quotaSpent: boolean;
  filesOrigin: string;
  id(prefix: string): string;
}

export const EVERY_SCOPE = ["data.records:read", "data.records:write", "schema.bases:read", "schema.bases:write"] as const;
export const ADDRESS_LIVES_MS = 2 * 3_600_000;

export function createWorld(clock: ServerClock): World {
  let made = 0;
  return {
    clock,
    bases: new Map(),
    tokens: new Map(),
    files: new Map(),
    iterators: new Map(),
    quotaSpent: false,
    filesOrigin: "",
    // In no order, as Airtable's are.
    id: (prefix) => {
      made += 1;
      const letters = createHash("sha256")
        .update(`${prefix}${made}`)
        .digest("base64")
        .replace(/[^A-Za-z0-9]/gu, "x");
      return `${prefix}${letters.slice(0, 14)}`;
    },
  };
}

export function tableOf(base: BaseState, idOrName: string): TableState {
  const found = base.tables.find((table) => table.id === idOrName || table.name === idOrName);
  if (found === undefined) throw forbidden();
  return found;
}

/** The address of a file, as it is given out now. */
export function addressOf(world: World, file: StoredFile): string {
  const until = world.clock.now() + ADDRESS_LIVES_MS;
  return `${world.filesOrigin}/dl/${file.id}/${until}/${signatureOf(file.id, until)}`;
}

export function signatureOf(id: string, until: number): string {
  return createHash("sha256").update(`signed ${id} ${until}`).digest("hex").slice(0, 24);
}
