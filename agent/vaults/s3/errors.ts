/** What an S3 server refuses, in the words of the agent. Nothing a server writes is repeated: it may hold signatures and keys. */
import { AgentError, asAgentError } from "../../core/errors.ts";

interface Refusal {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly Region?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
  readonly cause?: unknown;
}

export interface S3Place {
  readonly bucket: string;
  readonly region: string;
  /** Host and port, or null for AWS. */
  readonly host: string | null;
}

const EXPIRED = new Set(["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"]);
const WRONG_KEYS = new Set([
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "InvalidToken",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "AuthFailure",
  "XAdminUserNotFound",
]);
const NO_CREDENTIALS = new Set(["CredentialsProviderError", "TokenProviderError", "CredentialsError"]);
const SLOW_DOWN = new Set([
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "TooManyRequests",
  "RequestLimitExceeded",
  "BandwidthLimitExceeded",
]);
const WRONG_REGION = new Set([
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
  "AuthorizationQueryParametersError",
]);
const ABSENT = new Set(["NoSuchKey", "NotFound", "NoSuchVersion"]);
const CHANGED = new Set(["PreconditionFailed", "InvalidRange", "ConditionalRequestConflict"]);
const TLS = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO)/u;
const CUT = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNABORTED",
  "ERR_STREAM_PREMATURE_CLOSE",
  "HPE_INVALID_CONSTANT",
]);

/** The server's own name for its refusal, its status, and the system's code of a broken connection. */
export function refusalOf(thrown: unknown): { readonly name: string; readonly status: number | null; readonly system: string | null } {
  if (typeof thrown !== "object" || thrown === null) return { name: "", status: null, system: null };
  const { name, code, Code, $metadata } = thrown as Refusal;
  const status = $metadata?.httpStatusCode;
  return {
    name: typeof Code === "string" ? Code : typeof name === "string" ? name : "",
    status: typeof status === "number" ? status : null,
    system: typeof code === "string" ? code : null,
  };
}

/** True where keys read afresh may help: they were refused as such, or a HEAD was, which never says why. */
export function mayBeOldKeys(thrown: unknown): boolean {
  const { name, status } = refusalOf(thrown);
  return EXPIRED.has(name) || WRONG_KEYS.has(name) || ((status === 403 || status === 401) && !isNamed(name));
}

/** A HEAD has no body, so no name. */
function isNamed(name: string): boolean {
  return !["", "Unknown", "UnknownError", "Error", "Forbidden", "403", "401"].includes(name);
}

export function isAbsent(thrown: unknown): boolean {
  const { name, status } = refusalOf(thrown);
  return ABSENT.has(name) || (status === 404 && !isNamed(name));
}

