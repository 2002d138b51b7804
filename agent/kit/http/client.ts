/**
 * The one HTTP client: limits, budget, waiting, retries, redirects and sizes of one host, over undici. It knows no domain word; what it
 * does is told through hooks, and errors are HttpError.
 */
import { Agent, type Dispatcher, EnvHttpProxyAgent, FormData as SentForm } from "undici";
import { HttpError } from "./errors.ts";
import { exchange, fastEnough, type Incoming, limited, readAll, trouble } from "./exchange.ts";
import { parseExactJson } from "./json.ts";
import { createLimiter, type Limiter, type LimiterClock, type Limits } from "./limiter.ts";

export interface HttpClientOptions {
  readonly baseUrl: string;
  /** Plain http to another machine is refused without it. */
  readonly allowPlain: boolean;
  readonly secretHeaders: () => Promise<Readonly<Record<string, string>>>;
  readonly limits: Limits & { readonly penaltyMs: number };
  readonly isQuota?: (status: number, body: string) => boolean;
  /** Called before each request; false: the budget is spent. */
  readonly spend?: () => Promise<boolean>;
  /** Shared by all clients of one host; without it this one counts alone. */
  readonly limiter?: Limiter;
  /** For calls that name none of their own; default 60 s. */
  readonly timeoutMs?: number;
}

export interface HttpWorld {
  readonly clock: LimiterClock & { now(): number };
  readonly random: { next(): number };
  readonly dispatcher: Dispatcher;
  /** Wraps every attempt's whole call; gets what telemetry shows and answers with headers to add (`traceparent`). */
  readonly around?: <T>(call: CallInfo, work: (headers: Readonly<Record<string, string>>) => Promise<T>) => Promise<T>;
  readonly waited?: (reason: "rate_limit" | "retry", ms: number) => void;
}

export interface CallInfo {
  readonly method: string;
  readonly template: string;
  readonly host: string;
  readonly port: number;
  readonly resend: number;
  /** Filled when the answer is there. */
  status: number | null;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly parameters?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly repeatable?: boolean;
  readonly accept?: readonly number[];
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

export interface Answer<T> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: T;
}

const MAX_ATTEMPTS = 5;
const BASE_MS = 500;
const MOST_MS = 30_000;
/** A host that asks to wait longer is left alone until the next poll. */
const LONGEST_WAIT_MS = 120_000;
const MAX_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

/** Connections of the process; a proxy is taken from HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
export function systemDispatcher(env: Readonly<Record<string, string | undefined>>): Dispatcher {
  const pick = (name: string): string | undefined => env[name.toLowerCase()] ?? env[name];
  const httpProxy = pick("HTTP_PROXY");
  const httpsProxy = pick("HTTPS_PROXY");
  if (httpProxy === undefined && httpsProxy === undefined) return new Agent({ allowH2: false });
  return new EnvHttpProxyAgent({
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
    noProxy: pick("NO_PROXY") ?? "127.0.0.1,localhost,::1",
  });
}

export interface HttpClient {
  /** JSON parsed with exact numbers; an empty body is null. */
  json(call: Call): Promise<Answer<unknown>>;
  bytes(call: Call): Promise<Answer<AsyncIterable<Uint8Array>>>;
}

export function createHttpClient(options: HttpClientOptions, world: HttpWorld): HttpClient {
  const base = new URL(options.baseUrl.endsWith("/") ? options.baseUrl : `${options.baseUrl}/`);
  const limiter = options.limiter ?? createLimiter(options.limits, world.clock);
  const timeoutOf = (call: Call): number => call.timeoutMs ?? options.timeoutMs ?? TIMEOUT_MS;
  const refusePlain = base.protocol === "http:" && !options.allowPlain && !isLoopback(base.hostname);

  async function go<T>(call: Call, elsewhere: boolean, take: (answer: Incoming) => Promise<T>): Promise<Answer<T>> {
    if (refusePlain) throw new HttpError("plain", "It is plain http to another machine, where anybody on the way could read the token.");
    const repeatable = call.repeatable ?? (call.method === "GET" || call.method === "SEARCH");
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await attemptOnce(call, elsewhere, take, attempt);
      } catch (thrown) {
        if (!(thrown instanceof HttpError) || call.signal.aborted) throw thrown;
        const again = thrown.kind === "rate" || (repeatable && ["server", "network", "timeout", "cut"].includes(thrown.kind));
        if (!again || attempt + 1 >= MAX_ATTEMPTS) throw thrown;
        const asked = thrown instanceof WaitError ? thrown.waitMs : null;
        if (asked !== null && asked > LONGEST_WAIT_MS) throw thrown;
        if (thrown.kind === "rate") {
          // Everybody waits: a host that limits one request limits the next one too. The limiter counts the time.
          limiter.pause(asked ?? options.limits.penaltyMs);
        } else {
          const wait = asked ?? world.random.next() * Math.min(MOST_MS, BASE_MS * 2 ** attempt);
          await world.clock.sleep(wait, call.signal);
          world.waited?.("retry", wait);
        }
      }
    }
  }

  async function attemptOnce<T>(
    call: Call,
    elsewhere: boolean,
    take: (answer: Incoming) => Promise<T>,
    resend: number,
  ): Promise<Answer<T>> {
    const url = addressOf(base, call);
    // Before a place is taken: a login that these headers wait for needs one itself.
    const secretHeaders = url.origin === base.origin ? await options.secretHeaders() : {};
    const { leave, waitedMs } = await limiter.enter(call.signal);
    if (waitedMs > 0) world.waited?.("rate_limit", waitedMs);
    try {
      if (options.spend !== undefined && !(await options.spend())) throw new HttpError("budget", "The request budget of the day is spent.");
      const info: CallInfo = {
        method: call.method,
        template: call.path,
        host: url.hostname,
        port: Number(url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port),
        resend,
        status: null,
      };
      const work = async (more: Readonly<Record<string, string>>): Promise<Answer<T>> => {
        const { body, headers } = encode(call.body);
        const answer = await exchange(world.dispatcher, {
          method: call.method,
          url,
          origin: base.origin,
          headers: { ...headers, ...call.headers },
          // Ids of our traces concern no other host either.
          secretHeaders: { ...more, ...secretHeaders },
          body,
          timeoutMs: timeoutOf(call),
          signal: call.signal,
          elsewhere,
        });
        info.status = answer.status;
        if ((answer.status < 200 || answer.status > 299) && call.accept?.includes(answer.status) !== true)
          throw await refusal(answer, options, world, call.signal);
        return { status: answer.status, headers: answer.headers, body: await take(answer) };
      };
      return await (world.around === undefined ? work({}) : world.around(info, work));
    } catch (thrown) {
      throw trouble(thrown, call.signal);
    } finally {
      leave();
    }
  }

  return {
    json: (call) => go(call, false, async (answer) => parseBody(await readAll(answer, call.maxBytes ?? MAX_BYTES, call.signal), answer)),
    bytes: (call) =>
      go(call, true, (answer) => Promise.resolve(fastEnough(limited(answer, call.maxBytes ?? MAX_BYTES, call.signal), timeoutOf(call)))),
  };
}

