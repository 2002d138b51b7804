/** What every command writes through: lines on stdout, failures in one line on stderr, progress only on a terminal. */
import type { AgentError } from "../core/errors.ts";
import type { Verdict } from "../core/words.ts";
import { clean, type Style, terminalStyle } from "./render.ts";

export interface Output {
  readonly style: Style;
  readonly interactive: boolean;
  readonly columns: number;
  line(text: string): void;
  /** One line on stderr: what a program that reads stdout has no use for. */
  warn(text: string): void;
  /** As it is, cursor movements included; only for what draws on a terminal. */
  raw(text: string): void;
  /** Prints a failure in the way the output format wants it and returns the exit code for it. */
  failure(error: AgentError, format: "text" | "json"): number;
  progress(what: string, done: number, of: number | null): void;
  clearProgress(): void;
}

export interface Terminal {
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly isTty: boolean;
  readonly errorIsTty: boolean;
  readonly colour: boolean;
  readonly columns: number;
}

export function createOutput(terminal: Terminal): Output {
  let shown = false;
  const clearProgress = (): void => {
    if (shown) terminal.writeError("\r\u001b[K");
    shown = false;
  };
  return {
    style: terminalStyle(terminal.colour),
    interactive: terminal.isTty,
    columns: terminal.columns,
    line: (text) => terminal.write(`${text}\n`),
    warn: (text) => terminal.writeError(`restorewatch: ${oneLine(text)}\n`),
    raw: (text) => terminal.write(text),
    failure(error, format) {
      clearProgress();
      const message =
        error.kind === "internal" ? `Something went wrong inside Restorewatch: ${oneLine(error.message)}` : oneLine(error.message);
      if (format === "json")
        terminal.write(
          `${JSON.stringify({ schema: "restorewatch.error/v1", error: { code: error.code, message: error.mend === null ? message : `${message} Mend: ${error.mend}` } })}\n`,
        );
      // A configuration names every problem at once, a line each; everything else is one line.
      const text = error.kind === "config" ? error.message.split("\n").map(clean).join("\n") : message;
      terminal.writeError(`restorewatch: ${text}${error.mend === null ? "" : ` (${clean(error.mend)})`}\n`);
      return exitCodeOfError(error);
    },
    progress(what, done, of) {
      if (!terminal.errorIsTty) return;
      shown = true;
      terminal.writeError(
        `\r\u001b[K${clean(what)} ${done.toLocaleString("en")}${of === null ? "" : ` of ${of.toLocaleString("en")}`}`.slice(
          0,
          terminal.columns + 4,
        ),
      );
    },
    clearProgress,
  };
}

function oneLine(text: string): string {
  return clean(text.replaceAll(/\s*\n\s*/g, "; ")).slice(0, 500);
}

export function exitCodeOf(verdict: Verdict): number {
  return verdict === "verified" ? 0 : verdict === "failed" ? 1 : 3;
}

/** 1: the backup is at fault; 2: usage or configuration; 3: we could not look. */
export function exitCodeOfError(error: AgentError): number {
  if (error.kind === "damaged") return 1;
  return error.kind === "usage" || error.kind === "config" ? 2 : 3;
}
