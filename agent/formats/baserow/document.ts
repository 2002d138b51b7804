/** A template or workspace as one JSON file: an object with the list of applications, the bare list, or one application alone. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/ports.ts";
import { ExactNumber, idOf, isObject, type JsonObject, MAX_JSON_BYTES, parseJson, textOf } from "./json.ts";

export interface Document {
  /** `baserow_template_version`, or null. */
  readonly version: string | null;
  readonly applications: readonly JsonObject[];
  /** What stands around the list of applications. */
  readonly frame: JsonObject | null;
}

export async function readDocument(path: string, context: FormatContext): Promise<Document> {
  return documentOf(parseJson(await readWhole(path, context), "The export", context.limits.maxDepth));
}

/** @throws AgentError `damaged` when it is no export, or an application in it has no id or type */
export function documentOf(value: unknown): Document {
  if (isObject(value) && Array.isArray(value["export"])) {
    const { export: list, ...frame } = value;
    return { version: versionOf(value["baserow_template_version"]), applications: applicationsIn(list as unknown[]), frame };
  }
  if (isObject(value) && value["baserow_template_version"] !== undefined)
    throw new AgentError("damaged", "baserow-structure", "The template has no list of applications.");
  if (Array.isArray(value)) return { version: null, applications: applicationsIn(value), frame: null };
  if (isObject(value) && idOf(value["id"]) !== null && textOf(value["type"]) !== null)
    return { version: null, applications: [value], frame: null };
  throw new AgentError("damaged", "not-baserow", "This is JSON, but no Baserow export: it has no list of applications.");
}

export function versionOf(value: unknown): string | null {
  if (typeof value === "number") return String(value);
  return value instanceof ExactNumber ? value.text : textOf(value);
}

function applicationsIn(list: readonly unknown[]): JsonObject[] {
  return list.map((application, at) => {
    if (!isObject(application) || idOf(application["id"]) === null || textOf(application["type"]) === null)
      throw new AgentError("damaged", "baserow-structure", `Application ${at + 1} has no id or no type.`);
    return application;
  });
}

async function readWhole(path: string, context: FormatContext): Promise<Uint8Array> {
  context.signal.throwIfAborted();
  const most = Math.min(MAX_JSON_BYTES, context.limits.maxBytes);
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new AgentError("unsupported", "not-a-file", "The export is not a regular file.");
      if (stats.size > most)
        throw new AgentError("limit", "too-large", `The export is ${stats.size} bytes, more than the ${most} that are parsed at once.`);
      return await handle.readFile({ signal: context.signal });
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    context.signal.throwIfAborted();
    const error = asAgentError(thrown);
    if (thrown === error) throw error;
    throw new AgentError(error.kind, error.code, "The export could not be read.", { cause: thrown });
  }
}
