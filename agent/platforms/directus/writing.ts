/** Canonical values as Directus takes them. Pure. */
import type { Field, Value } from "../../core/content.ts";
import type { Json } from "../../core/platform-ports.ts";

/** What is sent for a stored value. Digits go as text, so that no double comes between. */
export function toDirectus(field: Pick<Field, "type" | "platformType">, value: Value): Json {
  if (value === null || typeof value !== "string") return value === null ? null : [...value];
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all others go as their text
  switch (field.type) {
    case "boolean":
      return value === "true" ? true : value === "false" ? false : value;
    case "json":
      return parsed(value);
    case "timestamp":
      return field.platformType === "dateTime" && value.endsWith("Z") ? value.slice(0, 19) : value;
    default:
      return value;
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
