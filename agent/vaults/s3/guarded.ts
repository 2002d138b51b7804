/** How errors leave this vault. */
import { AgentError, asAgentError } from "../../core/errors.ts";

/** Every error leaves as an AgentError about the path within the vault. */
export async function guarded<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (signal.aborted) throw new AgentError("transient", "aborted", "The vault was no longer waited for.");
    const error = asAgentError(thrown);
    const where = path === "" ? "the vault" : JSON.stringify(path.slice(0, 300));
    const said = thrown instanceof AgentError ? error.message : describe(error);
    // The SDK's errors hold requests and their signatures, a system's message absolute paths: neither goes on as a cause.
    throw new AgentError(error.kind, error.code, `${where}: ${said}`, error.mend === null ? {} : { mend: error.mend });
  }
}

function describe(error: AgentError): string {
  if (error.kind === "limit") return `This machine has no room or no means left for a copy (${error.code}).`;
  if (error.kind === "not_found" || error.kind === "auth") return "A file or directory of this machine cannot be used for a copy.";
  return "It could not be read.";
}
