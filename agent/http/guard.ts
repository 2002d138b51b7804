/** What holds for every answer: only the names we are known by are answered, and a browser loads nothing but our own files. */
import type { MiddlewareHandler } from "hono";
import { Refusal } from "./errors.ts";

const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CSP,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

export function securityHeaders(): MiddlewareHandler {
  return async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.res.headers.set(name, value);
    // Everything but the hashed assets shows the present and may name people's sources.
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
  };
}

/**
 * On a loopback listener, a web page elsewhere could point its own name at 127.0.0.1 and read everything through the visitor's browser.
 * So there only loopback names are answered; on any other address every name is.
 */
export function hostGuard(listenHost: string): MiddlewareHandler {
  const loopback = isLoopback(listenHost);
  return async (c, next) => {
    if (loopback) {
      const name = hostName(c.req.header("host") ?? new URL(c.req.url).host);
      if (name === null || !isLoopback(name))
        throw new Refusal(
          421,
          "unknown-host",
          "This address is answered on 127.0.0.1, ::1 and localhost only. Open it by one of these names.",
        );
    }
    await next();
  };
}

export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/gu, "").toLowerCase();
  return name === "localhost" || name === "::1" || /^127(?:\.\d{1,3}){3}$/u.test(name);
}

/** The host of a Host header without its port; null where it is not one. */
function hostName(header: string): string | null {
  return /^(\[[0-9a-f:.]+\]|[^:[\]\s/@]+)(?::\d{1,5})?$/iu.exec(header)?.[1] ?? null;
}
