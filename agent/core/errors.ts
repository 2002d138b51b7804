/**
 * The one error class that crosses module borders. Retry, verdicts and exit codes read `kind` only;
 * nobody matches on message text.
 */

export const ERROR_KINDS = [
  "config",
  "usage",
  "auth",
  "transient",
  "rate_limited",
  "not_found",
  "damaged",
  "unsupported",
  "limit",
  "internal",
] as const;

/**
 * - `config`, `usage`: the person has to change something; exit code 2
 * - `damaged`: the artifact itself is broken: a finding about the backup (`failed`)
 * - `auth`, `transient`, `rate_limited`, `not_found`, `unsupported`, `limit`, `internal`: we could not look (`inconclusive`)
 */
export type ErrorKind = (typeof ERROR_KINDS)[number];

export class AgentError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  /** What the person can do about it, one sentence, or null. */
  readonly mend: string | null;

  /**
   * @param code stable, kebab-case, for example `artifact-truncated`
   * @param message one line, no secret, no record value
   */
  constructor(kind: ErrorKind, code: string, message: string, options: { cause?: unknown; mend?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AgentError";
    this.kind = kind;
    this.code = code;
    this.mend = options.mend ?? null;
  }
}

/** What this machine has no more of, or does not allow to be written. */
const OURS: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EMFILE", "ENFILE", "EAGAIN", "ENOMEM"]);
/** A server, mounted or called, that does not answer. */
const ELSEWHERE: ReadonlySet<string> = new Set(["ESTALE", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENOTCONN", "ECONNRESET"]);

/** Turns anything thrown into an AgentError; system errors map to a kind by their errno code. */
export function asAgentError(thrown: unknown): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const errno = (thrown as { code?: unknown } | null)?.code;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (typeof errno === "string") {
    if (errno === "ENOENT" || errno === "ENOTDIR") return new AgentError("not_found", "not-found", message, { cause: thrown });
    if (errno === "EACCES" || errno === "EPERM" || errno === "ERR_ACCESS_DENIED")
      return new AgentError("auth", "no-permission", message, { cause: thrown });
    if (OURS.has(errno)) return new AgentError("limit", errno.toLowerCase(), message, { cause: thrown });
    if (ELSEWHERE.has(errno)) return new AgentError("transient", errno.toLowerCase(), message, { cause: thrown });
    if (errno === "ABORT_ERR") return new AgentError("transient", "aborted", message, { cause: thrown });
  }
  if (thrown instanceof Error && thrown.name === "AbortError") return new AgentError("transient", "aborted", message, { cause: thrown });
  return new AgentError("internal", "internal", message, { cause: thrown });
}
