/** A product people work in, and an oracle that remembers of every single item when it was read. It knows nothing of buckets. */
import type { RandomSource } from "../../../../agent/kit/random.ts";
import type { CoverageMode, FrameItem } from "../../../../agent/core/sampling/frame.ts";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

interface Item {
  readonly key: string;
  readonly createdAt: number;
  updatedAt: number;
  readAt: number | null;
}

export interface Life {
  /** Items made, edited, deleted and made again under their old key, a step, as shares of what is there. */
  readonly made: number;
  readonly edited: number;
  readonly deleted: number;
  readonly remade: number;
  /** Chance of an import: many items of one moment. */
  readonly imports: number;
}

export const QUIET: Life = { made: 0, edited: 0, deleted: 0, remade: 0, imports: 0 };

export class Collection {
  readonly items = new Map<string, Item>();
  readonly name: string;
  readonly mode: CoverageMode;
  #next = 0;
  readonly #random: RandomSource;

  constructor(name: string, mode: CoverageMode, random: RandomSource) {
    this.name = name;
    this.mode = mode;
    this.#random = random;
  }

  add(count: number, from: number, to: number): void {
    for (let at = 0; at < count; at += 1) this.#make(`k${this.#next++}`, this.#between(from, to));
  }

  live(life: Life, from: number, to: number): void {
    const times = (share: number): number => Math.floor(this.items.size * share + this.#random.next());
    for (let n = times(life.deleted); n > 0; n -= 1) {
      const key = this.#any();
      if (key === null) break;
      this.items.delete(key);
      if (this.#random.next() < life.remade) this.#make(key, this.#between(from, to));
    }
    this.add(times(life.made), from, to);
    if (this.#random.next() < life.imports) {
      const moment = this.#between(from, to);
      this.add(Math.ceil(this.items.size * 0.3), moment, moment);
    }
    for (let n = times(life.edited); n > 0; n -= 1) {
      const item = this.items.get(this.#any() ?? "");
      if (item !== undefined) item.updatedAt = this.#between(Math.max(from, item.createdAt), to);
    }
  }

  list(): FrameItem[] {
    const told = this.mode === "times";
    return [...this.items.values()].map(({ key, createdAt, updatedAt }) => ({ key, createdAt: told ? createdAt : null, updatedAt }));
  }

  read(key: string, at: number): void {
    const item = this.items.get(key);
    if (item === undefined) throw new Error(`${key} was drawn and is not there`);
    item.readAt = at;
  }

  /** Items read since then. */
  covered(since: number): number {
    return [...this.items.values()].filter((item) => item.readAt !== null && item.readAt >= since).length;
  }

  #make(key: string, at: number): void {
    // Without creation times, an item is its key.
    const readAt = this.mode === "times" ? null : (this.#gone.get(key) ?? null);
    this.items.set(key, { key, createdAt: at, updatedAt: at, readAt });
  }

  readonly #gone = new Map<string, number | null>();

  #any(): string | null {
    const place = Math.floor(this.#random.next() * this.items.size);
    let at = 0;
    for (const [key, item] of this.items) {
      if (at === place) {
        this.#gone.set(key, item.readAt);
        return key;
      }
      at += 1;
    }
    return null;
  }

  #between(from: number, to: number): number {
    return Math.floor(from + this.#random.next() * (to - from));
  }
}
