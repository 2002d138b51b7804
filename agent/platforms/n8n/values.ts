/** Values as n8n takes them. Pure. */
import type { Field, Value } from "../../core/content.ts";
import type { Json } from "../../core/platform-ports.ts";

/** What is sent for a stored value. Numbers are doubles in n8n itself: what it gave out, it takes back as it was. */
export function toN8n(field: Field, value: Value): Json {
  if (value === null || typeof value !== "string" || value === "") return null;
  if (field.type === "boolean") return value === "true" ? true : value === "false" ? false : value;
  if (field.type === "decimal") return Number.isNaN(Number(value)) ? value : Number(value);
  return value;
}
