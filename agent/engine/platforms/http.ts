/** The HTTP client of kit, as connectors get it: errors in the agent's words, CLIENT spans, request and waiting metrics, the day's budget. */
import { AgentError, type ErrorKind } from "../../core/errors.ts";
import type { HttpAnswer, HttpFactory, HttpRequest, HttpTarget, HttpTargetClient } from "../../core/platform-ports.ts";
import type { Clock, Random, Telemetry } from "../../core/ports.ts";
import { type Call, type CallInfo, createHttpClient, type HttpClient, type HttpWorld } from "../../kit/http/client.ts";
import { HttpError, type HttpErrorKind } from "../../kit/http/errors.ts";
import { createLimiter, type Limiter } from "../../kit/http/limiter.ts";
import { ATTRIBUTES, SPANS } from "../../telemetry/names.ts";

/** Requests spent of a day's budget; kept across restarts by whoever implements it. */
/** Shorter waits would only lengthen the trace. */
const WAIT_SHOWN_MS = 5;

export interface Budgets {
  /** Takes one request of `name` at time `now`; false when `perDay` are spent already. `left` is told to telemetry. */
  spend(name: string, perDay: number, now: number): Promise<{ readonly granted: boolean; readonly left: number }>;
}

export interface HttpDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly dispatcher: HttpWorld["dispatcher"];
  readonly budgets: Budgets;
  /** For requests that name no deadline of their own; default 60 s. */
  readonly timeoutMs?: number;
}

export function createHttpFactory(deps: HttpDeps): HttpFactory {
  const limiters = new Map<string, Limiter>();
  /** A host counts what it is asked, not by which of our sources. */
  const limiterOf = ({ baseUrl, peer, limits, limitedBy }: HttpTarget): Limiter => {
    const { requestsPerSecond, burst, concurrency } = limits;
    const key = JSON.stringify([
      limitedBy === undefined ? [new URL(baseUrl).origin] : [peer, limitedBy],
      requestsPerSecond,
      burst,
      concurrency,
    ]);
    const limiter = limiters.get(key) ?? createLimiter(limits, deps.clock);
    limiters.set(key, limiter);
    return limiter;
  };
  return { open: (target) => openTarget(target, limiterOf(target), deps) };
}

function openTarget(target: HttpTarget, limiter: Limiter, deps: HttpDeps): HttpTargetClient {
  const { clock, telemetry } = deps;
  const { budget, peer } = target;
  // From 0, or the first error would be no increase.
  for (const status of ["2xx", "3xx", "4xx", "5xx", "error"])
    telemetry.count("restorewatch_platform_requests_total", { platform: peer, status }, 0);
  for (const reason of ["rate_limit", "retry"]) telemetry.count("restorewatch_platform_wait_seconds_total", { platform: peer, reason }, 0);
  const client = createHttpClient(
    {
      baseUrl: target.baseUrl,
      allowPlain: target.allowPlain,
      secretHeaders: target.headers,
      limits: target.limits,
      limiter,
      ...(deps.timeoutMs === undefined ? {} : { timeoutMs: deps.timeoutMs }),
      ...(target.isQuota === undefined ? {} : { isQuota: target.isQuota }),
      ...(budget === null
        ? {}
        : {
            spend: async () => {
              const { granted, left } = await deps.budgets.spend(budget.name, budget.perDay, clock.now());
              telemetry.gauges({ budget: budget.name }, [
                { metric: "restorewatch_budget_remaining", labels: { budget: budget.name }, value: left },
              ]);
              return granted;
            },
          }),
    },
    {
      clock,
      random: deps.random,
      dispatcher: deps.dispatcher,
      around: (call, work) => {
        target.meter?.sent(call.resend);
        return inSpan(call, work, peer, telemetry);
      },
      waited: (reason, ms) => {
        target.meter?.waited(reason, ms);
        telemetry.count("restorewatch_platform_wait_seconds_total", { platform: peer, reason }, ms / 1000);
        if (ms >= WAIT_SHOWN_MS) tellWait(peer, reason, ms);
      },
    },
  );
  /** In the trace it stands beside the call that it kept waiting. */
  function tellWait(name: string, reason: string, ms: number): void {
    const attributes = { [ATTRIBUTES.peerName]: name, [ATTRIBUTES.peerService]: name, [ATTRIBUTES.waitReason]: reason };
    void telemetry.span(SPANS.wait, attributes, () => Promise.resolve(), { at: clock.now() - ms });
  }

  return {
    json: (request) => inOurWords(target, () => jsonOf(client, request, target)),
    bytes: async (request) => {
      const answer = await inOurWords(target, () => client.bytes(callOf(request)));
      return { ...answer, body: bytesInOurWords(target, answer.body) };
    },
  };
}

