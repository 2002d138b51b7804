/** The live product of a source as the API tells it. */
import { z } from "@hono/zod-openapi";
import type { ProductStatus } from "../../core/product-status.ts";
import { PLATFORMS } from "../../core/words.ts";

const time = z.iso.datetime();

export const productSchema = z
  .strictObject({
    platform: z.enum(PLATFORMS),
    reachable: z.boolean().openapi({ description: "Whether the last probe got through" }),
    probedAt: time,
    reachedAt: time.nullable(),
    version: z.string().nullable(),
    previousVersion: z.string().nullable(),
    versionChangedAt: time.nullable().openapi({ description: "When another version was first seen" }),
    clockSkewSeconds: z.number().nullable().openapi({ description: "Clock of the product minus ours" }),
    permissions: z.array(
      z.strictObject({
        name: z.string(),
        neededFor: z.enum(["capture", "scratch"]),
        granted: z.boolean().nullable().openapi({ description: "null: it cannot be told without writing" }),
      }),
    ),
    nativeBackups: z
      .strictObject({ count: z.int().min(0), newestAt: time.nullable(), newestComplete: z.boolean().nullable() })
      .nullable()
      .openapi({ description: "The product's own backups; null where it has none that can be seen" }),
    drift: z.array(z.string()).openapi({ description: "What changed of the platform itself: its version, the shape of its answers" }),
    trouble: z.strictObject({ code: z.string(), message: z.string(), mend: z.string().nullable() }).nullable(),
    problems: z.array(z.strictObject({ sentence: z.string(), mend: z.string().nullable() })),
  })
  .openapi("Product");

export function presentProduct(product: ProductStatus): z.infer<typeof productSchema> {
  const { platform, reachable, probedAt, reachedAt, found, changed, trouble, drift, problems } = product;
  const native = found?.nativeBackups ?? null;
  const skew = found?.clockSkewMs ?? null;
  return {
    platform,
    reachable,
    probedAt: iso(probedAt),
    reachedAt: reachedAt === null ? null : iso(reachedAt),
    version: found?.version ?? null,
    previousVersion: changed?.from ?? null,
    versionChangedAt: changed === null ? null : iso(changed.at),
    clockSkewSeconds: skew === null ? null : skew / 1000,
    permissions: (found?.permissions ?? []).map((one) => ({ ...one })),
    nativeBackups:
      native === null
        ? null
        : { count: native.count, newestAt: native.newestAt === null ? null : iso(native.newestAt), newestComplete: native.complete },
    drift: [...drift],
    trouble: trouble === null ? null : { ...trouble },
    problems: problems.map((one) => ({ ...one })),
  };
}

function iso(at: number): string {
  return new Date(Math.min(Math.max(at, -8.64e15), 8.64e15)).toISOString();
}
