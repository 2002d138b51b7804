/** Which format an artifact has: by what is in it, never by its name alone. */
import type { FormatDefinition } from "../core/definitions.ts";
import { AgentError } from "../core/errors.ts";
import type { ArtifactProbe, Format } from "../core/ports.ts";

export interface Recognised {
  readonly id: string;
  readonly format: Format;
  readonly formatVersion: string | null;
}

/** Less is not enough for `auto`. */
const ENOUGH = 0.5;

/**
 * @param wanted a format's id, or `auto`
 * Throws AgentError `damaged` for an empty artifact, and for one that is not what `wanted` says; `unsupported`/`unknown-format` when
 * nothing knows it under `auto`.
 */
export async function recognise(formats: readonly FormatDefinition[], wanted: string, probe: ArtifactProbe): Promise<Recognised> {
  if (probe.bytes === 0) throw new AgentError("damaged", "artifact-empty", "The artifact is empty.");
  if (wanted !== "auto") return recogniseAs(formats, wanted, probe);
  let best: { readonly confidence: number; readonly found: Recognised } | null = null;
  for (const definition of formats) {
    const format = definition.create();
    const { confidence, formatVersion } = await format.recognise(probe);
    if (confidence >= ENOUGH && (best === null || confidence > best.confidence)) {
      best = { confidence, found: { id: definition.id, format, formatVersion } };
    }
  }
  if (best === null) {
    throw new AgentError("unsupported", "unknown-format", "No format recognises the artifact by its content.", {
      mend: "say what it is with --format or backups.format",
    });
  }
  return best.found;
}

async function recogniseAs(formats: readonly FormatDefinition[], wanted: string, probe: ArtifactProbe): Promise<Recognised> {
  const definition = formats.find((one) => one.id === wanted);
  if (definition === undefined) throw new AgentError("usage", "unknown-format-name", `There is no format called "${wanted}".`);
  const format = definition.create();
  const { confidence, formatVersion } = await format.recognise(probe);
  if (confidence <= 0)
    throw new AgentError("damaged", "wrong-format", `The artifact is not what --format says: it is no ${wanted} backup.`);
  return { id: definition.id, format, formatVersion };
}
