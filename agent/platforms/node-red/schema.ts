/** Answers of Node-RED 5, only the members that are used. */
import { z } from "zod";

export const loginSchema = z.object({ type: z.string().optional() });
export const tokenSchema = z.object({ access_token: z.string() });
export const settingsSchema = z.object({ version: z.string() });
const nodeSchema = z.looseObject({ id: z.string(), type: z.string() });
export const flowsSchema = z.object({ rev: z.string(), flows: z.array(nodeSchema) });
export type Flows = z.infer<typeof flowsSchema>;
export const deployedSchema = z.object({ rev: z.string().optional(), code: z.string().optional() });
/** Fields that are no secret in clear, `has_<name>` for those that are. */
export const credentialSchema = z.record(z.string(), z.unknown());
export const nodeSetsSchema = z.array(
  z.object({ module: z.string(), version: z.string().optional(), types: z.array(z.string()), enabled: z.boolean() }),
);
export type NodeSets = z.infer<typeof nodeSetsSchema>;
