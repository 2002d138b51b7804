/** Directus' own documents, only the members that are used: a schema snapshot, flows, roles, files and what else stands beside the records. */
import { z } from "zod";
import type { Json } from "../../core/platform-ports.ts";

export const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);
export const flag = z
  .union([z.boolean(), z.number(), z.null()])
  .optional()
  .transform((value) => value === true || value === 1);
const json = z
  .json()
  .nullish()
  .transform((value): Json => value ?? null);
const list = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);
export const key = z.union([z.string(), z.number()]).transform(String);

export const columnSchema = z.looseObject({
  data_type: text,
  is_nullable: flag,
  is_unique: flag,
  is_primary_key: flag,
  has_auto_increment: flag,
  is_generated: flag,
  max_length: z.number().nullish(),
  default_value: json,
});
export const fieldSchema = z.looseObject({
  collection: z.string(),
  field: z.string(),
  type: z.string(),
  meta: z.looseObject({ special: list, options: json, required: flag }).nullish(),
  schema: columnSchema.nullish(),
});
export type DirectusField = z.infer<typeof fieldSchema>;

export const collectionSchema = z.looseObject({
  collection: z.string(),
  meta: z.looseObject({ note: text, singleton: flag, group: text }).nullish(),
  schema: z.looseObject({}).nullish(),
});
export type DirectusCollection = z.infer<typeof collectionSchema>;

export const relationSchema = z.looseObject({
  collection: z.string(),
  field: z.string(),
  related_collection: text,
  meta: z.looseObject({ one_field: text, one_collection_field: text, one_allowed_collections: list }).nullish(),
  schema: z.looseObject({ foreign_key_column: z.string().nullish() }).nullish(),
});
export type DirectusRelation = z.infer<typeof relationSchema>;

/** As it is, for a restore: what is read from it has schemas above. */
export const snapshotSchema = z.looseObject({
  version: z.number(),
  directus: text,
  collections: z.array(collectionSchema),
  fields: z.array(fieldSchema),
  relations: z.array(relationSchema),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

export const flowSchema = z.object({
  id: z.string(),
  name: z.string(),
  icon: text,
  color: text,
  description: text,
  status: text,
  trigger: text,
  accountability: text,
  options: json,
  operation: text,
});
export type Flow = z.infer<typeof flowSchema>;
export const operationSchema = z.object({
  id: z.string(),
  name: text,
  key: z.string(),
  type: z.string(),
  position_x: z.number(),
  position_y: z.number(),
  options: json,
  resolve: text,
  reject: text,
  flow: z.string(),
});
export type Operation = z.infer<typeof operationSchema>;

export const roleSchema = z.object({ id: z.string(), name: z.string(), icon: text, description: text, parent: text });
export type Role = z.infer<typeof roleSchema>;
export const policySchema = z.object({
  id: z.string(),
  name: z.string(),
  icon: text,
  description: text,
  ip_access: json,
  enforce_tfa: flag,
  admin_access: flag,
  app_access: flag,
});
export type Policy = z.infer<typeof policySchema>;
export const accessSchema = z.object({ id: z.string(), role: text, user: text, policy: text, sort: z.number().nullish() });
export type Access = z.infer<typeof accessSchema>;
export const permissionSchema = z.object({
  policy: text,
  collection: z.string(),
  action: z.string(),
  permissions: json,
  validation: json,
  presets: json,
  fields: z.array(z.string()).nullish(),
});
export type Permission = z.infer<typeof permissionSchema>;
/** No name, no address: people are not told apart from one another by more than their id. */
export const userSchema = z.object({ id: z.string(), role: text, status: text });

export const presetSchema = z.object({
  id: key,
  bookmark: text,
  collection: text,
  role: text,
  user: text,
  layout: text,
  layout_query: json,
  layout_options: json,
  search: text,
  filter: json,
  icon: text,
  color: text,
  refresh_interval: z.number().nullish(),
});
export type Preset = z.infer<typeof presetSchema>;
export const dashboardSchema = z.object({ id: z.string(), name: z.string(), icon: text, note: text, color: text });
export type Dashboard = z.infer<typeof dashboardSchema>;
export const panelSchema = z.object({
  id: z.string(),
  dashboard: z.string(),
  name: text,
  icon: text,
  color: text,
  show_header: flag,
  note: text,
  type: z.string(),
  position_x: z.number(),
  position_y: z.number(),
  width: z.number(),
  height: z.number(),
  options: json,
});
export type Panel = z.infer<typeof panelSchema>;

export const folderSchema = z.object({ id: z.string(), name: z.string(), parent: text });
export type Folder = z.infer<typeof folderSchema>;
export const fileSchema = z.object({
  id: z.string(),
  filename_download: text,
  title: text,
  description: text,
  type: text,
  filesize: z.union([z.string(), z.number(), z.null()]).optional(),
  folder: text,
});
export type DirectusFile = z.infer<typeof fileSchema>;
export const translationSchema = z.object({ id: z.string(), language: text, key: text, value: text });
export const shareSchema = z.object({ id: z.string(), collection: text, role: text });
export type Row = Readonly<Record<string, unknown>>;
