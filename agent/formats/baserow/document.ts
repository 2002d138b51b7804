/** A template or workspace as one JSON file: an object with the list of applications, the bare list, or one application alone. */
import { AgentError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/ports.ts";
import { ExactNumber, isObject, type JsonObject, textOf } from "../../kit/json.ts";
import { readJson } from "../reading.ts";
import { idOf } from "./ids.ts";

export interface Document {
  /** `baserow_template_version`, or null. */
  readonly version: string | null;
  readonly applications: readonly JsonObject[];
  /** What stands around the list of applications. */
  readonly frame: JsonObject | null;
}

export async function readDocument(path: string, context: FormatContext): Promise<Document> {
  return documentOf(await readJson(path, "The export", context));
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
