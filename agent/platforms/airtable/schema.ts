/** Answers of Airtable's Web API, only the members that are used. */
import { z } from "zod";

const json = z.json();

export const whoamiSchema = z.object({ id: z.string(), scopes: z.array(z.string()).optional() });
export const basesSchema = z.object({ bases: z.array(z.object({ id: z.string(), name: z.string() })), offset: z.string().optional() });

export const fieldSchema = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  description: z.string().nullish(),
  options: z.record(z.string(), json).nullish(),
});
export type TableField = z.infer<typeof fieldSchema>;

export const tableSchema = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullish(),
  primaryFieldId: z.string(),
  fields: z.array(fieldSchema),
  views: z
    .array(z.object({ id: z.string(), name: z.string(), type: z.string(), visibleFieldIds: z.array(z.string()).nullish() }))
    .default([]),
});
export type Table = z.infer<typeof tableSchema>;
export const tablesSchema = z.object({ tables: z.array(tableSchema) });

/** What a backup keeps of the schema, and a restore reads. */
export const documentsSchema = z.object({ tables: z.array(tableSchema) });
export type Documents = z.infer<typeof documentsSchema>;

const userMember = z.object({ userId: z.string(), permissionLevel: z.string() });
const groupMember = z.object({ groupId: z.string(), permissionLevel: z.string() });
export const baseSchema = z.object({
  individualCollaborators: z
    .object({ baseCollaborators: z.array(userMember).default([]), workspaceCollaborators: z.array(userMember).default([]) })
    .optional(),
  groupCollaborators: z
    .object({ baseCollaborators: z.array(groupMember).default([]), workspaceCollaborators: z.array(groupMember).default([]) })
    .optional(),
});
export type BasePeople = z.infer<typeof baseSchema>;

export const recordSchema = z.object({ id: z.string(), createdTime: z.string(), fields: z.record(z.string(), z.unknown()) });
export type Row = z.infer<typeof recordSchema>;
export const recordsSchema = z.object({ records: z.array(recordSchema), offset: z.string().optional() });
export const writtenSchema = z.object({ records: z.array(z.object({ id: z.string() })) });
export const ignoredSchema = z.unknown();

export const attachmentSchema = z.object({
  id: z.string(),
  url: z.string(),
  filename: z.string().nullish(),
  size: z.number().nullish(),
  type: z.string().nullish(),
});
export type Attachment = z.infer<typeof attachmentSchema>;
