/** The platforms the agent can talk to: one folder each, one line each. */
import type { PlatformDefinition } from "../core/platform-ports.ts";
import { airtable } from "./airtable/index.ts";
import { directus } from "./directus/index.ts";
import { n8n } from "./n8n/index.ts";
import { nocodb } from "./nocodb/index.ts";
import { nodeRed } from "./node-red/index.ts";

export const platforms: readonly PlatformDefinition[] = [airtable, directus, n8n, nocodb, nodeRed];
