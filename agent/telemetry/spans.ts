/** Spans of the port over those of the OpenTelemetry SDK. Nothing global is registered: two agents in one process stay apart. */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type HrTime,
  trace,
  type Tracer,
  type Span as OtelSpan,
} from "@opentelemetry/api";
import type { EndedSpan } from "../core/critical-path.ts";
import type { Attributes, Clock, Span } from "../core/ports.ts";
import { type Phase, PHASES } from "../core/words.ts";
import { ATTRIBUTES, SPANS } from "./names.ts";
import type { Redactor } from "./redact.ts";

export interface SpanDeps {
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly redactor: Redactor;
}

export interface SpanStart {
  readonly kind?: "internal" | "client";
  /** Milliseconds since the epoch, fractions allowed; now when not given. */
  readonly at?: number;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** Time of day as the SDK takes it, exact to the nanosecond that a number can hold. */
export function toHrTime(ms: number): HrTime {
  const whole = Math.floor(ms);
  const seconds = Math.floor(whole / 1000);
  return [seconds, (whole - seconds * 1000) * 1_000_000 + Math.round((ms - whole) * 1_000_000)];
}

/** More than any drill has that a person would look into. */
const MOST_KEPT = 50_000;
const PHASE_OF = new Map<string, Phase>(PHASES.map((phase) => [SPANS.phase(phase), phase]));

/** Where a live span stands in its trace, and what ended below the trace's root so far; null once that are too many. */
interface Place {
  readonly trace: { ended: EndedSpan[] | null };
  readonly depth: number;
  readonly phase: Phase | null;
  readonly peer: string | null;
}
const places = new WeakMap<OtelSpan, Place>();

function placeOf(parent: OtelSpan | null, name: string, attributes: Attributes): Place {
  const above = parent === null ? undefined : places.get(parent);
  const peer = attributes[ATTRIBUTES.peerName];
  return {
    trace: above?.trace ?? { ended: [] },
    depth: above === undefined ? 0 : above.depth + 1,
    phase: PHASE_OF.get(name) ?? above?.phase ?? null,
    peer: typeof peer === "string" ? (name === SPANS.wait ? `${peer} (waiting)` : peer) : (above?.peer ?? null),
  };
}

function note({ trace, depth, phase, peer }: Place, from: number, to: number): void {
  if (depth === 0 || trace.ended === null) return;
  if (trace.ended.length >= MOST_KEPT) trace.ended = null;
  else trace.ended.push({ from, to, depth, phase, peer });
}

/**
 * @param parent null for a root
 * @returns a span; what is told to it after its end is ignored
 */
export function startSpan(deps: SpanDeps, parent: OtelSpan | null, name: string, attributes: Attributes, start: SpanStart = {}): LiveSpan {
  const { tracer, clock, redactor } = deps;
  const startedAt = start.at ?? clock.now();
  const steady = clock.monotonic();
  const context = parent === null ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent);
  const otel = tracer.startSpan(
    name,
    {
      kind: start.kind === "client" ? SpanKind.CLIENT : SpanKind.INTERNAL,
      root: parent === null,
      startTime: toHrTime(startedAt),
      attributes: redactor.attributes(attributes),
      links: (start.links ?? []).map((link) => ({ context: { ...link, traceFlags: TraceFlags.SAMPLED, isRemote: false } })),
    },
    context,
  );
  const { traceId, spanId } = otel.spanContext();
  const place = placeOf(parent, name, attributes);
  places.set(otel, place);
  let failed = false;
  const open = (change: () => void): void => {
    if (otel.isRecording()) change();
  };
  const span: Span = {
    traceId,
    spanId,
    set: (more) => open(() => otel.setAttributes(redactor.attributes(more))),
    fail: (type, message) =>
      open(() => {
        failed = true;
        otel.setAttribute(ATTRIBUTES.errorType, redactor.text(type, 100));
        otel.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message: redactor.text(message) }) });
      }),
    start: (child, more = {}, how = {}) => startSpan(deps, otel, child, more, how).span,
    end: (at) =>
      open(() => {
        // The duration of what happens here is taken from the steady clock; the time of day may jump meanwhile.
        const ended = at ?? (start.at === undefined ? startedAt + (clock.monotonic() - steady) : clock.now());
        otel.end(toHrTime(Math.max(startedAt, ended)));
        note(place, startedAt, Math.max(startedAt, ended));
      }),
    ...(parent === null ? { below: () => place.trace.ended } : {}),
  };
  return { span, otel, failed: () => failed };
}

export interface LiveSpan {
  readonly span: Span;
  readonly otel: OtelSpan;
  /** Whether `fail` was called. */
  readonly failed: () => boolean;
}

/** @returns what `error.type` becomes: the stable code of an error where it has one, else its class */
export function errorType(thrown: unknown): string {
  const code = (thrown as { readonly code?: unknown } | null | undefined)?.code;
  if (typeof code === "string" && code !== "") return code;
  return thrown instanceof Error ? thrown.name : typeof thrown;
}
