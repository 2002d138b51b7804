/** Which captures may go: our own, older than promised, never the newest, never one that is protected. Pure. */
import type { VaultEntry } from "../../core/ports.ts";

/** Names only `captureSource` gives: what somebody else put beside them is never touched. */
const OURS = /(?:^|\/)\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z\.bag\.zip$/u;

export interface Expired {
  readonly path: string;
  readonly bytes: number;
  readonly createdAt: number;
}

/** @param keepMs null: none is ever removed */
export function expiredCaptures(entries: readonly VaultEntry[], keepMs: number | null, now: number): readonly Expired[] {
  if (keepMs === null) return [];
  const ours = entries
    .filter((entry) => entry.kind === "file" && OURS.test(entry.path))
    .map((entry) => ({ entry, createdAt: createdAt(entry.path) }))
    .sort((a, b) => b.createdAt - a.createdAt);
  return ours
    .slice(1)
    .filter((one) => now - one.createdAt > keepMs && (one.entry.immutableUntil ?? 0) <= now)
    .map(({ entry, createdAt: at }) => ({ path: entry.path, bytes: entry.bytes, createdAt: at }));
}

function createdAt(path: string): number {
  const [, day, hour, minute, second, ms] = /(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z\.bag\.zip$/u.exec(path) ?? [];
  return Date.parse(`${day}T${hour}:${minute}:${second}.${ms}Z`);
}
