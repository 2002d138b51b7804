/** Names of what is ours in a scratch place: n8n has nothing else to tell it by. */
import { sha256Hex } from "../../core/ids.ts";

/** Longer names are refused. */
const LONGEST_NAME = 128;
const LONGEST_TAG = 80;
const KEPT = LONGEST_TAG - 9;

/** What is cut off a long tag is told apart by a digest; a title is its own title. */
export function titleOf(tag: string): string {
  return tag.length <= LONGEST_TAG ? tag : `${tag.slice(0, KEPT)}-${sha256Hex(tag).slice(0, 8)}`;
}

/** @param place of the thing in the set: names need not be unique there */
export function nameOf(title: string, place: number, name: string): string {
  const cut = `${title} ${place} ${name}`.slice(0, LONGEST_NAME);
  // Not through the middle of a character; n8n itself cuts off blanks.
  return cut.replace(/[\uD800-\uDBFF]$/u, "").trimEnd();
}

/** Whether a title is that of a tag with this prefix; of a very long prefix as much as titles hold is compared. */
export function isTitleWith(title: string, prefix: string): boolean {
  return title.startsWith(prefix.slice(0, KEPT));
}
