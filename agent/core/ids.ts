/** Deterministic ids and digests. */
import { createHash, createHmac } from "node:crypto";

/** 16 hex digits over the parts; the same parts give the same id on every machine. */
export function idOf(...parts: readonly (string | number | null)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** How a natural key is shown outside: `~` and 12 hex digits of a keyed digest. */
export function keyDigest(keyHex: string, collection: string, key: string): string {
  return `~${createHmac("sha256", Buffer.from(keyHex, "hex")).update(`${collection}\u0000${key}`).digest("hex").slice(0, 12)}`;
}

/** A recovery point is its bytes: another size or modification time is another point. */
export function pointId(sourceId: string, vaultId: string, path: string, bytes: number, modifiedAt: number): string {
  return idOf("point", sourceId, vaultId, path, bytes, Math.trunc(modifiedAt));
}
