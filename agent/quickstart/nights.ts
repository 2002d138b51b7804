/** The calendar of the quickstart: one backup a night, at two in the morning UTC. */

const DAY = 86_400_000;
const HOUR_OF_BACKUP = 2 * 3_600_000;
/** A backup is there a few minutes after it began. */
const READY_AFTER = 5 * 60_000;

/** The last `count` nights whose backup is done at `now`, oldest first, as midnight timestamps. */
export function nightsUntil(now: number, count: number): number[] {
  const last = Math.floor((now - HOUR_OF_BACKUP - READY_AFTER) / DAY) * DAY;
  return Array.from({ length: count }, (_, index) => last - (count - 1 - index) * DAY);
}

export function startOfBackup(night: number): number {
  return night + HOUR_OF_BACKUP;
}

/** `2026-11-22T02-00-00Z`: sortable, and read back by the agent as the time of the backup. */
export function nightName(night: number): string {
  return new Date(startOfBackup(night)).toISOString().slice(0, 19).replaceAll(":", "-").concat("Z");
}

/** Whole days since the epoch: what the data of a night is made from. */
export function dayNumber(night: number): number {
  return Math.floor(night / DAY);
}
