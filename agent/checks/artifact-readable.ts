import type { Check } from "../core/ports.ts";
import { fail, pass, skip } from "./outcome.ts";

export const artifactReadable: Check = {
  id: "artifact.readable",
  layer: "artifact",
  question: "Can the backup be opened as what it is?",
  needs: "artifact",
  aspect: null,
  pitfalls: ["nobody can restore the export", "restore broken for months unnoticed"],
  limits: "Opening it is not yet reading all of it; restore.loads does that.",
  async run({ content, damage }) {
    if (damage !== null) return fail(damage.message, { expected: "it opens" });
    if (content === null) return skip("it was not opened, for a reason of ours");
    return pass(`opened as ${content.format}${content.formatVersion === null ? "" : ` ${content.formatVersion}`}`, 1);
  },
};
