/** What a scratch place did not take: told, never a silent gap. */
import type { LoadOutcome } from "../../core/platform-ports.ts";
import { refusalOf } from "./errors.ts";

/** Counts what was refused, by what it is and why. */
export class Refusals {
  readonly #counts = new Map<string, { aspect: string; reason: string; count: number }>();
  add(aspect: string, reason: string, count = 1): void {
    const found = this.#counts.get(`${aspect} ${reason}`) ?? { aspect, reason, count: 0 };
    found.count += count;
    this.#counts.set(`${aspect} ${reason}`, found);
  }
  /** Runs the work; what the product refuses with a code of its own is counted, anything else thrown. */
  async told<T>(aspect: string, what: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (thrown) {
      const refusal = refusalOf(thrown);
      if (refusal === null) throw thrown;
      this.add(aspect, `Directus refused ${what}: ${refusal.code}.`);
      return null;
    }
  }
  list(): LoadOutcome["refused"] {
    return [...this.#counts.values()];
  }
}
