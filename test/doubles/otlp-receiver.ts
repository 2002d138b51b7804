/** An OTLP/HTTP receiver on 127.0.0.1 that keeps what it is sent, and can be in every kind of trouble. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gunzipSync } from "node:zlib";

export type ReceiverMood =
  | { readonly kind: "ok" }
  /** Takes the batch but says that it left some items out. */
  | { readonly kind: "partial"; readonly rejected: number }
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: string }
  /** Takes the connection and never answers. */
  | { readonly kind: "hang" }
  /** Breaks the connection in the middle of the answer. */
  | { readonly kind: "break" };

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

export interface OtlpReceiver {
  readonly endpoint: string;
  /** Every request, whatever was answered. */
  readonly requests: readonly ReceivedRequest[];
  /** Bodies that were taken, whatever stands before `/v1/…` in the path. */
  bodies(signal: "traces" | "metrics" | "logs"): readonly unknown[];
  mood(mood: ReceiverMood): void;
  close(): Promise<void>;
}

const REJECTED = { "/v1/traces": "rejectedSpans", "/v1/metrics": "rejectedDataPoints", "/v1/logs": "rejectedLogRecords" } as const;

export async function otlpReceiver(): Promise<OtlpReceiver> {
  const requests: ReceivedRequest[] = [];
  const taken: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let mood: ReceiverMood = { kind: "ok" };

  const server = createServer((request, response) => {
    void receive(request, response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    bodies: (signal) => taken.filter(({ path }) => path.endsWith(`/v1/${signal}`)).map(({ body }) => body),
    mood: (next) => {
      mood = next;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const path = request.url ?? "";
    const text = (request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw).toString("utf8");
    const received = { path, headers: request.headers, body: JSON.parse(text) as unknown };
    requests.push(received);
    if (mood.kind === "hang") return;
    if (mood.kind === "break") {
      response.writeHead(200, { "content-length": "100" });
      response.write("{", () => request.socket.destroy());
      return;
    }
    if (
      request.method !== "POST" ||
      !/\/v1\/(?:traces|metrics|logs)$/u.test(path) ||
      request.headers["content-type"] !== "application/json"
    ) {
      response.writeHead(404).end();
      return;
    }
    if (mood.kind === "status") {
      response.writeHead(mood.status, mood.retryAfter === undefined ? {} : { "retry-after": mood.retryAfter }).end();
      return;
    }
    taken.push(received);
    const answer = mood.kind === "partial" ? { partialSuccess: { [REJECTED[path as keyof typeof REJECTED]]: String(mood.rejected) } } : {};
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }
}
