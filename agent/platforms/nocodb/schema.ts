/** Answers of NocoDB 0.301, only the members that are used. Flags come as 0/1 or true/false, by the database beneath. */
import { z } from "zod";
import type { Json } from "../../core/platform-ports.ts";

const flag = z
  .union([z.boolean(), z.number(), z.null()])
  .optional()
  .transform((value) => value === true || value === 1);
const text = z
  .union([z.string(), z.null()])
  .optional()
  .transform((value) => value ?? null);
const anything = z.json().optional();
/** JSON kept as text by some engines, as an object by others. */
const object = z
  .union([z.record(z.string(), z.json()), z.string(), z.null()])
  .optional()
  .transform((value): Readonly<Record<string, Json>> => {
    if (typeof value !== "string") return value ?? {};
    try {
      const parsed: unknown = JSON.parse(value);
      return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, Json>) : {};
    } catch {
      return {};
    }
  });

export const versionSchema = z.object({ currentVersion: text });
export const infoSchema = z.object({ ncDefaultWorkspaceId: text });
export const meSchema = z.object({ id: z.string(), email: z.string() });

export const baseSchema = z.object({
  id: z.string(),
  title: z.string(),
  description: text,
  prefix: text,
  color: text,
  fk_workspace_id: text,
  uuid: text,
  default_role: text,
});
export type Base = z.infer<typeof baseSchema>;
export const basesSchema = z.object({ list: z.array(baseSchema) });

const option = z.object({ title: z.string(), color: text, order: z.number().nullable().optional() });
const colOptions = z
  .object({
    type: text,
    fk_related_model_id: text,
    fk_related_base_id: text,
    fk_child_column_id: text,
    fk_parent_column_id: text,
    fk_mm_model_id: text,
    fk_mm_child_column_id: text,
    fk_mm_parent_column_id: text,
    formula_raw: text,
    formula: text,
    fk_relation_column_id: text,
    fk_rollup_column_id: text,
    fk_lookup_column_id: text,
    rollup_function: text,
    fk_qr_value_column_id: text,
    fk_barcode_value_column_id: text,
    barcode_format: text,
    options: z.array(option).optional(),
  })
  .nullable()
  .optional()
  .transform((value) => value ?? null);

export const columnSchema = z.object({
  id: z.string(),
  title: z.string(),
  column_name: text,
  uidt: z.string(),
  pk: flag,
  pv: flag,
  rqd: flag,
  un: flag,
  unique: flag,
  system: flag,
  cdf: z
    .union([z.string(), z.number(), z.boolean(), z.null()])
    .optional()
    .transform((value) => (value === undefined || value === null ? null : String(value))),
  description: text,
  order: z
    .number()
    .nullable()
    .optional()
    .transform((value) => value ?? 0),
  meta: object,
  colOptions,
});
export type Column = z.infer<typeof columnSchema>;

export const viewSchema = z.object({
  id: z.string(),
  title: z.string(),
  type: z.number(),
  order: z
    .number()
    .nullable()
    .optional()
    .transform((value) => value ?? 0),
  lock_type: text,
  uuid: text,
  view: z.object({ fk_grp_col_id: text }).nullable().optional(),
});
export type View = z.infer<typeof viewSchema>;

export const tableSchema = z.object({
  id: z.string(),
  title: z.string(),
  type: text,
  base_id: text,
  columns: z.array(columnSchema),
  views: z.array(viewSchema).default([]),
});
export type Table = z.infer<typeof tableSchema>;
export const tablesSchema = z.object({ list: z.array(z.object({ id: z.string(), title: z.string(), type: text, mm: flag })) });

export const filterSchema = z.object({
  id: z.string(),
  fk_parent_id: text,
  fk_column_id: text,
  is_group: flag,
  logical_op: text,
  comparison_op: text,
  comparison_sub_op: text,
  value: anything,
  order: z.number().nullable().optional(),
});
export type Filter = z.infer<typeof filterSchema>;
export const filtersSchema = z.object({ list: z.array(filterSchema) });
export const sortSchema = z.object({ id: z.string(), fk_column_id: text, direction: text });
export type Sort = z.infer<typeof sortSchema>;
export const sortsSchema = z.object({ list: z.array(sortSchema) });

export const hookSchema = z.object({
  id: z.string(),
  title: z.string(),
  description: text,
  event: text,
  operation: z
    .union([z.array(z.string()), z.string(), z.null()])
    .optional()
    .transform((value) => (typeof value === "string" ? [value] : (value ?? []))),
  condition: flag,
  notification: object,
  active: flag,
  version: text,
});
export type Hook = z.infer<typeof hookSchema>;
export const hooksSchema = z.object({ list: z.array(hookSchema) });

export const usersSchema = z.object({
  users: z.object({ list: z.array(z.object({ id: z.string(), roles: text })) }),
});

export const visibilitySchema = z.array(z.object({ id: z.string(), disabled: z.record(z.string(), z.boolean()).default({}) }));

export const pageSchema = z.object({
  list: z.array(z.record(z.string(), z.unknown())),
  pageInfo: z.object({ pageSize: z.number(), isFirstPage: z.boolean(), isLastPage: z.boolean(), totalRows: z.coerce.number() }),
});
export type Page = z.infer<typeof pageSchema>;
export const countSchema = z.object({ count: z.coerce.number() });
export const linkedSchema = z.object({
  list: z.union([z.array(z.record(z.string(), z.unknown())), z.record(z.string(), z.unknown()), z.null()]),
  pageInfo: z.object({ isLastPage: z.boolean() }).optional(),
});

export const attachmentSchema = z.object({
  id: text,
  title: text,
  path: text,
  url: text,
  signedPath: text,
  signedUrl: text,
  mimetype: text,
  size: z.number().nullable().optional(),
});
export type Attachment = z.infer<typeof attachmentSchema>;

export const insertedSchema = z.array(z.record(z.string(), z.unknown()));
export const uploadedSchema = z.array(z.record(z.string(), z.json()));
export const createdSchema = z.object({ id: z.string() });
export const ignoredSchema = z.unknown();
