/** Lines out of a stream that may be hostile: their length, their number and all bytes together are bounded. */
export interface LineBounds {
  readonly lineBytes: number;
  readonly totalBytes: number;
  readonly lines: number;
}

export interface LineReader {
  /** Given a chunk, calls back for each line that ended in it; false once a bound is passed: then nothing more is taken. */
  push(chunk: Buffer): boolean;
}

export function lineReader(bounds: LineBounds, onLine: (line: string) => void): LineReader {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let total = 0;
  let lines = 0;
  let over = false;
  const take = (part: Buffer): void => {
    pending.push(part);
    pendingBytes += part.length;
    over ||= pendingBytes > bounds.lineBytes;
  };
  return {
    push(chunk) {
      total += chunk.length;
      over ||= total > bounds.totalBytes;
      let from = 0;
      while (!over) {
        const end = chunk.indexOf(10, from);
        if (end < 0) break;
        take(chunk.subarray(from, end));
        from = end + 1;
        lines += 1;
        over ||= lines > bounds.lines;
        if (over) break;
        const line = Buffer.concat(pending).toString("utf8");
        pending = [];
        pendingBytes = 0;
        onLine(line);
      }
      if (!over && from < chunk.length) take(chunk.subarray(from));
      if (over) pending = [];
      return !over;
    },
  };
}
