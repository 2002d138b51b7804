/** What lies between the HTTP client and a host: certificates, proxies, slow lines, redirects to elsewhere. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import { Agent, type Dispatcher } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import {
  type Call,
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
  systemDispatcher,
} from "../../../../agent/kit/http/client.ts";
import { HttpError } from "../../../../agent/kit/http/errors.ts";
import { fastEnough } from "../../../../agent/kit/http/exchange.ts";
import { systemClock } from "../../../../agent/kit/clock.ts";
import { selfSigned } from "../../../doubles/certificate.ts";

const SECRET = "Bearer planted-secret-0123456789";
const NEVER = new AbortController().signal;
const after: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of after.splice(0).toReversed()) await end();
});

async function listening(made: Server | TlsServer): Promise<number> {
  await new Promise<void>((resolve) => {
    made.listen(0, "127.0.0.1", resolve);
  });
  after.push(() => {
    made.closeAllConnections();
    return new Promise((resolve) => {
      made.close(resolve);
    });
  });
  return (made.address() as AddressInfo).port;
}

function ending<T extends Dispatcher>(dispatcher: T): T {
  after.push(() => dispatcher.destroy());
  return dispatcher;
}

function client(baseUrl: string, dispatcher: Dispatcher, more: Partial<HttpClientOptions> = {}): HttpClient {
  const limits = { requestsPerSecond: null, burst: 1, concurrency: 4, penaltyMs: 10 };
  return createHttpClient(
    { baseUrl, allowPlain: true, secretHeaders: () => Promise.resolve({ "x-api-key": SECRET, authorization: SECRET }), limits, ...more },
    {
      clock: systemClock(),
      random: { next: () => 0 },
      dispatcher,
      around: (_, work) => work({ traceparent: "00-11111111111111111111111111111111-2222222222222222-01" }),
    },
  );
}

async function errorOf(promise: Promise<unknown>): Promise<HttpError> {
  const thrown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof HttpError)) throw new Error("no HttpError was thrown", { cause: thrown });
  return thrown;
}

const get = (path: string): Call => ({ method: "GET", path, signal: NEVER });

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe("TLS", () => {
  test("a certificate that nobody vouches for is refused before anything is sent, and followed where it is trusted", async () => {
    const { key, cert } = selfSigned("127.0.0.1");
    const seen: IncomingMessage["headers"][] = [];
    const port = await listening(
      createTlsServer({ key, cert }, (request, response) => {
        seen.push(request.headers);
        response.end("{}");
      }),
    );
    const far = `https://127.0.0.1:${port}`;
    const refused = await errorOf(client(far, ending(systemDispatcher({}))).json(get("/")));
    expect([refused.kind, refused.message]).toEqual(["tls", "Its certificate is not to be believed (DEPTH_ZERO_SELF_SIGNED_CERT)."]);
    expect(seen).toEqual([]);
    expect((await client(far, ending(new Agent({ connect: { ca: cert } }))).json(get("/"))).status).toBe(200);
    expect(seen[0]?.["authorization"]).toBe(SECRET);
  });

  test("a certificate of another host is refused, whoever vouches for it", async () => {
    const { key, cert } = selfSigned("other.example");
    const port = await listening(createTlsServer({ key, cert }, (_, response) => void response.end("{}")));
    const refused = await errorOf(client(`https://127.0.0.1:${port}`, ending(new Agent({ connect: { ca: cert } }))).json(get("/")));
    expect([refused.kind, refused.message]).toEqual(["tls", "Its certificate is not to be believed (ERR_TLS_CERT_ALTNAME_INVALID)."]);
  });
});

describe("a proxy of the environment", () => {
  /** Tunnels to `to`, whatever name is asked for. */
  async function tunnelling(to: () => number): Promise<{ readonly address: string; readonly asked: string[] }> {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(502).end();
    });
    const sockets = new Set<Socket>();
    proxy.on("connect", (request: IncomingMessage, socket: Socket) => {
      asked.push(`CONNECT ${request.url} ${JSON.stringify(request.headers).includes("planted") ? "with our secret" : "bare"}`);
      const far = createConnection(to(), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(far).pipe(socket);
      });
      for (const one of [socket, far]) sockets.add(one.on("error", () => one.destroy()));
    });
    const port = await listening(proxy);
    after.push(async () => {
      for (const socket of sockets) socket.destroy();
    });
    return { address: `http://127.0.0.1:${port}`, asked };
  }

  test("HTTPS_PROXY is asked to connect, and neither sees our secret nor vouches for the host", async () => {
    const { key, cert } = selfSigned("airtable.invalid");
    let reached = 0;
    const port = await listening(
      createTlsServer({ key, cert }, (_, response) => {
        reached += 1;
        response.end("{}");
      }),
    );
    const proxy = await tunnelling(() => port);
    for (const name of ["HTTPS_PROXY", "https_proxy"]) {
      proxy.asked.length = 0;
      const through = ending(systemDispatcher({ [name]: proxy.address }));
      const refused = await errorOf(client("https://airtable.invalid", through).json({ ...get("/"), method: "POST" }));
      expect([refused.kind, refused.message]).toEqual(["tls", "Its certificate is not to be believed (DEPTH_ZERO_SELF_SIGNED_CERT)."]);
      expect(proxy.asked).toEqual(["CONNECT airtable.invalid:443 bare"]);
    }
    expect(reached).toBe(0);
  });

  test("NO_PROXY goes straight, by name and by domain; others still go through it", async () => {
    const port = await listening(createServer((_, response) => void response.end("{}")));
    const proxy = await tunnelling(() => port);
    const env = { HTTP_PROXY: proxy.address, NO_PROXY: "localhost,.inside.invalid" };
    const through = ending(systemDispatcher(env));
    expect((await client(`http://localhost:${port}`, through).json(get("/"))).status).toBe(200);
    expect((await errorOf(client("http://db.inside.invalid", through).json({ ...get("/"), method: "POST" }))).kind).toBe("network");
    expect(proxy.asked).toEqual([]);
    expect((await client("http://outside.invalid", through).json(get("/"))).status).toBe(200);
    expect(proxy.asked).toEqual(["CONNECT outside.invalid:80 bare"]);
  });
});

