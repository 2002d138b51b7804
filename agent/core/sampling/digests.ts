/** Digests of keys as text: 6 bytes each, sorted, in base64, which is 8 characters an item. */
const BYTES = 6;

/** @param digests whole numbers below 2^48 */
export function packDigests(digests: readonly number[]): string {
  const sorted = Float64Array.from(digests).sort();
  const bytes = Buffer.alloc(sorted.length * BYTES);
  for (const [at, digest] of sorted.entries()) bytes.writeUIntBE(digest, at * BYTES, BYTES);
  return bytes.toString("base64");
}

export function unpackDigests(packed: string): ReadonlySet<number> {
  const bytes = Buffer.from(packed, "base64");
  const digests = new Set<number>();
  for (let at = 0; at + BYTES <= bytes.length; at += BYTES) digests.add(bytes.readUIntBE(at, BYTES));
  return digests;
}

/** Those of either child of a bucket of `bits` bits. */
export function splitDigests(packed: string, bucket: number, bits: number): readonly [string, string] {
  const bytes = Buffer.from(packed, "base64");
  // Sorted by the hash, so everything of the left child stands before everything of the right one.
  const middle = (bucket * 2 + 1) * 2 ** (BYTES * 8 - bits - 1);
  let at = 0;
  while (at + BYTES <= bytes.length && bytes.readUIntBE(at, BYTES) < middle) at += BYTES;
  return [bytes.subarray(0, at).toString("base64"), bytes.subarray(at).toString("base64")];
}
