/** Every kind of vault there is. A new one is a folder and a line here. */
import type { VaultDefinition } from "../core/definitions.ts";
import { dirVaultDefinition } from "./dir/index.ts";
import { s3VaultDefinition } from "./s3/index.ts";

export const vaults: readonly VaultDefinition[] = [dirVaultDefinition, s3VaultDefinition];
