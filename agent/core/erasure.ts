/**
 * Subjects who were erased on their request, and must not come back with a restore. The list holds no more than digests by the time a drill
 * sees it. Pure.
 */
import { sha256Hex } from "./ids.ts";

/** What a drill is told of erasures; plain JSON, so that it crosses to the child. */
export interface ErasureExpectation {
  /** Why the list could not be had, in words; then nothing can be said. */
  readonly trouble: string | null;
  /** Fields that hold the subjects, by id or name. */
  readonly fields: readonly { readonly collection: string; readonly field: string }[];
  /** What every digest begins with; empty: none. */
  readonly key: string;
  readonly subjects: readonly { readonly digest: string; /** ms since the epoch */ readonly erasedAt: number }[];
}

/** A line that is no entry: its number from 1 and what is wrong with it, never the line itself. */
export interface ErasureProblem {
  readonly line: number;
  readonly what: string;
}

const MOST_SUBJECTS = 200_000;

/**
 * One entry a line: when the subject was erased (ISO 8601) and who, either in clear or as `digest:` and 64 hex digits; blank lines and those
 * that begin with # are left out.
 */
export function parseErasures(
  text: string,
  key: string,
): { readonly subjects: ErasureExpectation["subjects"]; readonly problems: readonly ErasureProblem[] } {
  const found = new Map<string, number>();
  const problems: ErasureProblem[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const problem = (what: string): void => void problems.push({ line: index + 1, what });
    const [, when = "", who = ""] = /^(\S+)\s+(.+)$/u.exec(line) ?? [];
    // A date alone is the beginning of its day, and a time without a zone is UTC: never this machine's own.
    const erasedAt = /^\d{4}-\d{2}-\d{2}/u.test(when)
      ? Date.parse(/T.*(?:Z|[+-]\d{2}:?\d{2})$/u.test(when) || !when.includes("T") ? when : `${when}Z`)
      : Number.NaN;
    if (Number.isNaN(erasedAt)) {
      problem("does not begin with a date such as 2026-11-23");
      continue;
    }
    const given = /^digest:(.*)$/iu.exec(who)?.[1]?.trim().toLowerCase();
    if (given !== undefined && !/^[0-9a-f]{64}$/u.test(given)) {
      problem("has a digest that is not 64 hex digits");
      continue;
    }
    if (found.size >= MOST_SUBJECTS) {
      problem(`is one more than the ${MOST_SUBJECTS} subjects a list may hold`);
      break;
    }
    const digest = given ?? subjectDigest(who, key);
    // Erased again: what counts is the last time.
    found.set(digest, Math.max(found.get(digest) ?? 0, erasedAt));
  }
  return { subjects: [...found].map(([digest, erasedAt]) => ({ digest, erasedAt })), problems };
}

/**
 * SHA-256 hex of `KEY:subject`, the subject trimmed and in lower case, or of the subject alone where there is no key: what
 * `printf '%s:%s' "$KEY" ada@example.org | sha256sum` prints.
 */
export function subjectDigest(subject: string, key: string): string {
  const plain = subject.normalize("NFC").trim().toLowerCase();
  return sha256Hex(key === "" ? plain : `${key}:${plain}`);
}

/** @returns one sentence, or null where every line was understood */
export function erasureTrouble(problems: readonly ErasureProblem[]): string | null {
  const [first] = problems;
  if (first === undefined) return null;
  const more = problems.length === 1 ? "" : `, and ${problems.length - 1} more`;
  return `line ${first.line} of the list of erased subjects ${first.what}${more}`;
}
