/** What telemetry hears of requests to platforms, and the words errors come in. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { AgentError } from "../../../../agent/core/errors.ts";
import type { HttpTarget, HttpTargetClient } from "../../../../agent/core/platform-ports.ts";
import { createHttpFactory } from "../../../../agent/engine/platforms/http.ts";
import { systemClock } from "../../../../agent/kit/clock.ts";
import { memoryTelemetry, type MemoryTelemetry } from "../../../doubles/telemetry.ts";

const signal = new AbortController().signal;
let server: Server;
let dispatcher: Agent;
let telemetry: MemoryTelemetry;
let answer: { status: number; body: string } = { status: 200, body: "{}" };
let traceparent: string | undefined;

beforeEach(async () => {
  telemetry = memoryTelemetry();
  dispatcher = new Agent();
  server = createServer((request, response) => {
    traceparent = request.headers["traceparent"] as string | undefined;
    response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  await dispatcher.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function open(more: Partial<HttpTarget> = {}, granted = true): HttpTargetClient {
  return createHttpFactory({
    clock: systemClock(),
    random: { next: () => 0, bytes: (n) => new Uint8Array(n) },
    telemetry,
    dispatcher,
    budgets: { spend: () => Promise.resolve({ granted, left: granted ? 41 : 0 }) },
  }).open({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    allowPlain: false,
    peer: "nocodb",
    headers: () => Promise.resolve({ "xc-token": "planted-token-0123456789" }),
    limits: { requestsPerSecond: null, burst: 1, concurrency: 2, penaltyMs: 1 },
    budget: null,
    ...more,
  });
}

const get = (client: HttpTargetClient): Promise<unknown> =>
  client.json({ method: "GET", path: "/tables/{id}", parameters: { id: "secret-id" }, schema: z.object({ id: z.string() }), signal });

async function failing(work: Promise<unknown>): Promise<AgentError> {
  const thrown: unknown = await work.catch((error: unknown) => error);
  if (!(thrown instanceof AgentError)) throw new Error("it did not fail with an AgentError");
  return thrown;
}

test("one CLIENT span a request with peer names, template and status, and its context goes out", async () => {
  answer = { status: 200, body: '{"id":"t1"}' };
  await telemetry.span("backup.poll", {}, () => get(open()));
  const span = telemetry.spansNamed("GET /tables/{id}")[0];
  expect(span?.kind).toBe("client");
  expect(span?.attributes).toMatchObject({
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "url.template": "/tables/{id}",
    "service.peer.name": "nocodb",
    "peer.service": "nocodb",
    "server.address": "127.0.0.1",
  });
  expect(span?.parent?.name).toBe("backup.poll");
  expect(traceparent).toBe(`00-${span?.traceId ?? ""}-${span?.spanId ?? ""}-01`);
  expect(telemetry.counted("restorewatch_platform_requests_total", { platform: "nocodb", status: "2xx" })).toBe(1);
  expect(JSON.stringify(telemetry.spans)).not.toMatch(/planted|secret-id/u);
});

test.each([
  [401, "{}", "auth", "token-refused"],
  [404, "{}", "not_found", "not-found"],
  [422, '{"message":"Ada Lovelace"}', "unsupported", "refused-request"],
  [200, "<html>", "transient", "unexpected-answer"],
  [200, '{"id":7}', "unsupported", "unexpected-answer"],
] as const)("%i %s is %s %s, and the answer is not repeated in words", async (status, body, kind, code) => {
  answer = { status, body };
  const error = await failing(get(open({ limits: { requestsPerSecond: null, burst: 1, concurrency: 1, penaltyMs: 1 } })));
  expect(error).toMatchObject({ kind, code });
  expect(`${error.message} ${error.mend ?? ""}`).not.toMatch(/Ada|planted|secret-id/u);
});

test("every attempt is a span of its own, and says which resend it is; the last one has the answer", async () => {
  const statuses = [503, 503, 429];
  const ids: string[] = [];
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    ids.push(String(request.headers["traceparent"]).split("-")[2] ?? "");
    response.writeHead(statuses.shift() ?? 200, { "content-type": "application/json" }).end('{"id":"t1"}');
  });
  await get(open());
  const spans = telemetry.spansNamed("GET /tables/{id}");
  expect(spans.map((span) => span.attributes["http.response.status_code"])).toEqual([503, 503, 429, 200]);
  expect(spans.map((span) => span.attributes["http.request.resend_count"])).toEqual([undefined, 1, 2, 3]);
  expect(spans.map((span) => span.kind)).toEqual(["client", "client", "client", "client"]);
  // Each attempt sends the ids of its own span.
  expect(ids).toEqual(spans.map((span) => span.spanId));
  expect(new Set(ids).size).toBe(4);
  for (const [status, count] of [
    ["2xx", 1],
    ["4xx", 1],
    ["5xx", 2],
  ] as const)
    expect(telemetry.counted("restorewatch_platform_requests_total", { platform: "nocodb", status })).toBe(count);
});

test("a request that may not be repeated is sent once, and has no resend", async () => {
  answer = { status: 503, body: "{}" };
  const client = open();
  const post = client.json({ method: "POST", path: "/tables", body: {}, schema: z.object({ id: z.string() }), signal });
  expect(await failing(post)).toMatchObject({ kind: "transient", code: "platform-error" });
  const spans = telemetry.spansNamed("POST /tables");
  expect(spans.map((span) => span.attributes["http.request.resend_count"])).toEqual([undefined]);
});

test("the error names the member that does not fit", async () => {
  answer = { status: 200, body: '{"id":7}' };
  expect((await failing(get(open()))).message).toContain("id");
});

test("a spent budget is its own condition, and what is left is told", async () => {
  answer = { status: 200, body: '{"id":"t1"}' };
  const budget = { name: "crm", perDay: 42 };
  await get(open({ budget }));
  expect(telemetry.gauge("restorewatch_budget_remaining", { budget: "crm" })).toBe(41);
  expect(await failing(get(open({ budget }, false)))).toMatchObject({ kind: "limit", code: "budget-spent" });
});

test("targets of one host share its limits, unless one has limits of its own: those it has on every host", async () => {
  const factory = createHttpFactory({
    clock: systemClock(),
    random: { next: () => 0, bytes: (n) => new Uint8Array(n) },
    telemetry,
    dispatcher,
    budgets: { spend: () => Promise.resolve({ granted: true, left: 1 }) },
  });
  let [inside, most] = [0, 0];
  const slow = createServer((_, response) => {
    inside += 1;
    most = Math.max(most, inside);
    setTimeout(() => {
      inside -= 1;
      response.end('{"id":"t1"}');
    }, 20);
  });
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  const target = (limitedBy?: string, host = "127.0.0.1"): HttpTargetClient =>
    factory.open({
      baseUrl: `http://${host}:${(slow.address() as AddressInfo).port}`,
      allowPlain: false,
      peer: "nocodb",
      headers: () => Promise.resolve({}),
      limits: { requestsPerSecond: null, burst: 1, concurrency: 1, penaltyMs: 1 },
      budget: null,
      ...(limitedBy === undefined ? {} : { limitedBy }),
    });
  await Promise.all([target(), target(), target()].map(get));
  expect(most).toBe(1);
  // Uploads to one base go to another host, and count for the base all the same.
  await Promise.all([target("base one"), target("base one", "localhost")].map(get));
  expect(most).toBe(1);
  await Promise.all([target(), target(undefined, "localhost")].map(get));
  expect(most).toBe(2);
  most = 0;
  await Promise.all([target("base one"), target("base two")].map(get));
  expect(most).toBe(2);
  slow.closeAllConnections();
  await new Promise((resolve) => slow.close(resolve));
});

test("a file that breaks off in the middle does so in our words", async () => {
  server.removeAllListeners("request");
  server.on("request", (_, response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write("half", () => setTimeout(() => response.destroy(), 20));
  });
  const { body } = await open().bytes({ method: "GET", path: "/file", signal });
  const reading = (async () => {
    for await (const part of body) expect(part.length).toBeGreaterThan(0);
  })();
  expect(await failing(reading)).toMatchObject({ kind: "transient", code: "answer-cut-short" });
});
