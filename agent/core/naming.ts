/** When an artifact was made, as far as its name tells. Pure. */

interface Found {
  /** Milliseconds since the epoch, or null for a date or time that cannot be. */
  readonly at: number | null;
  /** How much of a moment the name gives: 4 to the second with a zone, 3 to the second, 2 to the minute, 1 the day. */
  readonly completeness: number;
  readonly start: number;
}

const DATE = String.raw`(?<year>(?:19[7-9]|20\d)\d)(?<sep>[-_.]?)(?<month>\d\d)\k<sep>(?<day>\d\d)`;
const CLOCK = String.raw`[T_ .-]?(?<hour>\d\d)(?<gap>[-:_.h]?)(?<minute>\d\d)`;
const ZONE = String.raw`(?<zone>Z|[+-](?:0\d|1[0-4]):?(?:00|15|30|45))?`;
const END = String.raw`(?![0-9])`;

/** Most complete first; a shape that matched keeps its stretch of the name, so that a part of it is never read as something else. */
const SHAPES: readonly RegExp[] = [
  new RegExp(String.raw`(?<!\d)${DATE}${CLOCK}\k<gap>(?<second>\d\d)(?:[.,](?<fraction>\d{1,9}))?${ZONE}${END}`, "gi"),
  new RegExp(String.raw`(?<![0-9A-Za-z.])(?<epoch>[1-3]\d{9}|[1-3]\d{12})(?![0-9A-Za-z])`, "g"),
  new RegExp(String.raw`(?<!\d)${DATE}${CLOCK}${ZONE}${END}`, "gi"),
  new RegExp(String.raw`(?<!\d)${DATE}${END}`, "g"),
];

/**
 * @param path of an artifact within its vault; its last segment is asked first, then the directories above it
 * @returns milliseconds since the epoch of the most complete moment a segment names (the last of several equally complete ones),
 *   or null. A moment without a zone is UTC; an impossible date or time is none.
 */
export function timeInName(path: string): number | null {
  for (const segment of path.split("/").toReversed()) {
    const found = momentsIn(segment)
      .filter((moment) => moment.at !== null)
      .sort((a, b) => b.completeness - a.completeness || b.start - a.start);
    const best = found[0];
    if (best !== undefined) return best.at;
  }
  return null;
}

function momentsIn(name: string): Found[] {
  const found: Found[] = [];
  let rest = name;
  for (const shape of SHAPES)
    rest = rest.replaceAll(shape, (whole: string, ...args: unknown[]) => {
      const parts = args.at(-1) as Record<string, string | undefined>;
      const start = args.at(-3) as number;
      const moment = parts["epoch"] === undefined ? fromParts(parts, start) : fromEpoch(parts["epoch"], start);
      // A day with digits after it that are no time of day is still a day: the last shape gets to see it.
      if (moment.at === null && moment.completeness === 2) return whole;
      found.push(moment);
      return "\u0000".repeat(whole.length);
    });
  return found;
}

function fromEpoch(digits: string, start: number): Found {
  return { at: digits.length === 10 ? Number(digits) * 1000 : Number(digits), completeness: 3, start };
}

function fromParts(parts: Record<string, string | undefined>, start: number): Found {
  const { year, month, day, hour, minute, second, fraction, zone } = parts;
  const completeness = second === undefined ? (hour === undefined ? 1 : 2) : zone === undefined ? 3 : 4;
  const clock = `${hour ?? "00"}:${minute ?? "00"}:${second ?? "00"}`;
  const millis = Number((fraction ?? "").padEnd(3, "0").slice(0, 3));
  const at = Date.parse(`${year}-${month}-${day}T${clock}Z`);
  // Date.parse takes 31 February for 3 March and 24:00 for the next day.
  if (Number.isNaN(at) || !new Date(at).toISOString().startsWith(`${year}-${month}-${day}T${clock}`))
    return { at: null, completeness, start };
  return { at: at + millis - offsetMillis(zone), completeness, start };
}

function offsetMillis(zone: string | undefined): number {
  const parts = /^([+-])(\d\d):?(\d\d)$/.exec(zone ?? "");
  if (parts === null) return 0;
  const minutes = Number(parts[2]) * 60 + Number(parts[3]);
  return (parts[1] === "-" ? -minutes : minutes) * 60_000;
}
