/** An S3 server that is reached through a proxy alone. */
import { createServer, request, type Server } from "node:http";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:https";
import { afterAll, beforeAll, expect, it } from "vitest";
import { selfSigned } from "../../doubles/certificate.ts";
import { type S3Server, startS3 } from "../../servers/versitygw.ts";
import { clientOf, newBucket, putInto, type sdk, vaultOn } from "./harness.ts";

const signal = new AbortController().signal;
let server: S3Server;
let client: sdk.S3Client;
let bucket = "";
let proxy: Server;
let asked: string[] = [];
let tunnelTo = 0;
const sockets = new Set<Socket>();
const address = (of: Server): string => `http://127.0.0.1:${(of.address() as AddressInfo).port}`;

beforeAll(async () => {
  server = await startS3();
  client = clientOf(server);
  bucket = await newBucket(client);
  await putInto(server, client, bucket)("crm/today.json", "hello");
  const { port } = new URL(server.endpoint);
  proxy = createServer((from, to) => {
    asked.push(`${from.method} ${from.url}`);
    // To the one server there is, whatever name it was asked by; the signature is over that name.
    const { pathname, search } = new URL(from.url ?? "/");
    const onward = request(
      { host: "127.0.0.1", port, method: from.method, path: `${pathname}${search}`, headers: from.headers },
      (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(to);
      },
    );
    from.pipe(onward);
  });
  proxy.on("connect", (from, socket: Socket) => {
    asked.push(`CONNECT ${from.url}`);
    const far = createConnection(tunnelTo, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(far).pipe(socket);
    });
    for (const one of [socket, far]) sockets.add(one.on("error", () => one.destroy()));
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, "127.0.0.1", resolve);
  });
});
afterAll(async () => {
  client.destroy();
  for (const socket of sockets) socket.destroy();
  proxy.closeAllConnections();
  proxy.close();
  await server.stop();
});

it("is read through HTTP_PROXY by a name that only the proxy knows; NO_PROXY goes straight", async () => {
  asked = [];
  const far = { endpoint: "http://s3.nowhere.invalid", allowPlain: true };
  const { entries } = await vaultOn(server, bucket, far, { env: { HTTP_PROXY: address(proxy) } }).list("crm", { pattern: "*", signal });
  expect(entries.map((entry) => entry.path)).toEqual(["crm/today.json"]);
  expect(asked.length).toBeGreaterThan(0);
  expect(
    asked.every((line) => line.startsWith("GET http://s3.nowhere.invalid/") || line.startsWith("HEAD http://s3.nowhere.invalid/")),
  ).toBe(true);
  asked = [];
  const straight = { env: { HTTP_PROXY: address(proxy), NO_PROXY: "127.0.0.1" } };
  expect((await vaultOn(server, bucket, {}, straight).stat("crm/today.json", signal)).bytes).toBe(5);
  expect(asked).toEqual([]);
});

it("goes by CONNECT where it is https, and refuses a certificate that nobody vouches for", async () => {
  asked = [];
  const { key, cert } = selfSigned("s3.nowhere.invalid");
  let reached = 0;
  const wrong = createTlsServer({ key, cert }, (_, response) => {
    reached += 1;
    response.end();
  });
  await new Promise<void>((resolve) => {
    wrong.listen(0, "127.0.0.1", resolve);
  });
  tunnelTo = (wrong.address() as AddressInfo).port;
  try {
    const vault = vaultOn(server, bucket, { endpoint: "https://s3.nowhere.invalid" }, { env: { HTTPS_PROXY: address(proxy) } });
    await expect(vault.list("crm", { pattern: "*", signal })).rejects.toMatchObject({ kind: "transient", code: "tls" });
    expect(asked).toEqual(["CONNECT s3.nowhere.invalid:443"]);
    expect(reached).toBe(0);
  } finally {
    wrong.closeAllConnections();
    wrong.close();
  }
});

it("says so where the proxy cannot be used, and asks nobody", async () => {
  asked = [];
  const vault = vaultOn(server, bucket, { endpoint: "https://s3.nowhere.invalid" }, { env: { HTTPS_PROXY: "socks5://127.0.0.1:1" } });
  await expect(vault.list("crm", { pattern: "*", signal })).rejects.toMatchObject({ kind: "config", code: "proxy" });
  expect(asked).toEqual([]);
});
