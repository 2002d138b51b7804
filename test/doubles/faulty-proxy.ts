/** An HTTP proxy in front of a real product, which spoils exactly the answers a test names: 429, 5xx, cut, slow, of wrong length, rewritten. */
import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  /** From 0, counted since the rule was set. */
  readonly at: number;
  readonly method: string;
  /** With its query. */
  readonly url: string;
}

export type Fault =
  /** Answered by the proxy; the product never sees the request. */
  | { readonly kind: "answer"; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Half of the body, then the connection is gone; `announced` says the length of the whole before. */
  | { readonly kind: "cut"; readonly announced: boolean }
  /** One byte each so many milliseconds. */
  | { readonly kind: "drip"; readonly everyMs: number }
  /** Announces so many bytes more than there are. */
  | { readonly kind: "longer"; readonly by: number }
  /** Announces only half of what it then sends. */
  | { readonly kind: "shorter" }
  /** The body as text, changed. */
  | { readonly kind: "edit"; readonly change: (body: string) => string };

/** @returns null where the answer goes through as it is */
export type Rule = (asked: Asked) => Fault | null;

export interface FaultyProxy {
  readonly url: string;
  /** What was asked since the rule was set. */
  readonly asked: readonly Asked[];
  /** How many answers were spoilt since the rule was set. */
  readonly spoilt: () => number;
  set(rule: Rule): void;
  close(): Promise<void>;
}

export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  let rule: Rule = () => null;
  let asked: Asked[] = [];
  let spoilt = 0;
  const server: Server = createServer((request, response) => {
    const one: Asked = { at: asked.length, method: request.method ?? "", url: request.url ?? "" };
    asked.push(one);
    const fault = rule(one);
    if (fault !== null) spoilt += 1;
    if (fault?.kind === "answer") {
      request.resume();
      request.on("end", () => {
        response.writeHead(fault.status, { "content-type": "application/json", ...fault.headers }).end(fault.body ?? "{}");
      });
      return;
    }
    forward(target, request, response, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get asked() {
      return asked;
    },
    spoilt: () => spoilt,
    set: (next) => {
      rule = next;
      asked = [];
      spoilt = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function forward(target: string, request: IncomingMessage, response: ServerResponse, fault: Fault | null): void {
  const { host: _host, "accept-encoding": _encoding, ...headers } = request.headers;
  const onward = ask(`${target}${request.url ?? ""}`, { method: request.method, headers }, (answer) => {
    const parts: Buffer[] = [];
    answer.on("data", (part: Buffer) => parts.push(part));
    answer.on("error", () => response.destroy());
    answer.on("end", () => {
      const { "transfer-encoding": _, connection: _c, "keep-alive": _k, "content-length": _l, ...kept } = answer.headers;
      send(response, answer.statusCode ?? 502, kept, Buffer.concat(parts), fault);
    });
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

function send(response: ServerResponse, status: number, headers: IncomingMessage["headers"], body: Buffer, fault: Fault | null): void {
  const none = status === 204 || status === 304;
  const half = body.subarray(0, Math.floor(body.length / 2));
  const begin = (length: number | null): void => {
    response.writeHead(status, { ...headers, ...(length === null || none ? {} : { "content-length": length }) });
  };
  switch (fault?.kind) {
    case "cut":
      begin(fault.announced ? body.length : null);
      response.write(half, () => setImmediate(() => response.destroy()));
      return;
    case "drip": {
      begin(body.length);
      let at = 0;
      const timer = setInterval(() => {
        if (at < body.length) response.write(body.subarray(at, (at += 1)));
        else response.end();
      }, fault.everyMs);
      response.on("close", () => clearInterval(timer));
      return;
    }
    case "longer":
      begin(body.length + fault.by);
      response.write(body, () => setImmediate(() => response.destroy()));
      return;
    case "shorter":
      begin(half.length);
      response.write(body, () => setImmediate(() => response.destroy()));
      return;
    case "edit": {
      const changed = Buffer.from(fault.change(body.toString("utf8")));
      begin(changed.length);
      response.end(changed);
      return;
    }
    case "answer":
    case undefined:
      begin(body.length);
      response.end(body);
  }
}

/** The longest array anywhere in a JSON text loses its later half; a text without one stays as it is. */
export function halved(text: string): string {
  const parsed = parse(text);
  const longest = arraysIn(parsed).reduce<unknown[]>((most, one) => (one.length > most.length ? one : most), []);
  if (longest.length < 2) return text;
  longest.length = Math.floor(longest.length / 2);
  return JSON.stringify(parsed);
}

/** Every array of a JSON text is empty: what a writer leaves that died early but closed its brackets. */
export function emptied(text: string): string {
  const parsed = parse(text);
  for (const one of arraysIn(parsed)) one.length = 0;
  return JSON.stringify(parsed) ?? text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function arraysIn(value: unknown): unknown[][] {
  if (typeof value !== "object" || value === null) return [];
  return [...(Array.isArray(value) ? [value as unknown[]] : []), ...Object.values(value).flatMap(arraysIn)];
}
