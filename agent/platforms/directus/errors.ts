/** Errors that more than one part of this connector throws, and codes read out of Directus' own. */
import { AgentError } from "../../core/errors.ts";
import { HttpError } from "../../kit/http/errors.ts";

export function schemaChanged(collection: string, cause?: unknown): AgentError {
  return new AgentError("transient", "schema-changed", `directus: The collection ${collection} changed while it was read.`, {
    mend: "it is read again from the beginning at the next attempt",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** @param what ends the sentence "It answered with …", without any value */
export function unexpected(what: string): AgentError {
  return new AgentError("unsupported", "unexpected-answer", `directus: It answered with ${what}.`, {
    mend: "check the product's version against the connector's readme",
  });
}

/** @returns the product's own code of a refusal (`LIMIT_EXCEEDED`, `RECORD_NOT_UNIQUE`, …) and the field it names, or null for anything else */
export function refusalOf(thrown: unknown): { readonly status: number; readonly code: string; readonly field: string | null } | null {
  const cause = thrown instanceof AgentError ? thrown.cause : null;
  if (!(cause instanceof HttpError) || cause.status === null) return null;
  if (cause.status < 400 || cause.status === 401 || cause.status === 429) return null;
  // Bodies are cut at a length: the code is looked for, the whole is not parsed.
  const own = /"code"\s*:\s*"([A-Z_]{3,60})"/u.exec(cause.body)?.[1] ?? null;
  // Directus answers 500 also to values it does not take, with a code; anything else of that kind is trouble, and refuses nothing.
  if (cause.status > 500 || (cause.status === 500 && own === null)) return null;
  const code = own ?? `HTTP_${cause.status}`;
  const field = /"field"\s*:\s*"([^"\\]{1,200})"/u.exec(cause.body)?.[1] ?? null;
  return { status: cause.status, code, field };
}
