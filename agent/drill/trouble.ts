/** How what went wrong is told: a finding about the artifact, or trouble of our own. */
import { AgentError, asAgentError } from "../core/errors.ts";
import { clip } from "./channel.ts";

export interface Trouble {
  readonly code: string;
  readonly message: string;
}

/**
 * @returns one clean sentence. Errors that are not ours may quote what they were reading, so of those only the kind is told;
 *   system errors (a path, an errno) are safe.
 */
export function troubleOf(thrown: unknown): Trouble {
  const error = asAgentError(thrown);
  if (!(thrown instanceof AgentError) && error.kind === "internal") {
    return { code: "internal", message: `Something failed unexpectedly (${nameOf(thrown)}).` };
  }
  return { code: error.code, message: clip(error.mend === null ? error.message : `${trimmed(error.message)}; ${error.mend}`) };
}

/** Whether it says something about the artifact, rather than about us. */
export function isDamage(thrown: unknown): boolean {
  return thrown instanceof AgentError && thrown.kind === "damaged";
}

export function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : "not an error";
}

function trimmed(message: string): string {
  return message.endsWith(".") ? message.slice(0, -1) : message;
}
