/** Baserow exports: a template or workspace as JSON, or the zip of a workspace export with manifest, signature and files. */
import type { FormatDefinition } from "../../core/definitions.ts";
import { AgentError } from "../../core/errors.ts";
import type { Recognition } from "../../core/ports.ts";
import { looksLikeZip } from "../../kit/zip.ts";
import { openDocument, openWorkspaceExport } from "./content.ts";
import { recogniseBaserow } from "./recognise.ts";

export const baserow: FormatDefinition = {
  id: "baserow",
  summary: "Baserow export (JSON, or zip with manifest): tables, links, views, pages, workflows, files",
  platform: "baserow",
  create: () => ({
    id: "baserow",
    recognise: (probe) =>
      recogniseBaserow(probe).catch((): Recognition => ({ confidence: 0, formatVersion: null, because: "it could not be looked at" })),
    async open(probe, context) {
      context.signal.throwIfAborted();
      if (probe.kind !== "file") throw new AgentError("damaged", "not-baserow", "A Baserow export is a single file; this is a directory.");
      return looksLikeZip(probe.head) ? openWorkspaceExport(probe.path, context) : openDocument(probe.path, context);
    },
  }),
};
