/** Answers of Node-RED 5, only the members that are used. */
import { z } from "zod";

export const loginSchema = z.object({ type: z.string().optional() });
export const tokenSchema = z.object({ access_token: z.string() });
export const settingsSchema = z.object({ version: z.string() });
export interface Flows {
  readonly rev: string;
  readonly flows: readonly (Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string })[];
}
// Looked at and handed on as it came: the revision is a digest of the members in the order in which they stand.
export const flowsSchema = z.custom<Flows>(
  (body) =>
    isObject(body) &&
    typeof body["rev"] === "string" &&
    Array.isArray(body["flows"]) &&
    body["flows"].every((node: unknown) => isObject(node) && typeof node["id"] === "string" && typeof node["type"] === "string"),
  "no flows of API version 2",
);
export const deployedSchema = z.object({ rev: z.string().optional(), code: z.string().optional() });
/** Fields that are no secret in clear, `has_<name>` for those that are. */
export const credentialSchema = z.record(z.string(), z.unknown());
export const nodeSetsSchema = z.array(
  z.object({ module: z.string(), version: z.string().optional(), types: z.array(z.string()), enabled: z.boolean() }),
);
export type NodeSets = z.infer<typeof nodeSetsSchema>;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
