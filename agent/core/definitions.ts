/** What a registry line holds: a definition is data plus a constructor; importing it does no I/O. */
import type { z } from "zod";
import type { VaultWriter } from "./platform-ports.ts";
import type { Check, Clock, Format, Sandbox, Vault } from "./ports.ts";

export interface VaultDeps {
  readonly baseDir: string;
  readonly clock: Clock;
  /** Where a proxy is looked for. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface VaultDefinition {
  readonly type: string;
  readonly summary: string;
  /** Strict object schema of its configuration, every field described, without `type`. Secrets use `secretSchema` of kit/secret.ts. */
  readonly schema: z.ZodObject;
  /** `config` was parsed by `schema`; relative paths in it are relative to `baseDir`. */
  create(id: string, config: unknown, deps: VaultDeps): Vault;
  /** Where captures are put: below `prefix` and nowhere else. Absent: this kind of vault is only read. */
  createWriter?(id: string, config: unknown, prefix: string, deps: VaultDeps): VaultWriter;
}

export interface FormatDefinition {
  readonly id: string;
  readonly summary: string;
  /** Which product's backups it reads. */
  readonly platform: string;
  /** Of the files of a directory, those without which it can still be opened: a drill may leave some of them unread in the vault. */
  spares?(files: readonly string[]): readonly string[];
  create(): Format;
}

export interface SandboxDefinition {
  readonly id: string;
  readonly summary: string;
  /** `readPaths`: absolute paths besides its own directory that the sandbox may read natively (bulk files of a Content). */
  create(options?: { readonly readPaths?: readonly string[] }): Sandbox;
}

export type CheckRegistry = readonly Check[];
