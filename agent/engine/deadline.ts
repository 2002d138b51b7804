/** Work that may never answer, bounded. */
import { AgentError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";

/** Runs `work` with a signal that aborts at the deadline, and stops waiting for it then even when it does not listen. */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (bounded: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const stopTimer = new AbortController();
  const late = clock.sleep(ms, stopTimer.signal).then(
    () => {
      const error = new AgentError("transient", "timeout", `It took longer than ${Math.round(ms / 1000)} s.`);
      deadline.abort(error);
      throw error;
    },
    () => new Promise<never>(() => undefined),
  );
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(new DOMException("It was aborted.", "AbortError"));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([work(AbortSignal.any([signal, deadline.signal])), late, aborted]);
  } finally {
    stopTimer.abort();
  }
}
