/** Every route that writes, as the application lists them: none can forget to ask who writes, from where and how often. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { AuthPolicy } from "../../../agent/core/policy.ts";
import { policy } from "../../doubles/policy.ts";
import { world, type World } from "./world.ts";

const OPERATOR = "operator-token-0123456789abcdef";
const VIEWER = "viewer-token-0123456789abcdef00";
const hash = (token: string): string => createHash("sha256").update(token).digest("hex");
const AUTH: AuthPolicy = {
  reading: "open",
  tokens: [
    { name: "ada", role: "operator", sha256: hash(OPERATOR) },
    { name: "vic", role: "viewer", sha256: hash(VIEWER) },
  ],
  proxy: null,
};

const made = (): World => world({ sources: [policy("crm")], auth: () => AUTH });
const routes = [
  ...new Set(
    made()
      .app.routes.filter(({ method }) => !["GET", "HEAD", "OPTIONS", "ALL"].includes(method))
      .map(({ method, path }) => `${method} ${path}`),
  ),
].toSorted();

function write(target: World, route: string, headers: Record<string, string>): Promise<Response> {
  const [method = "", path = ""] = route.split(" ");
  const own = { host: "localhost", "content-type": path.startsWith("/api/") ? "application/json" : "application/x-www-form-urlencoded" };
  const body = path.startsWith("/api/") ? "{}" : "answer=approved";
  return Promise.resolve(target.app.request(path.replace(":id", "crm"), { method, headers: { ...own, ...headers }, body }, {}));
}

test("the routes that write are these; a new one is added here when it is guarded like them", () => {
  expect(routes).toEqual(["POST /api/v1/decisions", "POST /api/v1/runs", "POST /sources/:id/decide"]);
});

test.each(routes)("%s is refused to nobody known, to a viewer, under another name and from elsewhere", async (route) => {
  const target = made();
  const operator = { authorization: `Bearer ${OPERATOR}` };
  expect([401, 403]).toContain((await write(target, route, {})).status);
  expect([401, 403]).toContain((await write(target, route, { authorization: `Bearer ${VIEWER}` })).status);
  expect((await write(target, route, { ...operator, host: "evil.example" })).status).toBe(421);
  expect([401, 403]).toContain((await write(target, route, { ...operator, origin: "https://evil.example" })).status);
  expect(target.decided).toEqual([]);
});

test.each(routes)("%s is not answered without end to who guesses", async (route) => {
  const target = made();
  let status = 0;
  for (let tries = 0; tries < 400 && status !== 429; tries += 1)
    status = (await write(target, route, { authorization: `Bearer guess-${tries}` })).status;
  expect(status).toBe(429);
});