/** A refusal that says how long to wait. */
class WaitError extends HttpError {
  readonly waitMs: number;
  constructor(kind: "rate" | "server", message: string, waitMs: number, options: { status: number; body: string }) {
    super(kind, message, options);
    this.waitMs = waitMs;
  }
}

async function refusal(
  answer: Incoming,
  options: Pick<HttpClientOptions, "isQuota">,
  world: Pick<HttpWorld, "clock">,
  signal: AbortSignal,
): Promise<HttpError> {
  const { status } = answer;
  const bytes = await readAll(answer, 64 * 1024, signal).catch((thrown: unknown) => {
    if (signal.aborted) throw thrown;
    return new Uint8Array();
  });
  const body = new TextDecoder().decode(bytes);
  const told = { status, body };
  if (status === 429 && options.isQuota?.(status, body) === true) return new HttpError("quota", "Its quota is used up.", told);
  const wait = retryAfter(answer.headers["retry-after"], world.clock.now());
  if (status === 429 || status === 529) {
    return wait === null
      ? new HttpError("rate", "It limits our requests.", told)
      : new WaitError("rate", "It limits our requests.", wait, told);
  }
  if (status >= 500) {
    const message = `It answered ${status}.`;
    return wait === null ? new HttpError("server", message, told) : new WaitError("server", message, wait, told);
  }
  if (status === 401 || status === 403) return new HttpError("refused", `It refused us (${status}).`, told);
  if (status === 404 || status === 410) return new HttpError("missing", `It does not have that (${status}).`, told);
  return new HttpError("status", `It answered ${status}.`, told);
}

/** @returns milliseconds to wait, by seconds or by a date; null where it is neither */
export function retryAfter(value: string | undefined, now: number): number | null {
  if (value === undefined) return null;
  if (/^\s*\d+(\.\d+)?\s*$/u.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

function parseBody(bytes: Uint8Array, answer: Incoming): unknown {
  if (bytes.length === 0) return null;
  try {
    return parseExactJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (thrown) {
    const type = (answer.headers["content-type"] ?? "no content type").split(";")[0] ?? "";
    throw new HttpError("shape", `It answered ${type}, not JSON.`, { status: answer.status, cause: thrown });
  }
}

function addressOf(base: URL, call: Call): URL {
  if (/^https?:\/\//u.test(call.path)) return new URL(call.path);
  const filled = call.path.replace(/\{(\w+)\}/gu, (_, name: string) => {
    const value = call.parameters?.[name];
    if (value === undefined) throw new HttpError("shape", `The address ${call.path} lacks ${name}.`);
    return encodeURIComponent(String(value));
  });
  const url = new URL(filled.replace(/^\//u, ""), base);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value === undefined) continue;
    if (typeof value === "object") for (const one of value) url.searchParams.append(name, one);
    else url.searchParams.set(name, String(value));
  }
  return url;
}

function encode(body: unknown): { body: string | Uint8Array | SentForm | null; headers: Record<string, string> } {
  if (body === undefined) return { body: null, headers: {} };
  if (body instanceof FormData) {
    // The library knows only forms of its own class.
    const form = new SentForm();
    for (const [name, value] of body) {
      if (typeof value === "string") form.append(name, value);
      else form.append(name, value, value.name);
    }
    return { body: form, headers: {} };
  }
  if (body instanceof Uint8Array) return { body, headers: { "content-type": "application/octet-stream" } };
  return { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || /^127\.\d+\.\d+\.\d+$/u.test(hostname) || hostname === "[::1]";
}
