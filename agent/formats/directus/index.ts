/** Backups of Directus made by others: a schema snapshot, with exported items, documents and files beside it, or an extracted template. */
import type { FormatDefinition } from "../../core/definitions.ts";
import { AgentError } from "../../core/errors.ts";
import type { ArtifactProbe, FormatContext } from "../../core/ports.ts";
import { directoryTree, type FileTree } from "../../kit/file-tree.ts";
import { unpackZip } from "../../kit/unzip.ts";
import { looksLikeZip } from "../../kit/zip.ts";
import { asFormatError } from "../reading.ts";
import { readContent } from "./content.ts";
import { recogniseDirectus } from "./recognise.ts";

export const directusFormat: FormatDefinition = {
  id: "directus",
  summary: "Directus: a schema snapshot, alone or with exported items, or an extract of directus-template-cli; folder or zip",
  platform: "directus",
  create: () => ({
    id: "directus",
    recognise: (probe) =>
      recogniseDirectus(probe).catch(() => ({ confidence: 0, formatVersion: null, because: "it could not be looked at" })),
    async open(probe, context) {
      context.signal.throwIfAborted();
      const isZip = probe.kind === "file" && looksLikeZip(probe.head);
      const tree = await treeOf(probe, isZip, context);
      try {
        return await readContent(tree, isZip, context);
      } catch (thrown) {
        await tree.close();
        context.signal.throwIfAborted();
        throw asFormatError(thrown);
      }
    },
  }),
};

async function treeOf(probe: ArtifactProbe, isZip: boolean, context: FormatContext): Promise<FileTree> {
  const { limits, signal, workDir } = context;
  try {
    if (probe.kind === "directory") return await directoryTree(probe.path, limits, signal);
    if (isZip) return await unpackZip(probe.path, workDir, limits, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw asFormatError(thrown);
  }
  if (probe.bytes > limits.maxBytes)
    throw new AgentError("limit", "too-large", `The snapshot is ${probe.bytes} bytes, more than the ${limits.maxBytes} allowed.`);
  return { files: new Map([["", { place: probe.path, bytes: probe.bytes }]]), problems: [], close: () => Promise.resolve() };
}
