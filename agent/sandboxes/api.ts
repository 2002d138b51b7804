/** The sandboxes there are. A new one is a folder and a line here. */
import type { SandboxDefinition } from "../core/definitions.ts";
import { duckdb } from "./duckdb/index.ts";

export const sandboxes: readonly SandboxDefinition[] = [duckdb];
