/** One request, one answer: address, deadline, size, redirects. No retry and no waiting here. */
import type { Readable } from "node:stream";
import { type Dispatcher, type FormData, request } from "undici";
import { HttpError } from "./errors.ts";

const MAX_REDIRECTS = 5;
/** Headers that prove who we are, by any name a product uses: everything the target added. */
export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent only to `origin`. */
  readonly secretHeaders: Readonly<Record<string, string>>;
  readonly origin: string;
  readonly body: string | Uint8Array | FormData | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** A file: a redirect to another host is followed without our secrets, and `timeoutMs` is for its beginning and for every pause in it. */
  readonly elsewhere: boolean;
}

export interface Incoming {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

/** @throws HttpError `network`, `tls`, `timeout`, `redirect`; an AbortError when `signal` was aborted */
export async function exchange(dispatcher: Dispatcher, outgoing: Outgoing): Promise<Incoming> {
  let url = outgoing.url;
  for (let hop = 0; ; hop += 1) {
    const answer = await once(dispatcher, outgoing, url);
    const location = answer.headers["location"];
    if (answer.status < 300 || answer.status > 399 || answer.status === 304 || location === undefined) return answer;
    abandon(answer.body);
    const next = URL.canParse(location, url.href) ? new URL(location, url) : null;
    const same = next?.origin === outgoing.origin;
    const safe = outgoing.method === "GET" || outgoing.method === "HEAD";
    if (next === null || !safe || hop === MAX_REDIRECTS || (!same && !outgoing.elsewhere) || !/^https?:$/u.test(next.protocol))
      throw new HttpError("redirect", `It redirects ${same ? "in a circle" : "to another host"}, which is not followed.`, {
        status: answer.status,
      });
    url = next;
  }
}

async function once(dispatcher: Dispatcher, outgoing: Outgoing, url: URL): Promise<Incoming> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new DOMException("It took too long.", "TimeoutError")), outgoing.timeoutMs);
  timer.unref();
  try {
    const { statusCode, headers, body } = await request(url.href, {
      dispatcher,
      method: outgoing.method,
      headers: { ...outgoing.headers, ...(url.origin === outgoing.origin ? outgoing.secretHeaders : {}) },
      body: outgoing.body,
      signal: AbortSignal.any([outgoing.signal, deadline.signal]),
      headersTimeout: outgoing.timeoutMs,
      bodyTimeout: outgoing.timeoutMs,
    });
    if (outgoing.elsewhere) clearTimeout(timer);
    else body.once("close", () => clearTimeout(timer));
    return { status: statusCode, headers: flat(headers), body };
  } catch (thrown) {
    clearTimeout(timer);
    throw trouble(thrown, outgoing.signal);
  }
}

/** Leaves the rest unread; that the library calls this an error concerns nobody. */
function abandon(body: Readable): void {
  if (body.destroyed) return;
  body.on("error", () => undefined);
  body.destroy();
}

const TLS = /^(?:CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/u;

/** What a broken connection means; `thrown` as it is where the caller itself gave up. */
export function trouble(thrown: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || thrown instanceof HttpError) return thrown;
  const code = codeOf(thrown);
  if ((thrown as { name?: unknown } | null)?.name === "TimeoutError" || /TIMEOUT|ETIMEDOUT/u.test(code))
    return new HttpError("timeout", "It did not answer in time.", { cause: thrown });
  if (/CONTENT_LENGTH|RES_EXCEEDED/u.test(code)) return new HttpError("cut", "The answer is not as long as it said.", { cause: thrown });
  if (TLS.test(code)) return new HttpError("tls", `Its certificate is not to be believed (${code}).`, { cause: thrown });
  return new HttpError("network", `The connection failed${code === "" ? "" : ` (${code})`}.`, { cause: thrown });
}

function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code ?? (thrown as { cause?: { code?: unknown } } | null)?.cause?.code;
  return typeof code === "string" ? code : "";
}

function flat(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (value === undefined) return [];
      return [[name.toLowerCase(), typeof value === "string" ? value : value.join(", ")]];
    }),
  );
}

/**
 * @returns all bytes of the body
 * @throws HttpError `too-large` beyond `maxBytes`, `cut` where the connection ended early
 */
export async function readAll(answer: Incoming, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of limited(answer, maxBytes, signal)) parts.push(part);
  return Buffer.concat(parts);
}

/** The body as it comes, counted against its announced length and our limit. */
export async function* limited(answer: Incoming, maxBytes: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const said = answer.headers["content-encoding"] === undefined ? Number(answer.headers["content-length"] ?? Number.NaN) : Number.NaN;
  let got = 0;
  try {
    for await (const part of answer.body as AsyncIterable<Uint8Array>) {
      got += part.length;
      if (got > maxBytes) throw new HttpError("too-large", `The answer is larger than ${maxBytes} bytes.`, { status: answer.status });
      yield part;
    }
  } catch (thrown) {
    const error = trouble(thrown, signal);
    throw error instanceof HttpError && error.kind === "network" ? new HttpError("cut", "The answer broke off.", { cause: thrown }) : error;
  } finally {
    abandon(answer.body);
  }
  if (Number.isFinite(said) && said !== got)
    throw new HttpError("cut", `The answer has ${got} bytes and announced ${said}.`, { status: answer.status });
}

/** A file may take as long as it is large, but not trickle for ever. */
const LEAST_BYTES_A_SECOND = 1024;

/** @throws HttpError `timeout` where less than a thousand bytes a second came, looked at from `graceMs` on */
export async function* fastEnough(body: AsyncIterable<Uint8Array>, graceMs: number): AsyncIterable<Uint8Array> {
  let waitedMs = 0;
  let got = 0;
  let from = performance.now();
  for await (const part of body) {
    // Only what we waited for it: whoever reads may take his time.
    waitedMs += performance.now() - from;
    got += part.length;
    if (waitedMs > graceMs && got < (waitedMs / 1000) * LEAST_BYTES_A_SECOND)
      throw new HttpError("timeout", `It sent ${got} bytes of a file in ${Math.round(waitedMs / 1000)} seconds.`);
    yield part;
    from = performance.now();
  }
}
