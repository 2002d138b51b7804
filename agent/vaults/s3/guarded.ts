/** How errors leave this vault. */
import { AgentError } from "../../core/errors.ts";
import { localError } from "./errors.ts";

/** Every error leaves as an AgentError about the path within the vault, without a cause: the SDK's hold requests and their signatures. */
export async function guarded<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (signal.aborted) throw new AgentError("transient", "aborted", "The vault was no longer waited for.");
    const error = localError(thrown);
    const where = path === "" ? "the vault" : JSON.stringify(path.slice(0, 300));
    throw new AgentError(error.kind, error.code, `${where}: ${error.message}`, error.mend === null ? {} : { mend: error.mend });
  }
}
