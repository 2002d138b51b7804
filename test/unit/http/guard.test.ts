import { describe, expect, test } from "vitest";
import { isLoopback, SECURITY_HEADERS } from "../../../agent/http/guard.ts";
import { fiveWorld, world } from "./world.ts";

test.each([
  "/",
  "/sources/broken",
  "/drills/drill-broken-45",
  "/checks",
  "/nope",
  "/metrics",
  "/api/v1/sources",
  "/api/v1/nope",
  "/healthz",
  "/readyz",
])("%s carries the security headers and is not stored", async (path) => {
  const { app } = await fiveWorld();
  const response = await app.request(path, { headers: { accept: "text/html" } });
  expect(Object.fromEntries(response.headers)).toMatchObject(SECURITY_HEADERS);
  expect(response.headers.get("cache-control")).toBe("no-store");
});

test("the policy allows our own files and nothing inline", () => {
  const csp = SECURITY_HEADERS["content-security-policy"] ?? "";
  expect(csp).toContain("default-src 'none'");
  expect(csp).not.toMatch(/unsafe|https?:|data:|\*/u);
});

describe("on a loopback address", () => {
  test.each([
    ["127.0.0.1:9464", 200],
    ["localhost", 200],
    ["LOCALHOST:1", 200],
    ["[::1]:9464", 200],
    ["127.9.9.9", 200],
    ["evil.example", 421],
    ["127.0.0.1.evil.example", 421],
    ["localhost.evil.example:9464", 421],
    ["192.168.1.4:9464", 421],
    ["user@localhost", 421],
    ["localhost:9464:1", 421],
    ["[::1", 421],
  ])("the name %s is answered with %d", async (host, status) => {
    const { app } = world();
    expect((await app.request("/healthz", { headers: { host } })).status).toBe(status);
    expect((await app.request("/metrics", { headers: { host } })).status).toBe(status);
  });
});

test("on any other address every name is answered", async () => {
  const { app } = world({ host: "0.0.0.0" });
  expect((await app.request("/healthz", { headers: { host: "restorewatch.example" } })).status).toBe(200);
});

test("loopback is told apart from what looks like it", () => {
  expect(["127.0.0.1", "::1", "[::1]", "localhost"].every(isLoopback)).toBe(true);
  expect(["0.0.0.0", "::", "127.example", "10.0.0.1"].some(isLoopback)).toBe(false);
});

test("health, readiness and metrics", async () => {
  const fine = world().app;
  expect(await (await fine.request("/healthz")).json()).toEqual({ status: "ok" });
  expect(await (await fine.request("/readyz")).json()).toEqual({ ready: true, problems: [] });
  const metrics = await fine.request("/metrics");
  expect(metrics.headers.get("content-type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  expect(await metrics.text()).toBe("# EOF\n");
  const ill = world({ readiness: () => ({ ready: false, problems: ["The state database is read-only."] }) }).app;
  const response = await ill.request("/readyz");
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ ready: false, problems: ["The state database is read-only."] });
  expect((await ill.request("/healthz")).status).toBe(200);
});

test.each(["/", "/metrics", "/api/v1/sources", "/sources/nobody"])("HEAD %s answers like GET without a body", async (path) => {
  const { app } = await fiveWorld();
  const [get, head] = [await app.request(path), await app.request(path, { method: "HEAD" })];
  expect(head.status).toBe(get.status);
  expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
  expect(await head.text()).toBe("");
});
