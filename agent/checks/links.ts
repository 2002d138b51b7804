/** What the checks over links share. Not a check itself. */
import { type LinkColumn, linkColumns } from "../core/link-pairs.ts";
import type { CheckView } from "../core/ports.ts";
import { loadedOf } from "./outcome.ts";

export function linkColumnsOf(view: CheckView): LinkColumn[] {
  return linkColumns(loadedOf(view).load);
}
