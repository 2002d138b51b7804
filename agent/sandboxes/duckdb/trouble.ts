/**
 * DuckDB's errors as ours. The library gives nothing but a message that begins with the class of the error; the rest of it may
 * quote record values, so only messages about the statement itself (ours) are passed on.
 */
import { AgentError } from "../../core/errors.ts";

const ABOUT_THE_STATEMENT = new Set(["Binder", "Parser", "Catalog", "Permission"]);

/** @returns an AgentError: `limit` for memory and disk, `transient`/`aborted` for an interrupt, else `internal`/`sandbox-query` */
export function asSandboxError(thrown: unknown): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const kind = /^([A-Za-z-]+(?: [A-Za-z]+)*?) Error:/i.exec(message)?.[1] ?? "Unknown";
  if (/max_temp_directory_size|no space left|file too large/i.test(message)) {
    return new AgentError("limit", "sandbox-disk", "The sandbox used up the disk space it may use.", {
      mend: "raise verify.limits.diskMb",
    });
  }
  if (kind === "Out of Memory" || /bad allocation|bad_alloc/i.test(message)) {
    return new AgentError("limit", "sandbox-memory", "The sandbox used up the memory it may use.", {
      mend: "raise verify.limits.memoryMb",
    });
  }
  if (kind === "INTERRUPT" || kind === "Interrupt") return new AgentError("transient", "aborted", "The query was interrupted.");
  const detail = ABOUT_THE_STATEMENT.has(kind) ? `: ${message.split("\n")[0]?.slice(0, 300) ?? ""}` : "";
  return new AgentError("internal", "sandbox-query", `The sandbox could not run a statement (${kind} error)${detail}.`);
}
