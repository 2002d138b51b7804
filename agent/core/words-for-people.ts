/** Durations, sizes, numbers and times as people read them. Pure; times are always UTC, so that two readers see the same text. */

import type { Phase } from "./words.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** From here on whole days say enough. */
const WHOLE_DAYS = 4 * DAY;

/** With a capital letter. */
export function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** At most two units: `420 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`, `4 days`. Negative is shown as `0 s`. */
export function describeDuration(ms: number): string {
  if (!(ms > 0)) return "0 s";
  if (ms < SECOND) return ms < 1 ? "under 1 ms" : `${Math.round(ms)} ms`;
  if (ms < 9.95 * SECOND) return `${trimZero((ms / SECOND).toFixed(1))} s`;
  if (ms < 59.5 * SECOND) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR - SECOND / 2) return twoUnits(ms, MINUTE, "min", SECOND, "s");
  if (ms < 2 * DAY - MINUTE / 2) return twoUnits(ms, HOUR, "h", MINUTE, "min");
  return describeDays(ms);
}

/** How long ago something was, coarser than a duration: `under 1 min`, `4 min`, `9 h`, `3 d 4 h`, `12 days`. */
export function describeAge(ms: number): string {
  if (!(ms >= MINUTE)) return "under 1 min";
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
  if (ms < WHOLE_DAYS) return describeDays(Math.floor(ms / HOUR) * HOUR);
  return `${describeNumber(Math.floor(ms / DAY))} days`;
}

function describeDays(ms: number): string {
  const hours = Math.round(ms / HOUR);
  if (hours * HOUR >= WHOLE_DAYS) return `${describeNumber(Math.round(ms / DAY))} days`;
  return hours % 24 === 0 ? `${hours / 24} days` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function twoUnits(ms: number, big: number, bigWord: string, small: number, smallWord: string): string {
  const smalls = Math.round(ms / small);
  const each = big / small;
  const rest = smalls % each;
  return `${Math.floor(smalls / each)} ${bigWord}${rest === 0 ? "" : ` ${rest} ${smallWord}`}`;
}

const BYTE_UNITS = ["kB", "MB", "GB", "TB", "PB"] as const;

/** Decimal units, as disks and Grafana show them: `0 bytes`, `1 byte`, `512 bytes`, `463.9 kB`, `1.2 GB`. */
export function describeBytes(bytes: number): string {
  if (Math.abs(bytes) < 999.5) return `${Math.round(bytes)} ${Math.round(bytes) === 1 ? "byte" : "bytes"}`;
  let value = bytes;
  for (const unit of BYTE_UNITS) {
    value /= 1000;
    if (Math.abs(value) < 999.95 || unit === "PB") return `${trimZero(value.toFixed(1))} ${unit}`;
  }
  return `${value} PB`;
}

/** `1,234,567`; fractions keep three digits that matter: `2.35`, `0.0123`. */
export function describeNumber(value: number): string {
  if (!Number.isFinite(value)) return "unknown";
  const rounded = Number.isInteger(value) || Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  const [whole = "", fraction] = String(rounded).split(".");
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `1 source`, `2 sources`; the plural is given where it is not just an `s` more. */
export function describeCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${describeNumber(count)} ${count === 1 ? singular : plural}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** `2026-03-01 02:00 UTC`: whole and sortable. */
export function describeTime(at: number): string {
  return isTime(at) ? `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC` : "unknown time";
}

/** As short as it stays clear: `02:00 UTC` today, `1 Mar 02:00 UTC` this year, `1 Mar 2025 02:00 UTC` before. */
export function describeMoment(at: number, now: number): string {
  if (!isTime(at)) return "unknown time";
  const date = new Date(at);
  const iso = date.toISOString();
  const clock = `${iso.slice(11, 16)} UTC`;
  if (iso.slice(0, 10) === new Date(now).toISOString().slice(0, 10)) return clock;
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ""}`;
  return date.getUTCFullYear() === new Date(now).getUTCFullYear() ? `${day} ${clock}` : `${day} ${date.getUTCFullYear()} ${clock}`;
}

/** Outside of this range a Date throws when it is printed. */
function isTime(at: number): boolean {
  return Math.abs(at) <= 8.64e15;
}

function trimZero(text: string): string {
  return text.endsWith(".0") ? text.slice(0, -2) : text;
}

/** What a drill does in each phase. */
export const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  open: "fetch the backup out of its vault",
  decrypt: "decrypt it",
  parse: "read its own structure",
  provision: "make an empty sandbox",
  load: "load every record into it",
  checks: "ask every check",
  readback: "read back what was restored",
  compare: "compare it with production",
  dispose: "remove the sandbox",
};
