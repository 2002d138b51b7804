/** What was learnt of objects that do not change, so that the next poll need not ask again; bounded, the oldest used goes first. */
import type { Clock } from "../../core/ports.ts";

export interface Remembered<T> {
  get(key: string): T | undefined;
  set(key: string, value: T, weight: number): void;
}

/**
 * @param limit sum of weights that is kept
 * @param lifeMs after which a thing is asked for again
 */
export function remembering<T>(limit: number, lifeMs: number, clock: Clock): Remembered<T> {
  const kept = new Map<string, { value: T; weight: number; at: number }>();
  let total = 0;
  const drop = (key: string): void => {
    total -= kept.get(key)?.weight ?? 0;
    kept.delete(key);
  };
  return {
    get(key) {
      const found = kept.get(key);
      if (found === undefined) return undefined;
      if (clock.monotonic() - found.at > lifeMs) {
        drop(key);
        return undefined;
      }
      kept.delete(key);
      kept.set(key, found);
      return found.value;
    },
    set(key, value, weight) {
      drop(key);
      if (weight > limit) return;
      kept.set(key, { value, weight, at: clock.monotonic() });
      total += weight;
      for (const oldest of kept.keys()) {
        if (total <= limit) break;
        drop(oldest);
      }
    },
  };
}
