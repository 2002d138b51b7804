/** The HTTP client against a real server on this machine, with a clock that tests move. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
  retryAfter,
  systemDispatcher,
} from "../../../../agent/kit/http/client.ts";
import { HttpError } from "../../../../agent/kit/http/errors.ts";
import { fakeClock } from "../../../doubles/clock.ts";

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;
const SECRET = "Bearer planted-secret-0123456789";
const NEVER = new AbortController().signal;

let server: Server;
let base = "";
let handle: Handler;
let seen: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[] = [];
let dispatcher: Agent;
const clock = fakeClock();
const waits: { reason: string; ms: number }[] = [];
const calls: { template: string; status: number | null; resend: number }[] = [];

beforeEach(async () => {
  seen = [];
  waits.length = 0;
  calls.length = 0;
  dispatcher = new Agent();
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("latin1")));
    request.on("end", () => {
      seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
      handle(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await dispatcher.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function client(more: Partial<HttpClientOptions> = {}): HttpClient {
  return createHttpClient(
    {
      baseUrl: base,
      allowPlain: false,
      secretHeaders: () => Promise.resolve({ authorization: SECRET }),
      limits: { requestsPerSecond: null, burst: 1, concurrency: 4, penaltyMs: 30_000 },
      ...more,
    },
    {
      clock,
      random: { next: () => 0.5 },
      dispatcher,
      around: async (call, work) => {
        try {
          return await work({ traceparent: "00-1-2-01" });
        } finally {
          calls.push({ template: call.template, status: call.status, resend: call.resend });
        }
      },
      waited: (reason, ms) => waits.push({ reason, ms }),
    },
  );
}

/** Lets time pass until the promise is settled. */
async function passing<T>(promise: Promise<T>, stepMs = 1000): Promise<T> {
  const state = { done: false };
  const settled = promise.finally(() => {
    state.done = true;
  });
  settled.catch(() => undefined);
  for (let steps = 0; !state.done && steps < 10_000; steps += 1) {
    // Only when nothing but the clock is waited for does time go on.
    if (clock.sleepers > 0) await clock.advance(stepMs);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  return settled;
}

const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Handler =>
  (_, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };

async function kindOf(promise: Promise<unknown>): Promise<string> {
  const thrown: unknown = await promise.then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );
  if (thrown instanceof HttpError) {
    expect(thrown.message).not.toContain("planted");
    return thrown.kind;
  }
  return thrown instanceof Error ? thrown.name : String(thrown);
}

describe("what is sent", () => {
  test("places are filled and encoded, telemetry sees the template, our headers and traceparent go out", async () => {
    handle = answer(200, { ok: true });
    const { body } = await client().json({
      method: "GET",
      path: "/items/{collection}",
      parameters: { collection: "a b/ü" },
      query: { limit: 5, "fields[]": ["x", "y"], none: undefined },
      signal: NEVER,
    });
    expect(body).toEqual({ ok: true });
    expect(seen[0]?.url).toBe("/items/a%20b%2F%C3%BC?limit=5&fields%5B%5D=x&fields%5B%5D=y");
    expect(seen[0]?.headers).toMatchObject({ authorization: SECRET, traceparent: "00-1-2-01" });
    expect(calls).toEqual([{ template: "/items/{collection}", status: 200, resend: 0 }]);
  });

  test("a base address with a path keeps it", async () => {
    handle = answer(200, null);
    await client({ baseUrl: `${base}/red` }).json({ method: "GET", path: "/flows", signal: NEVER });
    expect(seen[0]?.url).toBe("/red/flows");
  });

  test("JSON and forms", async () => {
    handle = answer(200, null);
    const form = new FormData();
    form.append("file", new File(["content"], "a.txt", { type: "text/plain" }));
    await client().json({ method: "POST", path: "/one", body: { a: 1 }, signal: NEVER });
    await client().json({ method: "POST", path: "/two", body: form, signal: NEVER });
    expect(seen[0]).toMatchObject({ body: '{"a":1}' });
    expect(seen[1]?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/u);
    expect(seen[1]?.body).toContain('filename="a.txt"');
  });

  test("plain http to another machine is refused before anything is sent", async () => {
    const far = client({ baseUrl: "http://backup.example.org" });
    expect(await kindOf(far.json({ method: "GET", path: "/", signal: NEVER }))).toBe("plain");
  });
});

