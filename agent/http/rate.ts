/** So many a window by name; names that were quiet for a window are forgotten. */
export interface Buckets {
  /** Takes one; false where none is left. */
  take(name: string): boolean;
  /** Whether one is left. */
  any(name: string): boolean;
}

const MOST_NAMES = 10_000;

/** @param windowMs after which a name has all of them again, counted from its first */
export function createBuckets(most: number, windowMs: number, now: () => number): Buckets {
  const used = new Map<string, { count: number; since: number }>();
  const current = (name: string): { count: number; since: number } => {
    const at = now();
    const found = used.get(name);
    if (found !== undefined && at - found.since < windowMs && at >= found.since) return found;
    if (used.size >= MOST_NAMES) for (const [other, { since }] of used) if (at - since >= windowMs) used.delete(other);
    const fresh = { count: 0, since: at };
    used.set(name, fresh);
    return fresh;
  };
  return {
    take(name) {
      const bucket = current(name);
      bucket.count += 1;
      return bucket.count <= most;
    },
    any: (name) => current(name).count < most,
  };
}
