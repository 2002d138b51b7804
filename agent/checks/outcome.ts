/** Small constructors of outcomes, so that every check says things the same way. */
import type { Collection, Field, FileItem } from "../core/content.ts";
import type { CheckOutcome, CheckView, Content, LoadReport, Sandbox } from "../core/ports.ts";
import type { Example } from "../core/values.ts";
import { describeCount } from "../core/words-for-people.ts";

export function pass(observed: string, count = 0): CheckOutcome {
  return { status: "pass", observed, count };
}

export function skip(reason: string): CheckOutcome {
  return { status: "skip", observed: reason };
}

export function fail(
  observed: string,
  more: { readonly expected?: string; readonly count?: number; readonly examples?: readonly Example[] } = {},
): CheckOutcome {
  return { status: "fail", observed, count: more.count ?? 1, ...more };
}

export function changed(
  observed: string,
  more: { readonly expected?: string; readonly count?: number; readonly examples?: readonly Example[] } = {},
): CheckOutcome {
  return { status: "changed", observed, count: more.count ?? 1, ...more };
}

/** The runner asks a check with `needs: "content"` only when there is content; this says so to the types. */
export function contentOf(view: CheckView): Content {
  if (view.content === null) throw new Error("asked without content");
  return view.content;
}

export interface Loaded {
  readonly content: Content;
  readonly load: LoadReport;
  readonly sandbox: Pick<Sandbox, "query">;
}

export function loadedOf(view: CheckView): Loaded {
  if (view.content === null || view.load === null || view.sandbox === null) throw new Error("asked without a sandbox");
  return { content: view.content, load: view.load, sandbox: view.sandbox };
}

/** `Orders.Customer`: names of people's schema, not their data. */
export function placeOf(collection: Pick<Collection, "name">, field: Pick<Field, "name">): string {
  return `${collection.name}.${field.name}`;
}

/** `A, B, C and 4 more`. */
export function listed(names: readonly string[], most = 4): string {
  const shown = names.slice(0, most).join(", ");
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** To be added to what was observed of attachments: how many of them nobody looked at. Empty where there is none. */
export function unreadNote(files: readonly Pick<FileItem, "presence">[]): string {
  const unread = files.filter((file) => file.presence === "unread").length;
  return unread === 0 ? "" : `, ${describeCount(unread, "attachment")} left unread in the vault`;
}
