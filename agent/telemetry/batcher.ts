/** A bounded queue before a receiver that may be slow, full, or gone. Adding takes no time; what does not fit is counted. */
import type { Clock } from "../core/ports.ts";

export type SendOutcome =
  /** `lost`: items the receiver said it left out of a batch it took. */
  | { readonly sent: true; readonly lost: number }
  | { readonly sent: false; readonly again: boolean; readonly afterMs: number | null; readonly reason: string };

export interface BatcherOptions<T> {
  readonly clock: Clock;
  readonly maxQueue: number;
  readonly maxBatch: number;
  /** How long the first item of a batch waits for others. */
  readonly delayMs: number;
  /** Never throws. */
  readonly send: (items: readonly T[], signal: AbortSignal) => Promise<SendOutcome>;
  readonly onDropped: (count: number, reason: string) => void;
  readonly onSent: () => void;
}

export interface Batcher<T> {
  add(item: T): void;
  /** Sends what is queued until `deadline` aborts; what is left then is dropped and counted. Idempotent, never throws. */
  stop(deadline: AbortSignal): Promise<void>;
}

const MAX_ATTEMPTS = 6;
const FIRST_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 30_000;

export function createBatcher<T>(options: BatcherOptions<T>): Batcher<T> {
  const { clock, maxQueue, maxBatch, delayMs, onDropped } = options;
  const queue: T[] = [];
  const stopping = new AbortController();
  const cutOff = new AbortController();
  let running: Promise<void> | null = null;
  let wakeFull: (() => void) | null = null;
  let ended: Promise<void> | null = null;

  return {
    add(item) {
      if (stopping.signal.aborted || queue.length >= maxQueue) {
        onDropped(1, stopping.signal.aborted ? "stopped" : "queue full");
        return;
      }
      queue.push(item);
      if (queue.length >= maxBatch) wakeFull?.();
      running ??= run().finally(() => {
        running = null;
      });
    },
    stop(deadline) {
      ended ??= end(deadline);
      return ended;
    },
  };

  async function run(): Promise<void> {
    while (queue.length > 0 && !cutOff.signal.aborted) {
      await gather();
      await deliver(queue.splice(0, maxBatch));
    }
    if (queue.length > 0) onDropped(queue.splice(0).length, "stopped");
  }

  /** Waits until a batch is full, its time is up, or the end comes. */
  async function gather(): Promise<void> {
    if (queue.length >= maxBatch || stopping.signal.aborted) return;
    const full = new AbortController();
    wakeFull = () => full.abort();
    await pause(delayMs, AbortSignal.any([full.signal, stopping.signal]));
    wakeFull = null;
  }

  async function deliver(items: readonly T[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await options.send(items, cutOff.signal);
      if (outcome.sent) {
        if (outcome.lost > 0) onDropped(outcome.lost, "refused by the receiver");
        else options.onSent();
        return;
      }
      // At the end there is no time to wait for a receiver that is in trouble.
      if (!outcome.again || attempt >= MAX_ATTEMPTS || stopping.signal.aborted) {
        onDropped(items.length, outcome.reason);
        return;
      }
      await pause(Math.min(outcome.afterMs ?? FIRST_BACKOFF_MS * 2 ** (attempt - 1), MAX_BACKOFF_MS), stopping.signal);
    }
  }

  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await clock.sleep(ms, signal);
    } catch {
      // Woken up early: that is what the signal is for.
    }
  }

  function cut(): void {
    cutOff.abort();
  }

  async function end(deadline: AbortSignal): Promise<void> {
    stopping.abort();
    if (deadline.aborted) cut();
    deadline.addEventListener("abort", cut, { once: true });
    await running;
    deadline.removeEventListener("abort", cut);
  }
}
