/** How a base of ours is told from everybody else's. */
import { sha256Hex } from "../../core/ids.ts";
import type { Base } from "./schema.ts";

export const MARK = "restorewatch scratch: ";
/** A longer title is refused. */
const LONGEST_TITLE = 50;

/** @returns the tag of a base of ours, or null: a person's base, whatever its name, is never ours */
export function tagOf(base: Pick<Base, "title" | "description">): string | null {
  const tag = base.description?.startsWith(MARK) === true ? base.description.slice(MARK.length) : null;
  return tag !== null && base.title === titleOf(tag) ? tag : null;
}

/** Titles are short and need not be unique; what is cut off is told apart by a digest. */
export function titleOf(tag: string): string {
  return tag.length <= LONGEST_TITLE ? tag : `${tag.slice(0, LONGEST_TITLE - 9)}-${sha256Hex(tag).slice(0, 8)}`;
}
