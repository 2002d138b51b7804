/** Between keys of a bucket and paths of the vault. Pure. */
import { vaultSegments } from "../../core/vault-names.ts";

/** @returns the prefix with one slash at its end, or empty */
export function rootOf(prefix: string): string {
  const segments = vaultSegments(prefix);
  return segments.map((segment) => `${segment}/`).join("");
}

/** Names as some servers give them: encoded, so that XML can carry them. */
export function decodeKey(key: string, encoding: string | undefined): string {
  if (encoding !== "url") return key;
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
}

/** @returns whether a file of this machine can bear the relative path: no segment that is empty, climbs, or is too long */
export function canBeFile(relative: string): boolean {
  return relative
    .split("/")
    .every(
      (segment) => segment !== "" && segment !== "." && segment !== ".." && !segment.includes("\0") && Buffer.byteLength(segment) <= 255,
    );
}
