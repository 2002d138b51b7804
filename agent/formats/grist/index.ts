/** Grist documents: one SQLite file with tables, formulas, pages, access rules, triggers and attachments. */
import type { FormatDefinition } from "../../core/definitions.ts";
import { readContent } from "./content.ts";
import { openDatabase } from "./database.ts";
import { recogniseGrist } from "./recognise.ts";
import { AgentError } from "../../core/errors.ts";

export const grist: FormatDefinition = {
  id: "grist",
  summary: "Grist document (SQLite): tables, links, pages, access rules, webhooks, attachments",
  platform: "grist",
  create: () => ({
    id: "grist",
    recognise: recogniseGrist,
    async open(probe, context) {
      if (probe.kind !== "file") throw new AgentError("damaged", "not-grist", "A Grist document is a single file; this is a directory.");
      const database = await openDatabase(probe.path, context);
      try {
        return readContent(database, context);
      } catch (thrown) {
        await database.close();
        throw thrown;
      }
    },
  }),
};