describe("what comes back", () => {
  test("digits are kept", async () => {
    handle = answer(200, '{"big":9007199254740993,"small":12,"dec":12345678901234567.89,"neg":-9007199254740993,"half":0.5}');
    const { body } = await client().json({ method: "GET", path: "/", signal: NEVER });
    expect(body).toEqual({ big: "9007199254740993", small: 12, dec: "12345678901234567.89", neg: "-9007199254740993", half: 0.5 });
  });

  test.each([
    ["an HTML page", answer(200, "<html>login</html>", { "content-type": "text/html" }), "shape"],
    ["401", answer(401, {}), "refused"],
    ["403", answer(403, {}), "refused"],
    ["404", answer(404, {}), "missing"],
    ["422", answer(422, { error: "ERR" }), "status"],
    ["an answer too large", answer(200, JSON.stringify("x".repeat(5000))), "too-large"],
  ] as [string, Handler, string][])("%s", async (_, handler, kind) => {
    handle = handler;
    expect(await kindOf(client().json({ method: "GET", path: "/", maxBytes: 1000, signal: NEVER }))).toBe(kind);
    expect(seen).toHaveLength(1);
  });

  test("an empty answer is null, an accepted refusal is an answer", async () => {
    handle = answer(204, "");
    expect((await client().json({ method: "GET", path: "/", signal: NEVER })).body).toBeNull();
    handle = answer(404, { gone: true });
    expect(await client().json({ method: "GET", path: "/", accept: [404], signal: NEVER })).toMatchObject({
      status: 404,
      body: { gone: true },
    });
  });

  test("an answer that breaks off is never taken for a whole one", async () => {
    handle = (_, response) => {
      response.writeHead(200, { "content-length": "1000", "content-type": "application/json" });
      response.write('{"a":1}');
      setImmediate(() => response.destroy());
    };
    expect(await kindOf(passing(client().json({ method: "GET", path: "/", signal: NEVER })))).toBe("cut");
    expect(seen).toHaveLength(5);
  });
});

describe("again", () => {
  test("a read is repeated on 5xx with growing jitter, and told", async () => {
    let left = 2;
    handle = (request, response, body) => (left-- > 0 ? answer(503, {}) : answer(200, { ok: 1 }))(request, response, body);
    const { body } = await passing(client().json({ method: "GET", path: "/", signal: NEVER }));
    expect(body).toEqual({ ok: 1 });
    expect(waits).toEqual([
      { reason: "retry", ms: 250 },
      { reason: "retry", ms: 500 },
    ]);
    expect(calls.map((call) => call.resend)).toEqual([0, 1, 2]);
  });

  test("a write is not repeated on 5xx, a repeatable one is", async () => {
    handle = answer(500, {});
    expect(await kindOf(client().json({ method: "POST", path: "/", body: {}, signal: NEVER }))).toBe("server");
    expect(seen).toHaveLength(1);
    expect(await kindOf(passing(client().json({ method: "POST", path: "/", body: {}, repeatable: true, signal: NEVER })))).toBe("server");
    expect(seen).toHaveLength(6);
  });

  test("429 waits as long as it is told, for writes too, and everybody waits", async () => {
    let left = 1;
    handle = (request, response, body) =>
      (left-- > 0 ? answer(429, {}, { "retry-after": "7" }) : answer(200, { ok: 1 }))(request, response, body);
    const from = clock.monotonic();
    await passing(client().json({ method: "POST", path: "/", body: {}, signal: NEVER }));
    expect(clock.monotonic() - from).toBeGreaterThanOrEqual(7000);
    expect(waits.map((wait) => wait.reason)).toEqual(["rate_limit"]);
  });

  test("429 without Retry-After waits the penalty", async () => {
    let left = 1;
    handle = (request, response, body) => (left-- > 0 ? answer(429, {}) : answer(200, {}))(request, response, body);
    const from = clock.monotonic();
    await passing(client().json({ method: "GET", path: "/", signal: NEVER }));
    expect(clock.monotonic() - from).toBeGreaterThanOrEqual(30_000);
  });

  test("a quota is not waited for", async () => {
    handle = answer(429, { errors: [{ error: "PUBLIC_API_BILLING_LIMIT_EXCEEDED" }] });
    const limited = client({ isQuota: (status, body) => status === 429 && body.includes("BILLING_LIMIT") });
    expect(await kindOf(limited.json({ method: "GET", path: "/", signal: NEVER }))).toBe("quota");
    expect(seen).toHaveLength(1);
  });

  test("a spent budget sends nothing", async () => {
    handle = answer(200, {});
    let left = 1;
    const poor = client({ spend: () => Promise.resolve(left-- > 0) });
    await poor.json({ method: "GET", path: "/", signal: NEVER });
    expect(await kindOf(poor.json({ method: "GET", path: "/", signal: NEVER }))).toBe("budget");
    expect(seen).toHaveLength(1);
  });

  test("Retry-After by seconds and by date", () => {
    const now = Date.UTC(2026, 0, 1);
    expect(retryAfter("5", now)).toBe(5000);
    expect(retryAfter("Thu, 01 Jan 2026 00:00:09 GMT", now)).toBe(9000);
    expect(retryAfter("soon", now)).toBeNull();
    expect(retryAfter(undefined, now)).toBeNull();
  });
});

