/** The configuration's JSON Schema, for editors and for the starter; generated from the Zod schema, so it cannot say anything else. */
import { z } from "zod";
import { type ConfigRegistries, createConfigSchema } from "./schema.ts";

/** The part of JSON Schema that the configuration's schema uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
}

/** @returns a JSON Schema (2020-12) of what may be written in the file, before defaults */
export function configJsonSchema(registries: ConfigRegistries): JsonSchema {
  const schema = z.toJSONSchema(createConfigSchema(registries), { io: "input" });
  return { ...schema, title: "Restorewatch configuration" } as JsonSchema;
}

/** @returns the text of `agent/config/restorewatch.schema.json` */
export function configJsonSchemaText(registries: ConfigRegistries): string {
  return `${JSON.stringify(configJsonSchema(registries), null, 2)}\n`;
}
