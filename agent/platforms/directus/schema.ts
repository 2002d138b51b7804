/** Answers of Directus 12, only the members that are used. Its own documents have their schemas in products/directus. */
import { z } from "zod";
import { flag, key, text } from "../../products/directus/schema.ts";

export * from "../../products/directus/schema.ts";

/** One to many: Directus answers with keys, and with an empty list where there are none. */
export const dataOf = <T>(schema: z.ZodType<T>): z.ZodType<{ data: T }> => z.object({ data: schema });

export const infoSchema = z.object({
  version: text,
  queryLimit: z.object({ default: z.number(), max: z.number() }).nullish(),
});
export const settingsSchema = z.looseObject({ project_id: text, project_name: text });
export const globalsSchema = z.object({ admin_access: flag });
export const meSchema = z.object({ id: z.string() });
export const licenseSchema = z.object({
  name: text,
  entitlements: z
    .object({
      collections: z.object({ limit: z.number() }).nullish(),
      flows: z.object({ limit: z.number() }).nullish(),
    })
    .nullish(),
  usage: z.object({ collections: z.number().nullish(), flows: z.number().nullish() }).nullish(),
});

export const rowsSchema = z
  .union([z.array(z.record(z.string(), z.unknown())), z.record(z.string(), z.unknown()), z.null()])
  .transform((rows) => (rows === null ? [] : Array.isArray(rows) ? rows : [rows]));
export const countSchema = z.array(z.object({ count: z.coerce.number() }));
export const createdSchema = z.object({ id: key });
export const ignoredSchema = z.unknown();
