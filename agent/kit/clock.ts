/** The real clock. Everything else takes time through the Clock port. */

/** @returns a clock over the system time; `sleep` never keeps the process alive by itself. */
export function systemClock(): { now(): number; monotonic(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> } {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          clearTimeout(timer);
          reject(new DOMException("The wait was aborted.", "AbortError"));
        };
        if (signal?.aborted === true) {
          reject(new DOMException("The wait was aborted.", "AbortError"));
          return;
        }
        const timer = setTimeout(() => {
          signal?.removeEventListener("abort", stop);
          resolve();
        }, ms);
        signal?.addEventListener("abort", stop, { once: true });
      }),
  };
}
