/** Node-RED flows: a flows file, an exported selection, what the admin API gives, or a whole user directory. */
import type { FormatDefinition } from "../../core/definitions.ts";
import type { ArtifactProbe, Format, Recognition } from "../../core/ports.ts";
import { openFlowsFile, openUserDir } from "./content.ts";
import { likenessOf } from "./recognise.ts";
import { surveyUserDir } from "./user-dir.ts";

export const nodeRedFormat: FormatDefinition = {
  id: "node-red",
  summary: "Node-RED flows file, exported nodes, or user directory",
  platform: "node-red",
  create: (): Format => ({
    id: "node-red",
    recognise: (probe) =>
      recognise(probe).catch((): Recognition => ({ confidence: 0, formatVersion: null, because: "it could not be looked at" })),
    async open(probe, context) {
      context.signal.throwIfAborted();
      return probe.kind === "directory" ? openUserDir(probe, context) : openFlowsFile(probe, context);
    },
  }),
};

async function recognise(probe: ArtifactProbe): Promise<Recognition> {
  if (probe.kind === "file") {
    const { confidence, because, wrapped } = likenessOf(probe.head);
    return { confidence, because, formatVersion: wrapped && confidence >= 0.5 ? "v2" : null };
  }
  const { likeness, flows, signs } = await surveyUserDir(probe);
  const known = likeness !== null && likeness.confidence >= 0.5 ? likeness : null;
  if (known !== null) return { confidence: known.confidence, formatVersion: null, because: `${flows}: ${known.because}` };
  if (signs.length > 0)
    return {
      confidence: 0.7,
      formatVersion: null,
      because: `a Node-RED user directory by its ${signs.join(", ")}, without flows that can be read`,
    };
  return { confidence: 0, formatVersion: null, because: "it holds no flows file" };
}
