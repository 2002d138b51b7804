/** Log lines: JSON to stdout, and the same records to whoever listens (the OTLP pipeline). */
import { pino } from "pino";
import type { AttributeValue, Clock, LogLevel } from "../core/ports.ts";

export interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, AttributeValue>>;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly span: { readonly traceId: string; readonly spanId: string } | null;
}

export type LogThreshold = LogLevel | "silent";

export interface Logger {
  enabled(level: LogLevel): boolean;
  /** Writes the line. The record has been redacted. */
  write(record: LogRecord): void;
  setLevel(level: LogThreshold): void;
}

export interface LoggerOptions {
  readonly level: LogThreshold;
  /** Takes one line, with its line feed. Must not block. */
  readonly write: (line: string) => void;
}

const RESERVED = new Set(["level", "time", "msg", "trace_id", "span_id"]);

export function createLogger({ level, write }: LoggerOptions): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: false,
      formatters: { level: (label) => ({ level: label }) },
      // What pino would make of an error or a request by itself is not redacted.
      serializers: { err: (value: unknown) => String(value) },
    },
    { write },
  );
  return {
    enabled: (asked) => log.isLevelEnabled(asked),
    write({ level, message, fields, at, span }) {
      const line: Record<string, AttributeValue> = { time: new Date(at).toISOString() };
      if (span !== null) Object.assign(line, { trace_id: span.traceId, span_id: span.spanId });
      for (const [name, value] of Object.entries(fields)) line[RESERVED.has(name) ? `field.${name}` : name] = value;
      log[level](line, message);
    },
    setLevel(next) {
      log.level = next;
    },
  };
}

/** @returns a time that `toISOString` can tell, whatever the clock says */
export function logTime(clock: Pick<Clock, "now">): number {
  const now = clock.now();
  return Number.isFinite(now) && Math.abs(now) <= 8.64e15 ? now : 0;
}
