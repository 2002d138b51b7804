/** Leases in a map, and a Work that fails where a test wants it to. */
import type { Clock, Work } from "../../agent/core/ports.ts";

export function memoryWork(clock: Pick<Clock, "now">): Work {
  const held = new Map<string, { readonly holder: string; readonly until: number }>();
  const live = (id: string): string | null => {
    const lease = held.get(id);
    return lease === undefined || lease.until <= clock.now() ? null : lease.holder;
  };
  return {
    async lease(id, holder, ttlMs) {
      if (live(id) !== null) return false;
      held.set(id, { holder, until: clock.now() + ttlMs });
      return true;
    },
    async renew(id, holder, ttlMs) {
      if (live(id) !== holder) return false;
      held.set(id, { holder, until: clock.now() + ttlMs });
      return true;
    },
    async release(id, holder) {
      if (held.get(id)?.holder === holder) held.delete(id);
    },
  };
}

export interface WorkFault {
  readonly method: keyof Work;
  /** Which call of the method fails, from 1. */
  readonly call: number;
  readonly error: Error;
}

/** @returns a Work that does what `real` does, except for its faults; `assertAllFaultsUsed` throws when one never came up */
export function faultyWork(real: Work, faults: readonly WorkFault[]): Work & { assertAllFaultsUsed(): void } {
  const calls = new Map<keyof Work, number>();
  const unused = new Set(faults);
  const attempt = async <T>(method: keyof Work, work: () => Promise<T>): Promise<T> => {
    const call = (calls.get(method) ?? 0) + 1;
    calls.set(method, call);
    const fault = faults.find((one) => one.method === method && one.call === call);
    if (fault === undefined) return work();
    unused.delete(fault);
    throw fault.error;
  };
  return {
    lease: (id, holder, ttlMs) => attempt("lease", () => real.lease(id, holder, ttlMs)),
    renew: (id, holder, ttlMs) => attempt("renew", () => real.renew(id, holder, ttlMs)),
    release: (id, holder) => attempt("release", () => real.release(id, holder)),
    assertAllFaultsUsed() {
      const left = [...unused].map((fault) => `${fault.method} call ${fault.call}`);
      if (left.length > 0) throw new Error(`Faults that never came up: ${left.join(", ")}`);
    },
  };
}
