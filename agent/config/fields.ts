/** Field types that several parts of the configuration share: durations, sizes, names, places. */
import { z } from "zod";
import { DURATION_PATTERN, parseDuration, parseSize, SIZE_PATTERN } from "../kit/duration.ts";

export const ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,62}$/u;

const ID_MESSAGE = "an id is 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit; mend: write it so";

/** Ids of sources and vaults; they become labels, file names and addresses. */
export function id(): z.ZodString {
  return z.string().regex(ID_PATTERN, { error: ID_MESSAGE });
}

/** A value as the person wrote it, short enough for one line. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}…"` : text;
}

interface DurationBounds {
  readonly min?: string;
  readonly max?: string;
  /** Shown in the starter and by editors. It belongs to what is written, so it stands before the transform. */
  readonly example?: string;
}

/** Text such as `24h`; gives milliseconds. */
export function duration(bounds: DurationBounds = {}) {
  const min = bounds.min === undefined ? 0 : (parseDuration(bounds.min) ?? 0);
  const max = bounds.max === undefined ? Number.MAX_SAFE_INTEGER : (parseDuration(bounds.max) ?? 0);
  return z
    .string({ error: (issue) => unitMissing(issue.input, ["s", "m", "h", "d"]) })
    .meta({ pattern: DURATION_PATTERN, ...(bounds.example === undefined ? {} : { examples: [bounds.example] }) })
    .transform((written, context) => {
      const ms = parseDuration(written);
      if (ms === null) {
        context.addIssue({
          code: "custom",
          message: `${quoted(written)} is not a duration; mend: write a number and a unit, such as 30s, 15m, 24h or 30d`,
        });
        return z.NEVER;
      }
      if (ms < min) context.addIssue({ code: "custom", message: `${written} is too short; mend: write at least ${bounds.min}` });
      if (ms > max) context.addIssue({ code: "custom", message: `${written} is too long; mend: write at most ${bounds.max}` });
      return ms;
    });
}

/** Text such as `256MB`; gives bytes. */
export function size(min: string, example?: string) {
  const minBytes = parseSize(min) ?? 0;
  return z
    .string({ error: (issue) => unitMissing(issue.input, ["MB", "GB"]) })
    .meta({ pattern: SIZE_PATTERN, ...(example === undefined ? {} : { examples: [example] }) })
    .transform((written, context) => {
      const bytes = parseSize(written);
      if (bytes === null) {
        context.addIssue({
          code: "custom",
          message: `${quoted(written)} is not a size; mend: write a number and a unit, such as 256MB or 4GB`,
        });
        return z.NEVER;
      }
      if (bytes < minBytes) context.addIssue({ code: "custom", message: `${written} is too small; mend: write at least ${min}` });
      return bytes;
    });
}

/** A bare number is the commonest slip, so it is named; everything else gets the general message. */
function unitMissing(input: unknown, units: readonly string[]): string | undefined {
  if (typeof input !== "number") return undefined;
  const choices = units.map((unit) => `${input}${unit}`);
  return `${input} has no unit; mend: write ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}

/** A path on this machine; a relative one starts from the folder of the configuration. */
export function localPath(): z.ZodString {
  return z
    .string()
    .min(1)
    .max(4096)
    .regex(/^[^\0]*$/u, { error: "a path cannot hold a NUL character; mend: take it out" });
}

/** A path within a vault, normalised: no leading or trailing slash, no `.` segments; empty for the whole vault. */
export function vaultPath() {
  return z
    .string()
    .max(1024)
    .transform((written, context) => {
      const problem = vaultPathProblem(written);
      if (problem !== null) {
        context.addIssue({ code: "custom", message: problem });
        return z.NEVER;
      }
      return normaliseVaultPath(written);
    });
}

function vaultPathProblem(written: string): string | null {
  if (/[\0\n\r]/u.test(written)) return "a path within a vault cannot hold control characters; mend: take them out";
  if (written.startsWith("/") || /^[A-Za-z]:[\\/]/u.test(written)) {
    return `${quoted(written)} is absolute, but paths here are within the vault; mend: take off the leading part that the vault already names`;
  }
  if (written.includes("\\")) return `${quoted(written)} has a backslash; mend: separate folders with /`;
  if (written.split("/").includes("..")) return `${quoted(written)} leads out of the vault; mend: write a path without ".."`;
  return null;
}

export function normaliseVaultPath(written: string): string {
  return written
    .split("/")
    .filter((segment) => segment !== "" && segment !== ".")
    .join("/");
}

/** `host:port`, `[::1]:port`. */
export function listenAddress() {
  return z.string().transform((written, context) => {
    const [, bracketed, plain, digits = ""] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]/]+)):(\d{1,5})$/u.exec(written) ?? [];
    const host = bracketed ?? plain;
    const port = Number(digits);
    if (host === undefined || port > 65_535) {
      context.addIssue({
        code: "custom",
        message: `${quoted(written)} is not an address to listen on; mend: write HOST:PORT, such as 127.0.0.1:9464 or [::1]:9464`,
      });
      return z.NEVER;
    }
    return { host, port };
  });
}

/** An http or https address without a user name or password in it; never repeated in a message, as it may hold one. */
export function httpUrl(example: string) {
  return z
    .string()
    .meta({ examples: [example] })
    .transform((written, context) => {
      const url = URL.parse(written);
      if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
        context.addIssue({
          code: "custom",
          message: "must be an http:// or https:// address; mend: write it so, such as http://127.0.0.1:4318",
        });
        return z.NEVER;
      }
      if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
        context.addIssue({
          code: "custom",
          message:
            "an address here holds no user, password, query or fragment; mend: take it out and give credentials as headers, by {env}, {file} or {command}",
        });
        return z.NEVER;
      }
      return written;
    });
}
