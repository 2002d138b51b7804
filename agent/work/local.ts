/** Leases on the agent's own state: two agents on one database never run the same drill. */
import type { Clock, Work } from "../core/ports.ts";

/** Where leases lie. Each method is atomic over all processes that share the store; times are milliseconds since the epoch. */
export interface LeaseStore {
  /** False while an unexpired lease exists, whoever holds it. */
  take(id: string, holder: string, now: number, until: number): Promise<boolean>;
  /** False unless `holder` holds it and it has not expired. */
  extend(id: string, holder: string, now: number, until: number): Promise<boolean>;
  drop(id: string, holder: string): Promise<void>;
}

/** @param deps.leases for the embedded state: `SqliteState.leases` */
export function localWork(deps: { readonly leases: LeaseStore; readonly clock: Pick<Clock, "now"> }): Work {
  const { leases, clock } = deps;
  return {
    lease(id, holder, ttlMs) {
      const now = clock.now();
      return leases.take(id, holder, now, now + ttlMs);
    },
    renew(id, holder, ttlMs) {
      const now = clock.now();
      return leases.extend(id, holder, now, now + ttlMs);
    },
    release: (id, holder) => leases.drop(id, holder),
  };
}
