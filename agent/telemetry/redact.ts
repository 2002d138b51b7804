/**
 * The last line of defence before anything leaves the agent: what callers should never have passed on is taken out here.
 * It knows the configured secrets by value and the rest by shape; it cannot know a person's name.
 */
import type { Attributes, AttributeValue } from "../core/ports.ts";

export interface Redactor {
  /** Makes a secret known; called whenever one is revealed. Values of under four characters are too common to be found again. */
  add(secret: string): void;
  /** @returns the text without secrets and personal data, at most `max` characters long (1,000 unless told) */
  text(value: string, max?: number): string;
  /** @returns the attributes that are defined, redacted, their values told in words where they are no attribute values */
  attributes(given: Attributes): Record<string, AttributeValue>;
}

const SECRET = "[secret]";
const MAX_TEXT = 1000;
/** How much of a text is looked at; the last part is then left out, because it may hold the first half of a secret. */
const MAX_READ = 8192;
const MARGIN = 512;

/** Names whose value is never shown, whatever it looks like. */
const SECRET_NAMES =
  "pass(?:word|wd|phrase)?|secret|token|api[-_ ]?key|apikey|access[-_ ]?key|private[-_ ]?key|credentials?|authorization|cookie|session[-_ ]?id";
const SECRET_KEY = new RegExp(`(?:^|[._-])(?:[a-z0-9]{0,20}[_-])?(?:${SECRET_NAMES})$`, "i");

type Rule = readonly [RegExp, string | ((match: string, ...groups: string[]) => string)];

const SCHEMES = "bearer|basic|digest|token|negotiate";
/** What is written behind such a name: quoted or bare, after the scheme of a header. */
const SECRET_VALUE = `(?:(?:${SCHEMES})\\s{1,4})?(?:"[^"]{1,1024}"|'[^']{1,1024}'|\\[secret\\]|[^\\s,;&"'}\\])]{1,1024})`;

/**
 * In this order: a whole URL is dealt with before what may lie in it, and a name with its value before the value alone.
 * Every repetition is bounded, so no text takes long.
 */
