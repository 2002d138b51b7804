/**
 * Who may write, and who may read where reading is closed: holders of a token whose hash is configured, or people a trusted proxy names.
 * Writing from a browser needs our own page as well: Host, Origin and a token that only that page and a strict cookie hold together.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { AuthPolicy, AuthRole } from "../core/policy.ts";
import { isLoopback } from "./guard.ts";
import { Refusal } from "./errors.ts";
import { createBuckets } from "./rate.ts";

export interface Actor {
  readonly name: string;
  readonly role: AuthRole;
}

export interface AuthDeps {
  /** Null: nobody may write over HTTP, and everybody who reaches it may read. */
  readonly auth: () => AuthPolicy | null;
  /** Address listened on. */
  readonly host: string;
  readonly now: () => number;
  readonly randomHex: (bytes: number) => string;
}

export interface Auth {
  /** Lets only those through who may read, where the configuration says so. */
  readonly reading: MiddlewareHandler;
  /** @throws Refusal 401, 403 or 429 where the request may not write */
  requireOperator(c: Context): Actor;
  /** @throws Refusal 401 or 403 where the request may not see people's data: nobody signs in here and it can come from elsewhere, or not an operator */
  requireValues(c: Context): void;
  /** Who was let through by `requireOperator` of this request. */
  actor(c: Context): Actor;
  /** Null where nobody may write over HTTP: pages then show the command instead of a form. */
  formToken(c: Context): string | null;
  /** @throws Refusal 403 where the form was not sent by a page of ours */
  requireForm(c: Context, token: unknown): void;
}

const COOKIE = "restorewatch-form";
const MINUTE = 60_000;
/** Attempts with a wrong token a minute from one address, and writes a minute by one person. */
const ATTEMPTS = 20;
const WRITES = 30;
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
/** What watches the agent itself has no business with its data, and must work while nobody can sign in. */
const ALWAYS_OPEN = new Set(["/healthz", "/readyz"]);

export function createAuth(deps: AuthDeps): Auth {
  const attempts = createBuckets(ATTEMPTS, MINUTE, deps.now);
  const writes = createBuckets(WRITES, MINUTE, deps.now);
  const key = deps.randomHex(32);
  const admitted = new WeakMap<Context, Actor>();

  function actorOf(c: Context, policy: AuthPolicy): Actor | null {
    const given = credential(c);
    if (given !== null) {
      const hash = createHash("sha256").update(given).digest();
      let found: Actor | null = null;
      // All of them, whichever it is: time tells nothing.
      for (const { name, role, sha256 } of policy.tokens) if (timingSafeEqual(hash, Buffer.from(sha256, "hex"))) found = { name, role };
      return found;
    }
    const { proxy } = policy;
    if (proxy === null || !proxy.from.includes(remoteOf(c))) return null;
    const name = c.req.header(proxy.header)?.trim() ?? "";
    if (name === "") return null;
    return { name: `proxy ${name.slice(0, 150)}`, role: proxy.operators.includes(name) ? "operator" : "viewer" };
  }

  function signedIn(c: Context, policy: AuthPolicy): Actor {
    const from = remoteOf(c);
    if (!attempts.any(from)) throw new Refusal(429, "too-many-attempts", "Too many wrong tokens came from this address. Wait a minute.");
    const actor = actorOf(c, policy);
    if (actor !== null) return actor;
    if (c.req.header("authorization") !== undefined) attempts.take(from);
    c.header("www-authenticate", 'Basic realm="restorewatch", charset="UTF-8"');
    throw new Refusal(401, "unauthorised", "Sign in with any name and a token of http.auth, or send it as `Authorization: Bearer …`.");
  }

  return {
    reading: async (c, next) => {
      const policy = deps.auth();
      if (policy?.reading === "signed-in" && SAFE.has(c.req.method) && !ALWAYS_OPEN.has(c.req.path)) signedIn(c, policy);
      await next();
    },
    requireOperator(c) {
      const policy = deps.auth();
      if (policy === null)
        throw new Refusal(
          403,
          "writing-not-open",
          "Nobody may decide over HTTP: set http.auth, or decide on the command line of the agent's machine.",
        );
      requireSameOrigin(c);
      const actor = signedIn(c, policy);
      if (actor.role !== "operator") throw new Refusal(403, "not-operator", "This needs the role operator.");
      if (!writes.take(actor.name)) throw new Refusal(429, "too-many-writes", "That was too much at once. Wait a minute.");
      admitted.set(c, actor);
      return actor;
    },
    requireValues(c) {
      const policy = deps.auth();
      if (policy === null) {
        if (isLoopback(deps.host)) return;
        throw new Refusal(
          403,
          "values-are-local",
          "Values of records are shown on the agent's own machine only: use restorewatch diff there, or set http.auth.",
        );
      }
      if (signedIn(c, policy).role !== "operator") throw new Refusal(403, "not-operator", "This needs the role operator.");
    },
    actor(c) {
      const actor = admitted.get(c);
      if (actor === undefined) throw new Error("asked before anybody was let through");
      return actor;
    },
    formToken(c) {
      if (deps.auth() === null) return null;
      let cookie = getCookie(c, COOKIE);
      if (cookie === undefined || !/^[0-9a-f]{32}$/u.test(cookie)) {
        cookie = deps.randomHex(16);
        setCookie(c, COOKIE, cookie, { httpOnly: true, sameSite: "Strict", path: "/", secure: new URL(c.req.url).protocol === "https:" });
      }
      return sealOf(key, cookie);
    },
    requireForm(c, token) {
      const cookie = getCookie(c, COOKIE) ?? "";
      const wanted = Buffer.from(sealOf(key, cookie));
      const given = Buffer.from(typeof token === "string" ? token : "");
      if (cookie === "" || given.length !== wanted.length || !timingSafeEqual(given, wanted))
        throw new Refusal(403, "not-our-form", "This form is too old or was not sent by this page. Load the page again and decide there.");
    },
  };
}

function sealOf(key: string, cookie: string): string {
  return createHmac("sha256", key).update(cookie).digest("hex");
}

/** The token, from a program (Bearer) or a browser that asked for a name and a password (Basic). */
function credential(c: Context): string | null {
  const [scheme, value] = (c.req.header("authorization") ?? "").split(/ +/u);
  if (value === undefined) return null;
  if (/^bearer$/iu.test(scheme ?? "")) return value;
  if (!/^basic$/iu.test(scheme ?? "")) return null;
  const clear = Buffer.from(value, "base64").toString("utf8");
  return clear.slice(clear.indexOf(":") + 1);
}

/** Address of the other end of the connection; never what a header says. */
export function remoteOf(c: Context): string {
  const env = c.env as { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } } } | undefined;
  return (env?.incoming?.socket?.remoteAddress ?? "unknown").replace(/^::ffff:/u, "");
}

/** A browser says where a page comes from that makes it write; a program says nothing. */
function requireSameOrigin(c: Context): void {
  const origin = c.req.header("origin");
  const site = c.req.header("sec-fetch-site");
  const host = c.req.header("host") ?? new URL(c.req.url).host;
  const foreign = (origin !== undefined && hostOf(origin) !== host) || (site !== undefined && site !== "same-origin" && site !== "none");
  if (foreign) throw new Refusal(403, "foreign-origin", "A page of another origin may not write here.");
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}
