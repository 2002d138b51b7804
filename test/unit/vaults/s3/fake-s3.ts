/** An HTTP server that answers as a test tells it, and a vault over it. It looks at no signature. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../../agent/core/ports.ts";
import { systemClock } from "../../../../agent/kit/clock.ts";
import { Secret } from "../../../../agent/kit/secret.ts";
import { type S3VaultConfig, s3VaultSchema } from "../../../../agent/vaults/s3/schema.ts";

export interface Asked {
  readonly method: string;
  /** Key or empty, without the bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface FakeS3 {
  readonly endpoint: string;
  readonly asked: Asked[];
  close(): Promise<void>;
}

export type Answer = (asked: Asked, response: ServerResponse) => void;

export async function fakeS3(answer: Answer): Promise<FakeS3> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("error", () => undefined);
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://x");
      const key = decodeURIComponent(url.pathname.split("/").slice(2).join("/"));
      const one = { method: request.method ?? "", key, query: url.searchParams, headers: request.headers, body: Buffer.concat(parts) };
      // Whether the bucket itself is there; no test is about that.
      if (one.method === "HEAD" && key === "") {
        response.writeHead(200).end();
        return;
      }
      asked.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const KEY = { id: "AKIDEXAMPLE", secret: "very-secret-access-key" };

export function configFor(endpoint: string, more: Partial<S3VaultConfig> = {}, reveal: () => string = () => KEY.id): S3VaultConfig {
  const secret = (value: () => string): Secret =>
    new Secret(
      { env: "KEY" },
      {
        baseDir: "/",
        env: {
          get KEY() {
            return value();
          },
        },
      },
    );
  const parsed = s3VaultSchema.parse({ bucket: "backups", endpoint, accessKeyId: { env: "ID" }, secretAccessKey: { env: "KEY" } });
  return { ...parsed, accessKeyId: secret(reveal), secretAccessKey: secret(() => KEY.secret), ...more };
}

const WAITS: ReadonlySet<number> = new Set([200, 400, 800, 1600, 3200]);

/** Waits between tries, which are these where chance always is 1, are over at once and written down; deadlines are the system's. */
export function hurriedClock(waits: number[] = []): Clock {
  const clock = systemClock();
  return {
    ...clock,
    sleep: async (ms, signal) => {
      if (!WAITS.has(ms)) return clock.sleep(ms, signal);
      waits.push(ms);
      return clock.sleep(0, signal);
    },
  };
}

export const MODIFIED = "2026-11-22T03:00:00";
export const MODIFIED_AT = Date.parse(`${MODIFIED}Z`);
const HTTP_DATE = new Date(MODIFIED_AT).toUTCString();

export function xml(response: ServerResponse, body: string, status = 200): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${body}`);
}

export function refuse(response: ServerResponse, status: number, code: string, more = ""): void {
  xml(
    response,
    `<Error><Code>${code}</Code><Message>SECRET-IN-MESSAGE</Message>${more}<StringToSign>SECRET-STRING</StringToSign></Error>`,
    status,
  );
}

export function listed(keys: readonly { key: string; bytes?: number }[], next: string | null = null, more = ""): string {
  const contents = keys.map(
    ({ key, bytes = 1 }) =>
      `<Contents><Key>${key}</Key><LastModified>${MODIFIED}.789Z</LastModified><ETag>&quot;e&quot;</ETag><Size>${bytes}</Size></Contents>`,
  );
  const truncated = next === null ? "" : `<NextContinuationToken>${next}</NextContinuationToken>`;
  return `<ListBucketResult><Name>backups</Name><IsTruncated>${next !== null}</IsTruncated>${truncated}${more}${contents.join("")}</ListBucketResult>`;
}

export function headersOf(bytes: number): Record<string, string> {
  return { "content-length": String(bytes), "last-modified": HTTP_DATE, etag: '"e"' };
}

/** A part of the bytes, as asked for. */
export function part(asked: Asked, whole: Buffer): { readonly bytes: Buffer; readonly headers: Record<string, string> } {
  const range = /^bytes=(\d+)-(\d+)$/u.exec(String(asked.headers.range));
  const [from, to] = [Number(range?.[1]), Number(range?.[2])];
  const bytes = whole.subarray(from, to + 1);
  return { bytes, headers: { ...headersOf(bytes.length), "content-range": `bytes ${from}-${to}/${whole.length}` } };
}
