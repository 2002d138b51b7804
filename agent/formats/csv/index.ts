/** CSV files: one, or a directory or zip archive of them, as every product exports them. See readme.md. */
import { basename } from "node:path";
import type { FormatDefinition } from "../../core/definitions.ts";
import { AgentError } from "../../core/errors.ts";
import type { ArtifactProbe, FormatContext } from "../../core/ports.ts";
import { directoryTree, type FileTree, openRegular } from "../../kit/file-tree.ts";
import { unpackZip } from "../../kit/unzip.ts";
import { looksLikeZip } from "../../kit/zip.ts";
import { asFormatError } from "../reading.ts";
import { readContent } from "./content.ts";
import { likeness } from "./likeness.ts";
import { isTablePath } from "./names.ts";
import { recogniseCsv } from "./recognise.ts";

export const csv: FormatDefinition = {
  id: "csv",
  summary: "CSV files, one or a directory or zip archive of them, types and keys found by looking at every value",
  platform: "any",
  create: () => ({
    id: "csv",
    recognise: (probe) => recogniseCsv(probe).catch(() => ({ confidence: 0, formatVersion: null, because: "it could not be looked at" })),
    async open(probe, context) {
      context.signal.throwIfAborted();
      let tree: FileTree | null = null;
      try {
        if (probe.bytes > context.limits.maxBytes)
          throw new AgentError("limit", "too-large", "The artifact is larger than what may be read.");
        tree = await openTree(probe, context);
        return await readContent(tree, probe.kind === "file" && looksLikeZip(probe.head), context);
      } catch (thrown) {
        await tree?.close();
        throw asFormatError(thrown);
      }
    },
  }),
};

async function openTree(probe: ArtifactProbe, { limits, signal, workDir }: FormatContext): Promise<FileTree> {
  if (probe.kind === "directory") return directoryTree(probe.path, limits, signal);
  if (looksLikeZip(probe.head)) return unpackZip(probe.path, workDir, limits, signal);
  return singleFile(probe);
}

/** The one table of a single file is called `table`: the name of a backup changes from night to night. */
async function singleFile(probe: ArtifactProbe): Promise<FileTree> {
  const handle = await openRegular(probe.path);
  const { size } = await handle.stat();
  await handle.close();
  if (size === 0) throw new AgentError("damaged", "csv-empty", "The file is empty.");
  const { confidence, because } = likeness(probe.head, probe.head.length >= probe.bytes, isTablePath(basename(probe.path)));
  if (confidence === 0) throw new AgentError("damaged", "not-csv", `This is no CSV file: ${because}.`);
  const ending = /\.(?:csv|tsv|tab)$/iu.exec(basename(probe.path))?.[0] ?? ".csv";
  return {
    files: new Map([[`table${ending.toLowerCase()}`, { place: probe.path, bytes: size }]]),
    problems: [],
    close: () => Promise.resolve(),
  };
}
