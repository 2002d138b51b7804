/** A clock that stands still until a test moves it. */
import type { Clock } from "../../agent/core/ports.ts";

export interface FakeClock extends Clock {
  /** Moves time on; sleepers whose time has come wake up in order. Resolves when their continuations have run. */
  advance(ms: number): Promise<void>;
  /** Jumps the wall clock only, as NTP or a person does; sleepers do not notice. */
  jump(ms: number): void;
  readonly sleepers: number;
}

export function fakeClock(start = Date.UTC(2026, 0, 15, 12, 0, 0)): FakeClock {
  let wall = start;
  let steady = 0;
  const waiting: { at: number; wake: () => void }[] = [];
  return {
    now: () => wall,
    monotonic: () => steady,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const abort = (): void => {
          const index = waiting.indexOf(entry);
          if (index >= 0) waiting.splice(index, 1);
          reject(new DOMException("The wait was aborted.", "AbortError"));
        };
        const entry = {
          at: steady + ms,
          wake: () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          },
        };
        if (signal?.aborted === true) {
          abort();
          return;
        }
        signal?.addEventListener("abort", abort, { once: true });
        waiting.push(entry);
      }),
    async advance(ms) {
      const end = steady + ms;
      for (;;) {
        waiting.sort((a, b) => a.at - b.at);
        const next = waiting[0];
        if (next === undefined || next.at > end) break;
        waiting.shift();
        wall += Math.max(0, next.at - steady);
        steady = Math.max(steady, next.at);
        next.wake();
        await new Promise((resolve) => setImmediate(resolve));
      }
      wall += end - steady;
      steady = end;
      await new Promise((resolve) => setImmediate(resolve));
    },
    jump: (ms) => {
      wall += ms;
    },
    get sleepers() {
      return waiting.length;
    },
  };
}
