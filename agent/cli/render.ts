/** Colour and glyphs for the terminal. Colour is never the only signal: each state has its own glyph and word. */
import { stripVTControlCharacters } from "node:util";
import type { CheckStatus, Verdict } from "../core/words.ts";

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
}

const plain = (text: string): string => text;

/** @param colour false for pipes, files and NO_COLOR */
export function terminalStyle(colour: boolean): Style {
  if (!colour) return { bold: plain, dim: plain, good: plain, bad: plain, warn: plain };
  const paint =
    (code: string, end = "39"): ((text: string) => string) =>
    (text) =>
      `\u001b[${code}m${text}\u001b[${end}m`;
  return { bold: paint("1", "22"), dim: paint("2", "22"), good: paint("32"), bad: paint("31"), warn: paint("33") };
}

export function verdictMark(verdict: Verdict | "pending" | "none", style: Style): string {
  switch (verdict) {
    case "verified":
      return style.good("✓ verified");
    case "failed":
      return style.bad("✗ failed");
    case "inconclusive":
      return style.warn("? inconclusive");
    case "pending":
      return style.dim("· pending");
    case "none":
      return style.dim("· no backup");
  }
}

export function checkMark(status: CheckStatus, style: Style): string {
  switch (status) {
    case "pass":
      return style.good("✓");
    case "fail":
      return style.bad("✗");
    case "changed":
      return style.warn("~");
    case "error":
      return style.warn("?");
    case "skip":
      return style.dim("-");
  }
}

/** Control characters of foreign text must not reach the terminal. */
export function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, "\u{FFFD}");
}

/** Pads and cuts to a width in characters. */
export function cell(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text.padEnd(width);
}

/** The column that a line's text begins at: behind its marks and names, which two spaces set off. */
const MARGIN = /^(?: *\S{1,24}(?: \S{1,24})? {2,}| +)/u;
const MARGIN_MOST = 30;

/**
 * Breaks a line between words, so that a terminal does not break it within one; what follows stands below where its text began.
 * @param columns null for what is no terminal: then nothing is broken
 */
export function wrapped(line: string, columns: number | null): string[] {
  if (columns === null || width(line) <= columns) return [line];
  const margin = Math.min(MARGIN.exec(stripVTControlCharacters(line))?.[0].length ?? 0, MARGIN_MOST);
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(/(?<=\S) (?=\S)/u)) {
    const next = current === "" ? word : `${current} ${word}`;
    // Marks and names stay with the first word of the text.
    if (width(current) < margin || width(next) <= columns) current = next;
    else {
      lines.push(current);
      current = `${" ".repeat(margin)}${word}`;
    }
  }
  return [...lines, current];
}

/** Colour codes have none. */
function width(text: string): number {
  return stripVTControlCharacters(text).length;
}
