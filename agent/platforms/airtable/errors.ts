/** Errors that more than one part of this connector throws, and what Airtable's refusals say. */
import { z } from "zod";
import { AgentError } from "../../core/errors.ts";
import { HttpError } from "../../kit/http/errors.ts";

/** @param table its id */
export function schemaChanged(table: string, cause?: unknown): AgentError {
  return new AgentError("transient", "schema-changed", `airtable: The table ${table} changed while it was read.`, {
    mend: "it is read again from the beginning at the next attempt",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Airtable keeps a listing for some minutes. @param table its id */
export function listingExpired(table: string, cause: unknown): AgentError {
  return new AgentError("transient", "listing-expired", `airtable: The listing of the table ${table} ended before all of it was read.`, {
    mend: "it is read again from the beginning at the next attempt",
    cause,
  });
}

/** @param what ends the sentence "It answered with …", without any value */
export function unexpected(what: string): AgentError {
  return new AgentError("unsupported", "unexpected-answer", `airtable: It answered with ${what}.`, {
    mend: "check the connector's readme; Airtable may have changed its API",
  });
}

const refusalSchema = z.union([
  z.object({ error: z.object({ type: z.string() }) }).transform(({ error }) => error.type),
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ errors: z.array(z.object({ error: z.string() })).min(1) }).transform(({ errors }) => errors[0]?.error ?? ""),
]);

/** @returns Airtable's own word for why it refused (`UNKNOWN_FIELD_NAME`), whichever shape it came in; null where it was no refusal */
export function refusalCode(thrown: unknown): string | null {
  const cause = thrown instanceof AgentError ? thrown.cause : thrown;
  if (!(cause instanceof HttpError)) return null;
  try {
    const parsed = refusalSchema.safeParse(JSON.parse(cause.body));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Whether it refused what was asked, rather than being out of reach or the token being wrong. */
export function isRefusal(thrown: unknown): boolean {
  return thrown instanceof AgentError && thrown.cause instanceof HttpError && thrown.cause.kind === "status";
}

/** The monthly calls of the plan: no waiting cures it. */
export function isQuota(status: number, body: string): boolean {
  return status === 429 && body.includes("PUBLIC_API_BILLING_LIMIT_EXCEEDED");
}
