import { describe, expect, test } from "vitest";
import { AgentError } from "../../../agent/core/errors.ts";
import { errorSchema, runAcceptedSchema } from "../../../agent/http/api/schemas.ts";
import { policy } from "../../doubles/policy.ts";
import { TOKEN, type World, world } from "./world.ts";

const REPORT = { source: "crm", started: "2026-02-20T02:00:00Z", finished: "2026-02-20T02:00:41Z", outcome: "success", bytes: 463_872 };

function post(target: World, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return Promise.resolve(
    target.app.request("/api/v1/runs", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}`, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );
}

function crm(more: Parameters<typeof world>[0] = {}): World {
  return world({ sources: [policy("crm")], ...more });
}

test("a report with the token is recorded", async () => {
  const target = crm();
  const response = await post(target, REPORT);
  expect(response.status).toBe(201);
  const accepted = runAcceptedSchema.parse(await response.json());
  expect(accepted).toMatchObject({ source: "crm", outcome: "success", finishedAt: "2026-02-20T02:00:41.000Z" });
  expect(target.submitted).toEqual([expect.objectContaining({ id: accepted.id, sourceId: "crm", bytes: 463_872, via: "api" })]);
});

describe("refused, and nothing recorded:", () => {
  const big = JSON.stringify({ ...REPORT, message: "x".repeat(70_000) });
  test.each<[string, unknown, Record<string, string>, number, string, RegExp]>([
    ["no token", REPORT, { authorization: "" }, 401, "unauthorised", /http\.runs\.token/u],
    ["another token", REPORT, { authorization: "Bearer nope" }, 401, "unauthorised", /http\.runs\.token/u],
    ["the token's beginning", REPORT, { authorization: `Bearer ${TOKEN.slice(0, -1)}` }, 401, "unauthorised", /token/u],
    ["another scheme", REPORT, { authorization: `Basic ${TOKEN}` }, 401, "unauthorised", /Bearer/u],
    ["a bad body with a bad token", "{", { authorization: "Bearer nope" }, 401, "unauthorised", /token/u],
    ["no JSON", "{", {}, 400, "not-json", /not valid JSON/u],
    ["a form", "source=crm", { "content-type": "application/x-www-form-urlencoded" }, 415, "not-json", /application\/json/u],
    ["more than 64 KiB", big, {}, 413, "too-large", /64 KiB/u],
    ["a missing field", { source: "crm", outcome: "success" }, {}, 422, "run-report-invalid", /finished/u],
    ["a field of its own", { ...REPORT, colour: "red" }, {}, 422, "run-report-invalid", /colour/u],
    ["two wrong fields", { ...REPORT, bytes: -1, outcome: "great" }, {}, 422, "run-report-invalid", /outcome.*bytes|bytes.*outcome/u],
    ["the future", { ...REPORT, finished: "2027-01-01T00:00:00Z" }, {}, 422, "run-report-invalid", /future/u],
    ["a source that is not configured", { ...REPORT, source: "other" }, {}, 422, "unknown-source", /not configured/u],
    ["no source", { ...REPORT, source: undefined }, {}, 422, "run-report-invalid", /names no source/u],
  ])("%s", async (_, body, headers, status, code, message) => {
    const target = crm();
    const response = await post(target, body, headers);
    expect(response.status).toBe(status);
    const { error } = errorSchema.parse(await response.json());
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain(TOKEN);
    expect(target.submitted).toEqual([]);
  });

  test("a body whose length is not announced", async () => {
    const target = crm();
    const chunk = new TextEncoder().encode(" ".repeat(40_000));
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(chunk);
        controller.enqueue(chunk);
        controller.close();
      },
    });
    const response = await target.app.request("/api/v1/runs", {
      method: "POST",
      body,
      duplex: "half",
      headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}`, "transfer-encoding": "chunked" },
    });
    expect(response.status).toBe(413);
    expect(target.submitted).toEqual([]);
  });

  test("everything, while no token is configured, with the mend", async () => {
    const target = crm({ runsToken: null });
    const response = await post(target, REPORT);
    expect(response.status).toBe(403);
    expect(errorSchema.parse(await response.json()).error.message).toContain("http.runs.token");
    expect(target.submitted).toEqual([]);
  });

  test("everything, while the configured token is empty", async () => {
    const target = crm({ runsToken: { reveal: () => Promise.resolve("") } });
    expect((await post(target, REPORT, { authorization: "Bearer " })).status).toBe(401);
  });

  test("everything, while the token cannot be read: our trouble, in the log", async () => {
    const failure = new AgentError("auth", "no-permission", "/run/secrets/token may not be read");
    const target = crm({ runsToken: { reveal: () => Promise.reject(failure) } });
    const response = await post(target, REPORT);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("/run/secrets");
    expect(target.errors).toEqual([failure]);
  });
});

test("a refused token says how to ask", async () => {
  const response = await post(crm(), REPORT, { authorization: "" });
  expect(response.headers.get("www-authenticate")).toBe('Bearer realm="restorewatch"');
});