/** @returns what was thrown as an AgentError, its message about the bucket or the request, one sentence */
export function s3Error(thrown: unknown, place: S3Place): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const { name, status, system } = refusalOf(thrown);
  const server = place.host ?? "S3";
  const bucket = JSON.stringify(place.bucket);
  // The cause is left out on purpose: the SDK's errors carry the string to sign, the access key id and the whole answer.
  const made = (kind: AgentError["kind"], code: string, message: string, mend?: string): AgentError =>
    new AgentError(kind, code, message, mend === undefined ? {} : { mend });
  if (NO_CREDENTIALS.has(name))
    return made("auth", "no-credentials", "No access key was found.", "write accessKeyId and secretAccessKey, or give the machine a role");
  if (EXPIRED.has(name)) return made("auth", "credentials-expired", "The access key has expired.", "renew it where its secrets lie");
  if (WRONG_KEYS.has(name))
    return made(
      "auth",
      "credentials-refused",
      `${server} refuses the access key.`,
      "see accessKeyId and secretAccessKey, and that the key still exists",
    );
  if (name === "RequestTimeTooSkewed")
    return made(
      "config",
      "clock-skew",
      `The clock of this machine and that of ${server} are more than 15 minutes apart.`,
      "set the clock of this machine, with NTP",
    );
  if (name === "NoSuchBucket")
    return made("not_found", "no-such-bucket", `There is no bucket ${bucket}.`, "see bucket, region and endpoint of the vault");
  if (WRONG_REGION.has(name) || status === 301 || status === 307) {
    const said = (thrown as Refusal).Region;
    const region = typeof said === "string" && /^[a-z0-9-]{2,40}$/u.test(said) ? said : null;
    return made(
      "config",
      "wrong-region",
      `The bucket ${bucket} does not lie in region ${place.region}.`,
      region === null ? "write the region of the bucket under region" : `write region: ${region}`,
    );
  }
  if (SLOW_DOWN.has(name) || status === 429 || (status === 503 && name !== "NotImplemented"))
    return made("rate_limited", "slow-down", `${server} asks to be called less often.`, "raise poll of the sources in this vault");
  if (isAbsent(thrown)) return made("not_found", "not-found", "There is no such file or directory in the vault.");
  if (CHANGED.has(name) || status === 412 || status === 416)
    return made("transient", "artifact-changed", "It changed while it was read.", "it is looked at again at the next poll");
  if (name === "InvalidObjectState")
    return made(
      "unsupported",
      "archived",
      "It lies in an archive class, from which it is not read at once.",
      "restore it there, or verify copies in another class",
    );
  if (name === "AccessDenied" || name === "AllAccessDisabled" || status === 403 || status === 401)
    return made("auth", "no-permission", "It is not permitted.", "see agent/vaults/s3/readme.md for what the access key needs");
  if (system !== null && TLS.test(system))
    return made(
      "transient",
      "tls",
      `No trusted TLS connection to ${server} (${system}).`,
      "see endpoint and the server's certificate; NODE_EXTRA_CA_CERTS names more authorities",
    );
  if ((system !== null && CUT.has(system)) || /aborted|socket hang up|premature/iu.test(thrown instanceof Error ? thrown.message : ""))
    return made(
      "transient",
      "connection",
      `The connection to ${server} could not be made or was cut${system === null ? "" : ` (${system})`}.`,
      "see endpoint, and whether the server runs",
    );
  // The SDK calls a connection that was reset a timeout as well: what the system says goes before its name.
  if (name === "TimeoutError" || name === "RequestTimeout") return made("transient", "timeout", `${server} did not answer in time.`);
  if (status !== null && status >= 500 && status !== 501) return made("transient", "server-error", `${server} answered with ${status}.`);
  if (name === "NotImplemented" || status === 501)
    return made("unsupported", "not-implemented", `${server} does not know what was asked of it.`);
  if (status !== null && status >= 400)
    return made("unsupported", "refused", `${server} refused with ${status}${/^[A-Za-z]{3,60}$/u.test(name) ? ` ${name}` : ""}.`);
  // An answer that is no S3: the XML reader or the SDK trips over it.
  if (thrown instanceof SyntaxError || status !== null)
    return made(
      "transient",
      "bad-answer",
      `${server} answered with something that is not S3.`,
      "see endpoint: it must be the address of the S3 API",
    );
  return localError(thrown);
}

/** What this machine, not the server, refuses. A system's message holds absolute paths, an unknown one anything: neither is repeated. */
export function localError(thrown: unknown): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const { kind, code } = asAgentError(thrown);
  if (kind === "limit") return new AgentError(kind, code, `This machine has no room or no means left for a copy (${code}).`);
  if (kind === "not_found" || kind === "auth")
    return new AgentError("internal", "no-place", "A file or directory of this machine cannot be used for a copy.");
  if (kind === "transient") return new AgentError(kind, code, "It broke off.");
  return new AgentError(
    "internal",
    "internal",
    `Something unforeseen happened (${thrown instanceof Error ? thrown.name : typeof thrown}).`,
  );
}