describe("limits", () => {
  test("so many a second", async () => {
    handle = answer(200, {});
    const from = clock.monotonic();
    const slow = client({ limits: { requestsPerSecond: 5, burst: 1, concurrency: 10, penaltyMs: 0 } });
    await passing(Promise.all(Array.from({ length: 11 }, () => slow.json({ method: "GET", path: "/", signal: NEVER }))), 50);
    expect(clock.monotonic() - from).toBeGreaterThanOrEqual(2000);
    expect(clock.monotonic() - from).toBeLessThan(2600);
  });

  test("so many at once", async () => {
    let inside = 0;
    let most = 0;
    handle = (_, response) => {
      inside += 1;
      most = Math.max(most, inside);
      setImmediate(() => {
        inside -= 1;
        response.end("{}");
      });
    };
    const narrow = client({ limits: { requestsPerSecond: null, burst: 1, concurrency: 3, penaltyMs: 0 } });
    await Promise.all(Array.from({ length: 30 }, () => narrow.json({ method: "GET", path: "/", signal: NEVER })));
    expect(most).toBeLessThanOrEqual(3);
    expect(seen).toHaveLength(30);
  });

  test("whoever waits in the queue can give up", async () => {
    handle = () => undefined;
    const narrow = client({ limits: { requestsPerSecond: null, burst: 1, concurrency: 1, penaltyMs: 0 } });
    const first = new AbortController();
    const second = new AbortController();
    const one = narrow.json({ method: "GET", path: "/", signal: first.signal });
    const two = narrow.json({ method: "GET", path: "/", signal: second.signal });
    second.abort();
    expect(await kindOf(two)).toBe("AbortError");
    first.abort();
    expect(await kindOf(one)).toBe("AbortError");
  });
});

describe("redirects", () => {
  test("to another host: refused for JSON, followed without our headers for files", async () => {
    const other = createServer((request, response) => {
      seen.push({ method: "other", url: request.url ?? "", headers: request.headers, body: "" });
      response.end("bytes");
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/file`;
    handle = (_, response) => response.writeHead(302, { location: elsewhere }).end();
    expect(await kindOf(client().json({ method: "GET", path: "/", signal: NEVER }))).toBe("redirect");
    const { body } = await client().bytes({ method: "GET", path: "/", signal: NEVER });
    let text = "";
    for await (const part of body) text += Buffer.from(part).toString();
    expect(text).toBe("bytes");
    const asked = seen.find((one) => one.method === "other");
    expect(asked?.headers["authorization"]).toBeUndefined();
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  });

  test("on the same host, followed for reads and never for writes; a circle ends", async () => {
    handle = (request, response, body) =>
      request.url === "/new" ? answer(200, { here: 1 })(request, response, body) : void response.writeHead(307, { location: "/new" }).end();
    expect((await client().json({ method: "GET", path: "/old", signal: NEVER })).body).toEqual({ here: 1 });
    expect(await kindOf(client().json({ method: "POST", path: "/old", body: {}, signal: NEVER }))).toBe("redirect");
    handle = (_, response) => void response.writeHead(302, { location: "/old" }).end();
    expect(await kindOf(client().json({ method: "GET", path: "/old", signal: NEVER }))).toBe("redirect");
  });
});

test("a connection that cannot be made is `network`, a server that is silent `timeout`", async () => {
  handle = () => undefined;
  expect(await kindOf(passing(client().json({ method: "POST", path: "/", body: {}, timeoutMs: 50, signal: NEVER })))).toBe("timeout");
  const nobody = client({ baseUrl: "http://127.0.0.1:1" });
  expect(await kindOf(passing(nobody.json({ method: "GET", path: "/", signal: NEVER })))).toBe("network");
});

test("a proxy of the environment is asked instead of the host, but not for this machine", async () => {
  let connects = 0;
  const proxy = createServer();
  proxy.on("connect", (request, socket) => {
    connects += request.url === "nowhere.invalid:80" ? 1 : 0;
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  proxy.on("request", (request, response) => {
    connects += request.url?.startsWith("http://nowhere.invalid/") === true ? 1 : 0;
    response.writeHead(502).end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const through = systemDispatcher({ HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` });
  const before = dispatcher;
  dispatcher = through as Agent;
  handle = answer(200, { ok: true });
  const far = client({ baseUrl: "http://nowhere.invalid", allowPlain: true });
  expect(await kindOf(far.json({ method: "POST", path: "/", body: {}, signal: NEVER }))).toMatch(/^(?:network|server)$/u);
  expect(connects).toBe(1);
  expect((await client().json({ method: "GET", path: "/", signal: NEVER })).body).toEqual({ ok: true });
  expect(connects).toBe(1);
  await through.destroy();
  dispatcher = before;
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
});
