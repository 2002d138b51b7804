/** One OTLP/HTTP request: JSON, gzip, a deadline, and an answer in terms of what to do next. */
import http from "node:http";
import https from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { SecretRef } from "../core/policy.ts";
import type { Clock } from "../core/ports.ts";
import type { SendOutcome } from "./batcher.ts";

export type SignalName = "traces" | "metrics" | "logs";

export interface OtlpTarget {
  /** Address of an OTLP/HTTP receiver, without `/v1/…`. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, SecretRef>>;
  /** How long one request may take; 10,000 unless told. */
  readonly timeoutMs?: number;
}

export interface OtlpSender {
  /** Never throws; `signal` ends the request at once. */
  send(signal: SignalName, body: unknown, abort: AbortSignal): Promise<SendOutcome>;
  close(): void;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

const compress = promisify(gzip);
/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE = new Set([429, 502, 503, 504]);
const LOST_FIELDS = { traces: "rejectedSpans", metrics: "rejectedDataPoints", logs: "rejectedLogRecords" } as const;
const MAX_ANSWER = 64 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;
/** So that a secret that a command prints does not start one for every request, and a rotated one is still seen soon. */
const HEADERS_LAST_MS = 60_000;

export interface SenderDeps {
  readonly clock: Pick<Clock, "monotonic">;
  readonly userAgent: string;
  /** Told every header value that was revealed, before it is used. */
  readonly onSecret: (value: string) => void;
}

export function createSender(target: OtlpTarget, { clock, userAgent, onSecret }: SenderDeps): OtlpSender {
  const timeoutMs = target.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const base = target.endpoint.replace(/\/+$/, "");
  const secure = base.startsWith("https:");
  const agent = new (secure ? https : http).Agent({ keepAlive: true, maxSockets: 3 });
  let revealed: { readonly headers: Record<string, string>; readonly at: number } | null = null;

  return {
    async send(signal, body, abort) {
      try {
        const data = await compress(JSON.stringify(body));
        if (revealed === null || clock.monotonic() - revealed.at > HEADERS_LAST_MS) {
          revealed = { headers: await headersOf(target, onSecret), at: clock.monotonic() };
        }
        const { headers } = revealed;
        const limit = AbortSignal.any([abort, AbortSignal.timeout(timeoutMs)]);
        const answer = await post(new URL(`${base}/v1/${signal}`), data, { ...headers, "user-agent": userAgent }, limit);
        if (answer.status === 401 || answer.status === 403) revealed = null;
        return outcomeOf(signal, answer);
      } catch (thrown) {
        // Addresses and header values stay out of the reason: only what kind of trouble it was.
        const code = (thrown as { readonly code?: unknown } | null)?.code;
        const name = thrown instanceof Error ? thrown.name : "error";
        return { sent: false, again: !abort.aborted, afterMs: null, reason: typeof code === "string" ? code : name };
      }
    },
    close: () => agent.destroy(),
  };

  function post(url: URL, data: Buffer, headers: Record<string, string>, limit: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(url, {
        method: "POST",
        agent,
        headers: { ...headers, "content-type": "application/json", "content-encoding": "gzip", "content-length": data.length },
        signal: limit,
      });
      request.on("error", reject);
      request.on("response", (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body = (body + chunk).slice(0, MAX_ANSWER);
        });
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"], body }));
      });
      request.end(data);
    });
  }
}

async function headersOf(target: OtlpTarget, onSecret: (value: string) => void): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, secret] of Object.entries(target.headers)) {
    const value = await secret.reveal();
    onSecret(value);
    headers[name] = value;
  }
  return headers;
}

function outcomeOf(signal: SignalName, { status, retryAfter, body }: Answer): SendOutcome {
  if (status >= 200 && status < 300) return { sent: true, lost: lostOf(signal, body) };
  const seconds = Number(retryAfter);
  const afterMs = retryAfter !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
  return { sent: false, again: RETRYABLE.has(status), afterMs, reason: `HTTP ${status}` };
}

/** `partialSuccess` of the answer; an answer that is no JSON says nothing. */
function lostOf(signal: SignalName, body: string): number {
  try {
    const answer = JSON.parse(body) as { partialSuccess?: Record<string, unknown> } | null;
    const lost = Number(answer?.partialSuccess?.[LOST_FIELDS[signal]] ?? 0);
    return Number.isSafeInteger(lost) && lost > 0 ? lost : 0;
  } catch {
    return 0;
  }
}