/** A file may break off long after its beginning was there. */
async function* bytesInOurWords(target: HttpTarget, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (thrown) {
    throw ourWords(target, thrown);
  }
}

async function inSpan<T>(
  call: CallInfo,
  work: (headers: Readonly<Record<string, string>>) => Promise<T>,
  peer: string,
  telemetry: Telemetry,
): Promise<T> {
  // An absolute address (an attachment's) may hold a signature: it is never told.
  const template = /^https?:/u.test(call.template) ? "{address}" : call.template;
  return telemetry.span(
    `${call.method} ${template}`,
    {
      [ATTRIBUTES.httpMethod]: call.method,
      [ATTRIBUTES.urlTemplate]: template,
      [ATTRIBUTES.serverAddress]: call.host,
      [ATTRIBUTES.serverPort]: call.port,
      [ATTRIBUTES.peerName]: peer,
      [ATTRIBUTES.peerService]: peer,
      ...(call.resend > 0 ? { [ATTRIBUTES.httpResend]: call.resend } : {}),
    },
    async (span) => {
      try {
        return await work({ traceparent: `00-${span.traceId}-${span.spanId}-01` });
      } catch (thrown) {
        // Its message may name a host or hold what a product answered; the kind says enough.
        span.fail(thrown instanceof HttpError ? `http-${thrown.kind}` : "aborted");
        throw thrown;
      } finally {
        if (call.status !== null) span.set({ [ATTRIBUTES.httpStatus]: call.status });
        const status = call.status === null ? "error" : `${Math.floor(call.status / 100)}xx`;
        telemetry.count("restorewatch_platform_requests_total", { platform: peer, status });
      }
    },
    { kind: "client" },
  );
}

async function jsonOf<T>(client: HttpClient, request: HttpRequest<T>, target: HttpTarget): Promise<HttpAnswer<T>> {
  const answer = await client.json(callOf(request));
  const parsed = request.schema.safeParse(answer.body);
  if (parsed.success) return { status: answer.status, headers: answer.headers, body: parsed.data };
  // Paths name members of the product's answer, never values.
  const places = [...new Set(parsed.error.issues.map((issue) => issue.path.filter((part) => typeof part === "string").join(".")))];
  throw new AgentError(
    "unsupported",
    "unexpected-answer",
    `${target.peer} answered ${request.method} ${request.path} in a shape this version does not know: ${places.slice(0, 3).join(", ") || "the answer"}.`,
    { mend: "check the product's version against the connector's readme" },
  );
}

function callOf(request: Omit<HttpRequest<unknown>, "schema">): Call {
  return request;
}

const KINDS: Readonly<Record<HttpErrorKind, readonly [ErrorKind, string]>> = {
  refused: ["auth", "token-refused"],
  missing: ["not_found", "not-found"],
  rate: ["rate_limited", "rate-limited"],
  quota: ["rate_limited", "quota-exhausted"],
  budget: ["limit", "budget-spent"],
  server: ["transient", "platform-error"],
  network: ["transient", "not-reachable"],
  tls: ["transient", "tls"],
  timeout: ["transient", "no-answer-in-time"],
  cut: ["transient", "answer-cut-short"],
  "too-large": ["limit", "answer-too-large"],
  shape: ["transient", "unexpected-answer"],
  redirect: ["unsupported", "redirected-elsewhere"],
  plain: ["config", "plain-http"],
  status: ["unsupported", "refused-request"],
};

const MENDS: Readonly<Partial<Record<HttpErrorKind, string>>> = {
  refused: "check the token, its expiry and its permissions",
  quota: "wait for the next billing period or raise the plan; records cannot be read until then",
  budget: "raise budget.apiCalls, or wait until midnight UTC",
  network: "check the address and that the platform runs",
  tls: "check its certificate and the name it is reached by; an authority of your own goes into NODE_EXTRA_CA_CERTS",
  plain: "use https, or set allowPlain: true where the network is trusted",
  redirect: "configure the address it redirects to",
};

async function inOurWords<T>(target: HttpTarget, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw ourWords(target, thrown);
  }
}

function ourWords(target: HttpTarget, thrown: unknown): unknown {
  if (!(thrown instanceof HttpError)) return thrown;
  const [kind, code] = KINDS[thrown.kind];
  const mend = MENDS[thrown.kind];
  return new AgentError(kind, code, `${target.peer}: ${thrown.message}`, { cause: thrown, ...(mend === undefined ? {} : { mend }) });
}
