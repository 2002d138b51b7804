/** Puts an app on a port. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { AgentError } from "../core/errors.ts";

export interface Served {
  readonly url: string;
  readonly port: number;
  /** Lets requests under way finish for up to two seconds, then cuts them. Idempotent. */
  readonly close: () => Promise<void>;
}

const GRACE_MS = 2000;

/**
 * @param address port 0 takes any free one
 * @throws AgentError `config` when the address cannot be had
 */
export async function serve(
  app: { fetch(request: Request, env?: unknown): Response | Promise<Response> },
  address: { readonly host: string; readonly port: number },
): Promise<Served> {
  const listener = getRequestListener((request, env) => app.fetch(request, env), { overrideGlobalObjects: false });
  const server = createServer({ maxHeaderSize: 16_384, requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    void listener(request, response);
  });
  server.listen(address.port, address.host);
  try {
    await once(server, "listening");
  } catch (error) {
    const taken = (error as { code?: unknown }).code === "EADDRINUSE";
    throw new AgentError(
      "config",
      "cannot-listen",
      `Cannot listen on ${address.host}:${address.port}${taken ? ": the port is taken" : ""}.`,
      {
        cause: error,
        mend: "set another http.listen, or stop what holds the port",
      },
    );
  }
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  let closing: Promise<void> | null = null;
  return {
    url: `http://${host}:${port}`,
    port,
    close: () => {
      closing ??= closeServer(server);
      return closing;
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  // A connection that was busy turns idle when its answer is out; nothing else would end it before the cut.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  try {
    await closed;
  } finally {
    clearTimeout(cut);
    clearInterval(idle);
  }
}