const RULES: readonly Rule[] = [
  [/-----BEGIN [A-Z ]{1,40}-----[\s\S]{0,8192}?(?:-----END [A-Z ]{1,40}-----|$)/g, SECRET],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"'<>]{1,512}@/gi, "$1"],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/[^\s?#"'<>]{1,1024})[?#][^\s"'<>]{0,2048}/gi, "$1?[query]"],
  [/([?&][\w.[\]%-]{1,80}=)[^&\s"'<>]{1,1024}/g, "$1[query]"],
  [new RegExp(`\\b((?:[\\w-]{0,40}[_-])?(?:${SECRET_NAMES})["']?\\s{0,3}[=:]\\s{0,3})${SECRET_VALUE}`, "gi"), `$1${SECRET}`],
  [/\b(bearer)\s{1,4}[\w.~+/=:-]{6,2048}/gi, `$1 ${SECRET}`],
  // These are words too: only what no word looks like is taken for a secret.
  [
    /\b([Bb]asic|[Dd]igest|[Tt]oken|[Nn]egotiate)\s{1,4}(?=[\w.~+/=:-]{0,256}(?:\d|[a-z][A-Z]|[A-Z]{2}|=))[\w.~+/=:-]{6,2048}/g,
    `$1 ${SECRET}`,
  ],
  [/\beyJ[\w-]{5,2048}\.[\w-]{5,4096}(?:\.[\w-]{0,2048})?/g, SECRET],
  [
    /\b(?:gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|sk[-_](?:live_|test_|ant-)?|rk_live_|whsec_|npm_|dop_v1_|ntn_|secret_|AGE-SECRET-KEY-1)[\w-]{10,512}/g,
    SECRET,
  ],
  [/\bpat[A-Za-z0-9]{14}\.[0-9a-f]{32,64}\b/g, SECRET],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, SECRET],
  [/[\p{L}\p{N}._%+'-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,5}/gu, "[e-mail]"],
  [/\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g, (match) => (validIban(match) ? "[account]" : match)],
  [/(?<![\w.])[3-6]\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,4}(?![\w.])/g, (match) => (luhn(match) ? "[card]" : match)],
  [/(?<![\w+])\+\d{1,3}(?:[ ()./-]{0,2}\d){7,12}(?!\d)/g, "[phone]"],
];

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  let pattern: RegExp | null = null;

  const text = (value: string, max = MAX_TEXT): string => {
    let read = value;
    if (value.length > MAX_READ) read = value.slice(0, MAX_READ);
    if (pattern !== null) read = read.replace(pattern, SECRET);
    for (const [rule, by] of RULES) read = typeof by === "string" ? read.replace(rule, by) : read.replace(rule, by);
    if (value.length > MAX_READ) read = read.slice(0, Math.max(0, read.length - MARGIN));
    return read.length > max || value.length > MAX_READ ? `${cut(read, max - 1)}…` : read;
  };

  return {
    add(secret) {
      const before = secrets.size;
      for (const form of formsOf(secret)) if (form.length >= 4) secrets.add(form);
      if (secrets.size === before) return;
      const longestFirst = [...secrets].toSorted((a, b) => b.length - a.length);
      pattern = new RegExp(longestFirst.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "g");
    },
    text,
    attributes(given) {
      const result: Record<string, AttributeValue> = {};
      for (const [key, value] of Object.entries(given) as [string, unknown][]) {
        if (value === undefined || value === null) continue;
        const name = text(key, 100);
        if (SECRET_KEY.test(key)) result[name] = SECRET;
        else if (typeof value === "boolean") result[name] = value;
        else if (typeof value === "number") {
          // What is not a number is not known, and what is not known is absent.
          if (Number.isFinite(value)) result[name] = secrets.has(String(value)) ? SECRET : value;
        } else result[name] = text(wordsOf(value));
      }
      return result;
    },
  };
}

/** The ways a secret turns up: as it is, in a URL, in JSON, in a header. */
function formsOf(secret: string): string[] {
  const forms = [
    secret,
    secret.trim(),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString("base64"),
    Buffer.from(secret).toString("hex"),
  ];
  try {
    forms.push(encodeURIComponent(secret));
  } catch {
    // A lone surrogate has no URL form.
  }
  forms.push(Buffer.from(secret).toString("base64url"));
  return forms;
}

/** Something that is no attribute value, told in words: an error with its causes, anything else as JSON. */
function wordsOf(value: unknown, depth = 0): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) {
    const own = `${value.name}: ${value.message}`;
    return value.cause === undefined || depth >= 5 ? own : `${own} (because ${wordsOf(value.cause, depth + 1)})`;
  }
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return "[not readable]";
  }
}

/** Never leaves half of a surrogate pair behind. */
function cut(text: string, length: number): string {
  const end = /[\uD800-\uDBFF]/.test(text.charAt(length - 1)) ? length - 1 : length;
  return text.slice(0, end);
}

function luhn(text: string): boolean {
  const digits = Array.from(text.replace(/\D/g, ""), Number).toReversed();
  if (digits.length < 13) return false;
  const sum = digits.reduce((total, digit, index) => total + (index % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2), 0);
  return sum % 10 === 0;
}

/** ISO 13616: the remainder modulo 97 of the number made of the rearranged characters is 1. */
function validIban(text: string): boolean {
  const plain = text.replaceAll(" ", "");
  if (plain.length < 15 || plain.length > 34) return false;
  let remainder = 0;
  for (const char of plain.slice(4) + plain.slice(0, 4)) {
    for (const digit of Number.parseInt(char, 36).toString()) remainder = (remainder * 10 + Number(digit)) % 97;
  }
  return remainder === 1;
}