describe("a file that trickles", () => {
  test("is given up over a real line, and the connection closed", async () => {
    let closed = false;
    const port = await listening(
      createServer((_, response) => {
        response.writeHead(200, { "content-length": "1000000" });
        const dripping = setInterval(() => response.write("x"), 10);
        response.on("close", () => {
          closed = true;
          clearInterval(dripping);
        });
      }),
    );
    const far = client(`http://127.0.0.1:${port}`, ending(new Agent()), { timeoutMs: 100 });
    const { body } = await far.bytes(get("/file"));
    const given = await errorOf(textOf(body));
    expect([given.kind, given.message]).toEqual(["timeout", expect.stringMatching(/^It sent \d+ bytes of a file in \d+ seconds\.$/u)]);
    await expect.poll(() => closed).toBe(true);
  });

  test("is not one where whoever reads takes his time", async () => {
    async function* quick(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 3; n += 1) yield Buffer.from("x");
    }
    let got = 0;
    for await (const part of fastEnough(quick(), 20)) {
      got += part.length;
      await systemClock().sleep(30);
    }
    expect(got).toBe(3);
  });
});

describe("redirects to another host", () => {
  async function redirecting(code: number) {
    const seen: { readonly at: string; readonly headers: IncomingMessage["headers"] }[] = [];
    const noting =
      (at: string, listener: RequestListener): RequestListener =>
      (request, response) => {
        seen.push({ at, headers: request.headers });
        listener(request, response);
      };
    const other = await listening(createServer(noting("other", (_, response) => void response.end("bytes"))));
    const location = `http://127.0.0.1:${other}/file?signature=1`;
    const port = await listening(createServer(noting("own", (_, response) => void response.writeHead(code, { location }).end())));
    return { seen, far: client(`http://127.0.0.1:${port}`, ending(new Agent())) };
  }

  test.each([301, 302, 303, 307, 308])("%i: refused where credentials would go along, and nobody else hears of it", async (code) => {
    const { seen, far } = await redirecting(code);
    for (const call of [get("/"), { ...get("/"), method: "POST", body: { a: 1 } }]) {
      seen.length = 0;
      const refused = await errorOf(far.json(call));
      expect([refused.kind, refused.message]).toEqual(["redirect", "It redirects to another host, which is not followed."]);
      expect(seen.map((one) => one.at)).toEqual(["own"]);
    }
  });

  test.each([302, 307])("%i: a file is followed without our headers and without the ids of our trace", async (code) => {
    const { seen, far } = await redirecting(code);
    const { body } = await far.bytes(get("/file"));
    expect(await textOf(body)).toBe("bytes");
    expect(seen.map((one) => one.at)).toEqual(["own", "other"]);
    expect(seen[0]?.headers).toMatchObject({ authorization: SECRET, "x-api-key": SECRET, traceparent: expect.any(String) });
    expect(JSON.stringify(seen[1]?.headers)).not.toMatch(/planted|traceparent|authorization|x-api-key/u);
  });
});
