/** How fast and how many at once one host is asked: a bucket of tokens, a number of places, and a pause when the host says so. */

export interface LimiterClock {
  monotonic(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Limits {
  /** Null: as fast as it answers. */
  readonly requestsPerSecond: number | null;
  /** Requests that may go at once after a rest; at least 1. */
  readonly burst: number;
  readonly concurrency: number;
}

export interface Limiter {
  /**
   * Waits for a place and a token.
   * @returns what gives the place back, and how long was waited, ms
   */
  enter(signal: AbortSignal): Promise<{ leave: () => void; waitedMs: number }>;
  /** Nobody enters for so long; a longer pause that runs already stays. */
  pause(ms: number): void;
}

export function createLimiter(limits: Limits, clock: LimiterClock): Limiter {
  const burst = Math.max(1, limits.burst);
  let tokens = burst;
  let filledAt = clock.monotonic();
  let pausedUntil = 0;
  let inside = 0;
  const queue: (() => void)[] = [];

  const leave = (): void => {
    inside -= 1;
    queue.shift()?.();
  };

  async function place(signal: AbortSignal): Promise<void> {
    while (inside >= limits.concurrency) {
      await new Promise<void>((resolve, reject) => {
        const abort = (): void => {
          queue.splice(queue.indexOf(wake), 1);
          reject(signal.reason instanceof Error ? signal.reason : new DOMException("The wait was aborted.", "AbortError"));
        };
        const wake = (): void => {
          signal.removeEventListener("abort", abort);
          resolve();
        };
        queue.push(wake);
        signal.addEventListener("abort", abort, { once: true });
      });
    }
    inside += 1;
  }

  /** Milliseconds until a token may be taken, or 0 after taking it. */
  function take(): number {
    const now = clock.monotonic();
    if (now < pausedUntil) return pausedUntil - now;
    const rate = limits.requestsPerSecond;
    if (rate === null) return 0;
    tokens = Math.min(burst, tokens + ((now - filledAt) * rate) / 1000);
    filledAt = now;
    // A hair below one is one: sums of fractions never quite reach it.
    if (tokens < 1 - 1e-9) return Math.ceil(((1 - tokens) * 1000) / rate);
    tokens -= 1;
    return 0;
  }

  return {
    async enter(signal) {
      signal.throwIfAborted();
      const from = clock.monotonic();
      await place(signal);
      try {
        for (let wait = take(); wait > 0; wait = take()) await clock.sleep(wait, signal);
      } catch (thrown) {
        leave();
        throw thrown;
      }
      return { leave, waitedMs: clock.monotonic() - from };
    },
    pause: (ms) => {
      pausedUntil = Math.max(pausedUntil, clock.monotonic() + ms);
    },
  };
}
