/** Kinds of fields by which Directus writes values of its own: taken off while records are loaded, put back afterwards. */
import type { Client } from "./client.ts";
import type { Refusals } from "./refusals.ts";
import type { DirectusField, Snapshot } from "./schema.ts";

/** Written by Directus itself whenever a record is created or updated. */
const STAMPED: ReadonlySet<string> = new Set([
  "date-created",
  "date-updated",
  "user-created",
  "user-updated",
  "role-created",
  "role-updated",
]);

/** The specials that are left while records are loaded: those that only say how a value is written. */
export function kindly(field: DirectusField): string[] | null {
  const kept = (field.meta?.special ?? []).filter((one) => !STAMPED.has(one) && one !== "hash" && one !== "conceal");
  return kept.length === 0 ? null : kept;
}

export async function restoreSpecials(
  client: Client,
  taken: ReadonlySet<string>,
  snapshot: Snapshot,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<void> {
  for (const field of snapshot.fields) {
    const special = field.meta?.special ?? [];
    if (!taken.has(field.collection) || (kindly(field)?.length ?? 0) === special.length) continue;
    const parameters = { collection: field.collection, field: field.field };
    await refusals.told("settings", "the special kind of a field", () =>
      client.patch("/fields/{collection}/{field}", { meta: { special: [...special] } }, signal, parameters),
    );
  }
}
