/** Errors that more than one part of this connector throws. */
import { AgentError } from "../../core/errors.ts";

/** @param table its id */
export function schemaChanged(table: string, cause?: unknown): AgentError {
  return new AgentError("transient", "schema-changed", `n8n: The data table ${table} changed while it was read.`, {
    mend: "it is read again from the beginning at the next attempt",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A page of rows without rows that are there. */
export function cutShort(): AgentError {
  return new AgentError("transient", "answer-cut-short", "n8n: A page has fewer rows than were asked for, though more follow.");
}

/** @param what ends the sentence "It answered with …", without any value */
export function unexpected(what: string): AgentError {
  return new AgentError("unsupported", "unexpected-answer", `n8n: It answered with ${what}.`, {
    mend: "check the product's version against the connector's readme",
  });
}
