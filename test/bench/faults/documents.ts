/** Every clean document that faults are planted into. */
import { bagDocument } from "./bag.ts";
import { baserowDocument } from "./baserow.ts";
import { csvDocuments } from "./csv.ts";
import { directusDocument } from "./directus.ts";
import { gristDocument } from "./grist.ts";
import type { CleanDocument } from "./model.ts";
import { n8nDocument } from "./n8n.ts";
import { nodeRedDocument } from "./node-red.ts";

export const DOCUMENTS: readonly CleanDocument[] = [
  bagDocument,
  baserowDocument,
  ...csvDocuments,
  directusDocument,
  gristDocument,
  n8nDocument,
  nodeRedDocument,
];
