/** Exports of n8n: what its command line backs up, entities.zip, and packages. */
import type { FormatDefinition } from "../../core/definitions.ts";
import { openDocuments } from "./documents.ts";
import { openEntities } from "./entities.ts";
import { openPackage } from "./package.ts";
import { likenessOf } from "./recognise.ts";

const OPEN = { documents: openDocuments, entities: openEntities, package: openPackage } as const;

export const n8nFormat: FormatDefinition = {
  id: "n8n",
  summary: "n8n exports: workflows and credentials of its command line, entities.zip, or a package (.n8np)",
  platform: "n8n",
  create: () => ({
    id: "n8n",
    async recognise(probe) {
      const none = { confidence: 0, formatVersion: null, because: "it could not be looked at" };
      const { confidence, formatVersion, because } = await likenessOf(probe).catch(() => none);
      return { confidence, formatVersion, because };
    },
    async open(probe, context) {
      context.signal.throwIfAborted();
      return OPEN[(await likenessOf(probe)).layout](probe, context);
    },
  }),
};
