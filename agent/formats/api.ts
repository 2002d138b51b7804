/** The formats there are: one folder each, one line each. */
import type { FormatDefinition } from "../core/definitions.ts";
import { bag } from "./bag/index.ts";
import { baserow } from "./baserow/index.ts";
import { csv } from "./csv/index.ts";
import { directusFormat } from "./directus/index.ts";
import { grist } from "./grist/index.ts";
import { n8nFormat } from "./n8n/index.ts";
import { nodeRedFormat } from "./node-red/index.ts";

export const formats: readonly FormatDefinition[] = [bag, baserow, csv, directusFormat, grist, n8nFormat, nodeRedFormat];
