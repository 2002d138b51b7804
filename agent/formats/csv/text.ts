/** Bytes of a CSV file as text: UTF-8, or UTF-16 where a byte order mark says so. What is no text becomes U+FFFD and is kept. */
import { readChunks, readStart, type TreeFile } from "../../kit/file-tree.ts";
import { AgentError } from "../../core/errors.ts";
import { CsvParser, type CsvRow, type Dialect, MAX_ROW } from "../../kit/csv.ts";

export type Encoding = "utf-8" | "utf-16le" | "utf-16be";

const HEAD_BYTES = 256 * 1024;

export function encodingOf(head: Uint8Array): Encoding {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  return head[0] === 0xfe && head[1] === 0xff ? "utf-16be" : "utf-8";
}

/**
 * The beginning of a file as text.
 * @param whole whether `head` is all of it; else a character that is cut off at its end is left out
 */
export function headText(head: Uint8Array, whole: boolean): string {
  return new TextDecoder(encodingOf(head)).decode(head, { stream: !whole });
}

export interface FileHead {
  readonly text: string;
  readonly encoding: Encoding;
  /** Whether the text is that of the whole file. */
  readonly whole: boolean;
}

export async function readHead(file: TreeFile): Promise<FileHead> {
  const head = await readStart(file.place, Math.min(HEAD_BYTES, file.bytes));
  const whole = head.length >= file.bytes;
  return { text: headText(head, whole), encoding: encodingOf(head), whole };
}

/**
 * Rows of a file, in groups of as many as a piece of it holds.
 * @param label how errors call the file
 * @throws AgentError `limit` for a row beyond all measure, system errors as they are
 */
export async function* readRows(
  file: TreeFile,
  label: string,
  dialect: Dialect & { readonly encoding: Encoding },
  signal: AbortSignal,
): AsyncGenerator<readonly CsvRow[]> {
  const decoder = new TextDecoder(dialect.encoding);
  const parser = new CsvParser(dialect);
  for await (const chunk of readChunks(file.place, signal)) {
    const rows = parser.push(decoder.decode(chunk, { stream: true }));
    if (parser.overlong)
      throw new AgentError("limit", "row-too-long", `${label}: the row on line ${parser.line} has no end within ${MAX_ROW} characters.`, {
        mend: "look there for a quote that is never closed",
      });
    if (rows.length > 0) yield rows;
    signal.throwIfAborted();
  }
  const last = [...parser.push(decoder.decode()), ...parser.end()];
  if (last.length > 0) yield last;
}
