/** What `start` shows a person: one line a source, redrawn in place on a terminal, printed on change elsewhere. */
import type { SourceStatus } from "../core/status.ts";
import { describeAge } from "../core/words-for-people.ts";
import type { Output } from "./output.ts";
import { cell, clean, type Style, verdictMark } from "./render.ts";

export interface LiveTable {
  /** Worst first. Draws only when something a person would see has changed. */
  show(statuses: readonly SourceStatus[], busy: { readonly polls: number; readonly drills: number; readonly due: number }): void;
}

const RPO_WORDS = { ok: "in time", late: "late", breached: "too old", never: "none found", unknown: "not known" } as const;
/** More lines than this scroll a terminal; the page shows them all. */
const MOST_LINES = 30;

export function createLiveTable(out: Output, address: string): LiveTable {
  return out.interactive ? redrawn(out, address) : printedOnChange(out);
}

function redrawn(out: Output, address: string): LiveTable {
  let drawn = 0;
  let before = "";
  return {
    show(statuses, busy) {
      const lines = [...tableLines(statuses.slice(0, MOST_LINES), out.style, out.columns), footer(statuses, busy, address, out.style)];
      const text = lines.join("\n");
      if (text === before) return;
      before = text;
      out.raw(`${drawn > 0 ? `\u001b[${drawn}A\u001b[J` : ""}${text}\n`);
      drawn = lines.length;
    },
  };
}

function printedOnChange(out: Output): LiveTable {
  const before = new Map<string, string>();
  return {
    show(statuses) {
      for (const status of statuses) {
        const key = `${status.verdict} ${status.rpo.state} ${status.alarms.map((alarm) => alarm.id).join(",")} ${status.drill?.id ?? ""}`;
        const known = before.get(status.sourceId);
        before.set(status.sourceId, key);
        if (known === key || (known === undefined && (status.verdict === "pending" || status.verdict === "none"))) continue;
        out.line(row(status, out.style, 200));
      }
    },
  };
}

function tableLines(statuses: readonly SourceStatus[], style: Style, columns: number): string[] {
  return [
    style.dim(`${cell("SOURCE", 18)} ${cell("VERDICT", 15)} ${cell("IN TIME?", 13)} ${cell("NEWEST", 11)} WHAT MATTERS MOST`),
    ...statuses.map((status) => row(status, style, columns)),
  ];
}

function row(status: SourceStatus, style: Style, columns: number): string {
  const mark = verdictMark(status.verdict, style);
  // Colour codes have no width, so the padding is measured on the plain word.
  const plainWidth = status.verdict === "none" ? "· no backup".length : status.verdict.length + 2;
  const rpo = cell(RPO_WORDS[status.rpo.state], 13);
  const newest = cell(status.rpo.ageMs === null ? "-" : `${describeAge(status.rpo.ageMs)} old`, 11);
  const room = Math.max(20, columns - 18 - 15 - 13 - 11 - 4);
  const paintedRpo =
    status.rpo.state === "breached" || status.rpo.state === "never" ? style.bad(rpo) : status.rpo.state === "late" ? style.warn(rpo) : rpo;
  return `${style.bold(cell(clean(status.sourceId), 18))} ${mark}${" ".repeat(Math.max(0, 15 - plainWidth))} ${paintedRpo} ${newest} ${cell(clean(status.headline), room).trimEnd()}`;
}

function footer(
  statuses: readonly SourceStatus[],
  busy: { readonly polls: number; readonly drills: number; readonly due: number },
  address: string,
  style: Style,
): string {
  const more = statuses.length > MOST_LINES ? ` · ${statuses.length - MOST_LINES} more on the page` : "";
  const work = busy.drills + busy.due === 0 ? "nothing due" : `${busy.drills} running, ${Math.max(0, busy.due - busy.drills)} waiting`;
  return style.dim(`${address}  ·  ${work}${more}  ·  Ctrl-C stops`);
}
