/** Whether an artifact is one of n8n's exports, judged by what it holds. */
import { constants, gunzipSync } from "node:zlib";
import type { ArtifactProbe, Recognition } from "../../core/ports.ts";
import { looksLikeZip } from "../../kit/zip.ts";

export type Layout = "documents" | "package" | "entities";
export interface Likeness extends Recognition {
  readonly layout: Layout;
}

const NO: Likeness = { confidence: 0, formatVersion: null, because: "it holds nothing of n8n", layout: "documents" };
const ENTITIES =
  /PK[^]{28}(?:apikey|credentialsentity|data_table_user_\w+|datatable|deploymentkey|workflowentity|migrations)(?:\.\d+)?\.jsonl/gu;

export async function likenessOf(probe: ArtifactProbe): Promise<Likeness> {
  if (probe.kind === "directory") return directoryLikeness(probe);
  if (looksLikeZip(probe.head)) {
    const seen = Buffer.from(probe.head).toString("latin1").match(ENTITIES)?.length ?? 0;
    if (seen === 0) return { ...NO, layout: "entities" };
    return { confidence: 0.95, formatVersion: null, because: "a zip of entities as n8n exports them", layout: "entities" };
  }
  if (probe.head[0] === 0x1f && probe.head[1] === 0x8b) return packageLikeness(probe.head);
  return { ...NO, ...documentLikeness(probe.head) };
}

function packageLikeness(head: Uint8Array): Likeness {
  try {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 70 * 1024 * 1024 };
    const text = gunzipSync(head, options).subarray(0, 4096).toString("latin1");
    if (text.startsWith("manifest.json\0") && text.includes('"packageFormatVersion"'))
      return { confidence: 0.97, formatVersion: null, because: "a package with the manifest of n8n", layout: "package" };
  } catch {
    // What does not unpack is no package that could be recognised.
  }
  return { ...NO, layout: "package" };
}

function documentLikeness(head: Uint8Array): Pick<Recognition, "confidence" | "because"> {
  const text = new TextDecoder().decode(head).trimStart();
  if (!/^(?:\[\s*)?\{/u.test(text)) return { confidence: 0, because: NO.because };
  const nodes = /"nodes"\s*:\s*\[/u.test(text) && /"type"\s*:\s*"(?:n8n-nodes-|@n8n\/)/u.test(text);
  if (nodes) return { confidence: 0.96, because: "workflows with nodes of n8n" };
  if (/"nodes"\s*:\s*\[/u.test(text) && /"connections"\s*:\s*\{/u.test(text) && /"versionId"\s*:/u.test(text))
    return { confidence: 0.9, because: "workflows with nodes and connections" };
  const sealed = /"data"\s*:\s*"(?:[\w-]{1,36}:)?(?:U2FsdGVkX1|AQ|AR)/u.test(text);
  const marks = /"isManaged"\s*:/u.test(text) || /"nodesAccess"\s*:/u.test(text);
  if (marks && /"type"\s*:\s*"/u.test(text) && (sealed || /"data"\s*:\s*\{/u.test(text)))
    return { confidence: 0.93, because: "credentials as n8n exports them" };
  return { confidence: 0, because: NO.because };
}

async function directoryLikeness(probe: ArtifactProbe): Promise<Likeness> {
  const entries = probe.entries.filter((entry) => entry.endsWith(".json"));
  if (entries.length === 0 || entries.length < probe.entries.length / 2) return NO;
  let [known, best] = [0, 0];
  const looked = entries.slice(0, 12);
  for (const entry of looked) {
    const head = await probe.readHead(entry, 64 * 1024).catch(() => new Uint8Array(0));
    const { confidence } = documentLikeness(head);
    if (confidence >= 0.5) known += 1;
    best = Math.max(best, confidence);
  }
  if (known < looked.length / 2) return NO;
  return { ...NO, confidence: best, because: `${known} of the first ${looked.length} files are workflows or credentials of n8n` };
}
