/** Who may write over HTTP, and from where; what others are told; and that evidence gets no more than was asked. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { AuthPolicy } from "../../../agent/core/policy.ts";
import { decisionSchema } from "../../../agent/http/api/decisions.ts";
import { errorSchema } from "../../../agent/http/api/schemas.ts";
import { createBuckets } from "../../../agent/http/rate.ts";
import { policy } from "../../doubles/policy.ts";
import { someDrill } from "../../doubles/values.ts";
import { facts } from "../../fixtures/checks/build.ts";
import { NOW, type World, world } from "./world.ts";

const OPERATOR = "operator-token-0123456789abcdef";
const VIEWER = "viewer-token-0123456789abcdef00";
const hash = (token: string): string => createHash("sha256").update(token).digest("hex");
const AUTH: AuthPolicy = {
  reading: "open",
  tokens: [
    { name: "ada", role: "operator", sha256: hash(OPERATOR) },
    { name: "vic", role: "viewer", sha256: hash(VIEWER) },
  ],
  proxy: { header: "x-forwarded-user", operators: ["opal"], from: ["10.0.0.9"] },
};
const ORDER = { about: "baseline", source: "crm", answer: "approved", reason: "as agreed" };

const made = (auth: AuthPolicy | null = AUTH): World => world({ sources: [policy("crm")], auth: () => auth });
const basic = (token: string): string => `Basic ${Buffer.from(`anybody:${token}`).toString("base64")}`;
const from = (address: string) => ({ incoming: { socket: { remoteAddress: address } } });

function ask(
  target: World,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
  env: object = {},
): Promise<Response> {
  return Promise.resolve(
    target.app.request(path, { method, headers: { host: "localhost", ...headers }, ...(body === undefined ? {} : { body }) }, env),
  );
}
const decide = (target: World, headers: Record<string, string>, body: unknown = ORDER, env: object = {}): Promise<Response> =>
  ask(
    target,
    "POST",
    "/api/v1/decisions",
    { "content-type": "application/json", ...headers },
    typeof body === "string" ? body : JSON.stringify(body),
    env,
  );

describe("an operator", () => {
  test("decides with a token, by a program or a browser's sign-in", async () => {
    const target = made();
    for (const authorization of [`Bearer ${OPERATOR}`, basic(OPERATOR)]) expect((await decide(target, { authorization })).status).toBe(201);
    const decision = decisionSchema.parse(
      await (await decide(target, { authorization: `Bearer ${OPERATOR}` }, { ...ORDER, subject: "b1" })).json(),
    );
    expect(decision).toMatchObject({ source: "crm", subject: "b1", answer: "approved", via: "api" });
    expect(target.decided.at(-1)).toEqual({
      about: "baseline",
      sourceId: "crm",
      subject: "b1",
      answer: "approved",
      reason: "as agreed",
      actor: "ada",
      via: "api",
    });
  });

  test("is whom a trusted proxy names, and only from the proxy's own address", async () => {
    const target = made();
    expect((await decide(target, { "x-forwarded-user": "opal" }, ORDER, from("10.0.0.9"))).status).toBe(201);
    expect(target.decided[0]?.actor).toBe("proxy opal");
    expect((await decide(target, { "x-forwarded-user": "opal" }, ORDER, from("10.0.0.8"))).status).toBe(401);
    expect((await decide(target, { "x-forwarded-user": "opal" })).status).toBe(401);
    expect((await decide(target, { "x-forwarded-user": "eve" }, ORDER, from("::ffff:10.0.0.9"))).status).toBe(403);
  });
});

describe("refused, and nothing decided:", () => {
  const operator = { authorization: `Bearer ${OPERATOR}` };
  test.each<[string, AuthPolicy | null, Record<string, string>, unknown, number, string]>([
    ["nobody may", null, operator, ORDER, 403, "writing-not-open"],
    ["no token", AUTH, {}, ORDER, 401, "unauthorised"],
    ["another token", AUTH, { authorization: "Bearer nope" }, ORDER, 401, "unauthorised"],
    ["a viewer", AUTH, { authorization: `Bearer ${VIEWER}` }, ORDER, 403, "not-operator"],
    ["a hash for a token", AUTH, { authorization: `Bearer ${hash(OPERATOR)}` }, ORDER, 401, "unauthorised"],
    ["a page of another origin", AUTH, { ...operator, origin: "https://evil.example" }, ORDER, 403, "foreign-origin"],
    ["an origin that is none", AUTH, { ...operator, origin: "null" }, ORDER, 403, "foreign-origin"],
    ["a page of another site", AUTH, { ...operator, "sec-fetch-site": "cross-site" }, ORDER, 403, "foreign-origin"],
    ["a form", AUTH, { ...operator, "content-type": "text/plain" }, "{}", 415, "not-json"],
    ["no JSON", AUTH, operator, "{", 422, "decision-invalid"],
    ["no reason", AUTH, operator, { ...ORDER, reason: "" }, 422, "decision-invalid"],
    ["a field of its own", AUTH, operator, { ...ORDER, actor: "somebody else" }, 422, "decision-invalid"],
    ["too much", AUTH, operator, { ...ORDER, reason: "x".repeat(20_000) }, 413, "too-large"],
  ])("%s", async (_, auth, headers, body, status, code) => {
    const target = made(auth);
    const response = await decide(target, headers, body);
    expect(response.status).toBe(status);
    expect(errorSchema.parse(await response.json()).error.code).toBe(code);
    expect(target.decided).toEqual([]);
    expect(response.headers.get("www-authenticate") !== null).toBe(status === 401);
  });

  test("a name the agent is not known by (DNS rebinding)", async () => {
    const target = made();
    expect((await decide(target, { authorization: `Bearer ${OPERATOR}`, host: "evil.example" })).status).toBe(421);
    expect(target.decided).toEqual([]);
  });

  test("guessing and flooding", async () => {
    const target = made();
    const wrong = { authorization: "Bearer nope" };
    for (let n = 0; n < 20; n += 1) expect((await decide(target, wrong, ORDER, from("10.1.1.1"))).status).toBe(401);
    expect((await decide(target, wrong, ORDER, from("10.1.1.1"))).status).toBe(429);
    expect(
      (await decide(target, { authorization: `Bearer ${OPERATOR}` }, ORDER, from("10.1.1.1"))).status,
      "whoever guesses is not told",
    ).toBe(429);
    expect((await decide(target, { authorization: `Bearer ${OPERATOR}` }, ORDER, from("10.1.1.2"))).status).toBe(201);
    const flooded = made();
    const seen: number[] = [];
    for (let n = 0; n < 31; n += 1) seen.push((await decide(flooded, { authorization: `Bearer ${OPERATOR}` })).status);
    expect(seen.filter((status) => status === 201)).toHaveLength(30);
    expect(seen.at(-1)).toBe(429);
  });
});

describe("the page", () => {
  async function withProposal(auth: AuthPolicy | null): Promise<World> {
    const target = made(auth);
    await target.state.repositories.drills.put(someDrill("d1", { sourceId: "crm", facts: facts() }));
    await target.state.repositories.baselines.put({
      id: "b1",
      sourceId: "crm",
      pointId: "p1",
      drillId: "d1",
      proposedAt: NOW - 1000,
      status: "proposed",
      decidedAt: null,
      facts: facts(),
    });
    return target;
  }
  const opened = async (target: World) => {
    const response = await ask(target, "GET", "/sources/crm");
    const text = await response.text();
    const cookie = (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    return { text, cookie, form: /name="form" value="([0-9a-f]+)"/u.exec(text)?.[1] ?? "", setCookie: response.headers.get("set-cookie") };
  };
  const send = (target: World, cookie: string, fields: Record<string, string>, more: Record<string, string> = {}): Promise<Response> =>
    ask(
      target,
      "POST",
      "/sources/crm/decide",
      { "content-type": "application/x-www-form-urlencoded", authorization: basic(OPERATOR), cookie, ...more },
      new URLSearchParams(fields).toString(),
    );

  test("shows what waits with the command, where nobody may decide over HTTP, and sets no cookie", async () => {
    const { text, form, setCookie } = await opened(await withProposal(null));
    expect(text).toContain("A baseline waits for a decision");
    expect(text).toContain("restorewatch baseline crm --approve");
    expect({ form, setCookie }).toEqual({ form: "", setCookie: null });
  });

  test("its form decides; without its token, with that of another visitor or from elsewhere it does not", async () => {
    const target = await withProposal(AUTH);
    const { cookie, form, setCookie } = await opened(target);
    expect(setCookie).toMatch(/HttpOnly/u);
    expect(setCookie).toMatch(/SameSite=Strict/u);
    const fields = { answer: "approved", subject: "b1", reason: "as agreed" };
    expect((await send(target, cookie, fields)).status).toBe(403);
    expect((await send(target, "", { ...fields, form })).status).toBe(403);
    expect((await send(target, "restorewatch-form=00000000000000000000000000000000", { ...fields, form })).status).toBe(403);
    expect((await send(target, cookie, { ...fields, form }, { origin: "https://evil.example" })).status).toBe(403);
    expect((await send(target, cookie, { ...fields, form, reason: " " })).status).toBe(422);
    expect(target.decided).toEqual([]);
    const done = await send(target, cookie, { ...fields, form });
    expect([done.status, done.headers.get("location")]).toEqual([303, "/sources/crm#baseline"]);
    expect(target.decided).toEqual([
      { about: "baseline", sourceId: "crm", subject: "b1", answer: "approved", reason: "as agreed", actor: "ada", via: "page" },
    ]);
    await send(target, cookie, { form, answer: "expected", subject: "alarm:a77", reason: "a migration" });
    expect(target.decided.at(-1)).toMatchObject({ about: "alarm", subject: "a77", answer: "expected" });
  });
});

test("reading can be for those who are signed in; health is for everybody", async () => {
  const target = made({ ...AUTH, reading: "signed-in" });
  for (const path of ["/", "/metrics", "/api/v1/sources", "/sources/crm"]) {
    expect((await ask(target, "GET", path)).status, path).toBe(401);
    expect((await ask(target, "GET", path, { authorization: `Bearer ${VIEWER}` })).status, path).toBe(200);
  }
  for (const path of ["/healthz", "/readyz"]) expect((await ask(target, "GET", path)).status).toBe(200);
  const open = made();
  expect((await ask(open, "GET", "/")).status).toBe(200);
});

test("a window gives all of them back, and a clock that jumps back locks nobody out", () => {
  let now = 1000;
  const buckets = createBuckets(2, 100, () => now);
  expect([buckets.take("a"), buckets.take("a"), buckets.take("a"), buckets.take("b")]).toEqual([true, true, false, true]);
  expect([buckets.any("a"), buckets.any("b")]).toEqual([false, true]);
  now = 1101;
  expect(buckets.take("a")).toBe(true);
  buckets.take("a");
  now = 500;
  expect(buckets.take("a")).toBe(true);
});
