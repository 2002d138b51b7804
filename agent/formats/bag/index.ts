/** Our capture format (decision 5): a BagIt bag that holds a data package of NDJSON tables, metadata and attachments. See readme.md. */
import type { FormatDefinition } from "../../core/definitions.ts";
import { AgentError } from "../../core/errors.ts";
import type { ArtifactProbe, FormatContext } from "../../core/ports.ts";
import { directoryTree, type FileTree, quoted } from "../../kit/file-tree.ts";
import { unpackZip } from "../../kit/unzip.ts";
import { looksLikeZip } from "../../kit/zip.ts";
import { asFormatError } from "../reading.ts";
import { DECLARATION } from "./bagit.ts";
import { readContent } from "./content.ts";
import { PACKAGE } from "./package.ts";
import { bagRoot, recogniseBag } from "./recognise.ts";

const ATTACHMENT = /^data\/files\/[0-9a-f]{64}$/u;

export const bag: FormatDefinition = {
  id: "bag",
  summary: "Capture bag (BagIt with a Frictionless data package), a directory or a zip archive",
  platform: "any",
  spares: (files) => (files.includes(DECLARATION) && files.includes(PACKAGE) ? files.filter((path) => ATTACHMENT.test(path)) : []),
  create: () => ({
    id: "bag",
    recognise: (probe) => recogniseBag(probe).catch(() => ({ confidence: 0, formatVersion: null, because: "it could not be looked at" })),
    async open(probe, context) {
      context.signal.throwIfAborted();
      let tree: FileTree | null = null;
      try {
        tree = await openTree(probe, context);
        return await readContent(tree, context);
      } catch (thrown) {
        await tree?.close();
        throw asFormatError(thrown);
      }
    },
  }),
};

async function openTree(probe: ArtifactProbe, context: FormatContext): Promise<FileTree> {
  const { limits, signal, workDir } = context;
  if (probe.bytes > limits.maxBytes) throw new AgentError("limit", "too-large", "The bag is larger than what may be read.");
  if (probe.kind === "directory") return directoryTree(probe.path, limits, signal);
  if (!looksLikeZip(probe.head)) throw new AgentError("damaged", "not-bag", "A bag is a directory or a zip archive; this is another file.");
  return rooted(await unpackZip(probe.path, workDir, limits, signal));
}

/** In an archive the bag may lie in one folder (RFC 8493, section 4). */
function rooted(tree: FileTree): FileTree {
  const root = bagRoot(tree.files.keys()) ?? "";
  if (root === "") return tree;
  const inside = [...tree.files].filter(([path]) => path.startsWith(root));
  const outside = [...tree.files.keys()].filter((path) => !path.startsWith(root)).slice(0, 5);
  return {
    files: new Map(inside.map(([path, file]) => [path.slice(root.length), file])),
    problems: [...tree.problems, ...outside.map((path) => `${quoted(path)} lies beside the bag.`)],
    close: () => tree.close(),
  };
}
