/** What is used of n8n's answers (public API v1). */
import { z } from "zod";

const id = z.string().min(1).max(100);
const time = z.string().nullish();

export const pageOf = <T>(item: z.ZodType<T>) => z.object({ data: z.array(item), nextCursor: z.string().nullish() });

export const columnSchema = z.object({ id, name: z.string(), type: z.string(), index: z.number() });
export type Column = z.output<typeof columnSchema>;

export const tableSchema = z.object({ id, name: z.string(), columns: z.array(columnSchema) });
export type Table = z.output<typeof tableSchema>;
export const tablesSchema = pageOf(tableSchema);

export const rowSchema = z.record(z.string(), z.unknown());
export type Row = z.output<typeof rowSchema>;
/** An answer that was closed too early lacks the cursor, which comes last. */
export const rowsSchema = z.object({ data: z.array(rowSchema), nextCursor: z.string().nullable() });
export const insertedSchema = z.array(z.object({ id: z.union([z.number(), z.string()]) }));

const json = z.json();

export const nodeSchema = z.looseObject({
  name: z.string(),
  type: z.string(),
  parameters: z.record(z.string(), json).nullish(),
  credentials: z.record(z.string(), z.looseObject({ id: z.string().nullish(), name: z.string().nullish() })).nullish(),
  disabled: z.boolean().nullish(),
  webhookId: z.string().nullish(),
});
export type WorkflowNode = z.output<typeof nodeSchema>;

/** A workflow as it may be created: also what a restore sends. */
export const bodySchema = z.object({
  nodes: z.array(nodeSchema),
  connections: z.record(z.string(), json),
  settings: z.record(z.string(), json).nullish(),
});
export type WorkflowBody = z.output<typeof bodySchema>;

export const workflowSchema = bodySchema.extend({
  id,
  name: z.string(),
  description: z.string().nullish(),
  active: z.boolean(),
  isArchived: z.boolean().nullish(),
  versionId: z.string().nullish(),
  activeVersionId: z.string().nullish(),
  activeVersion: bodySchema.omit({ settings: true }).nullish(),
  tags: z.array(z.object({ name: z.string() })).nullish(),
});
export type Workflow = z.output<typeof workflowSchema>;

/** Enough to tell a workflow apart; the list gives more, yet not everything. */
export const listedSchema = z.object({ id, name: z.string(), active: z.boolean() });
export const listedPageSchema = pageOf(listedSchema);
export type Listed = z.output<typeof listedSchema>;
export const createdSchema = z.object({ id, active: z.boolean() });

export const credentialSchema = z.object({ id, name: z.string(), type: z.string() });
export type CredentialEntry = z.output<typeof credentialSchema>;
export const credentialsSchema = pageOf(credentialSchema);
export const testedSchema = z.object({ status: z.string(), message: z.string().nullish() });

export const userSchema = z.object({ id, role: z.string().nullish(), createdAt: time });
export type User = z.output<typeof userSchema>;
export const usersSchema = pageOf(userSchema);

export const variableSchema = z.object({ id, key: z.string(), value: z.string().nullish() });
export const projectSchema = z.object({ id, name: z.string(), type: z.string().nullish() });
/** Where the licence lacks something it answers 403 with a sentence. */
export const licensed = <T>(item: z.ZodType<T>) => z.union([pageOf(item), z.object({ message: z.string() })]);

export const discoverSchema = z.object({ data: z.object({ scopes: z.array(z.string()) }) });
export const ignoredSchema = z.unknown();
