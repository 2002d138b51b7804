/** Cron expressions and time zones of the drill calendars. */
import { Cron } from "croner";
import { z } from "zod";
import { quoted } from "./fields.ts";

/** A cron expression of five fields that fires at least once. */
export function cron() {
  return z.string().superRefine((written, context) => {
    const problem = cronProblem(written);
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  });
}

function cronProblem(written: string): string | null {
  const fields = written.trim().split(/\s+/u).length;
  if (fields !== 5 || written.trim() === "") {
    return `${quoted(written)} has ${written.trim() === "" ? 0 : fields} fields; mend: write five: minute, hour, day of month, month, day of week, such as 0 6 1 * *`;
  }
  try {
    // From a fixed date: whether a schedule ever fires does not depend on today.
    const next = new Cron(written, { paused: true, timezone: "UTC" }).nextRun(new Date("2024-01-01T00:00:00Z"));
    return next === null ? `${quoted(written)} never comes; mend: name a day its month has` : null;
  } catch {
    return `${quoted(written)} is not a cron expression; mend: write five fields such as 0 6 1 * * (06:00 on the first of each month)`;
  }
}

/** An IANA time zone this machine knows. */
export function timezone() {
  return z.string().superRefine((written, context) => {
    if (isTimezone(written)) return;
    const message = `${quoted(written)} is not a time zone; mend: write an IANA name such as UTC or Europe/Berlin`;
    context.addIssue({ code: "custom", message });
  });
}

function isTimezone(written: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: written }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
