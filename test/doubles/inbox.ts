/** Where notifications arrive in tests: webhooks over HTTP, and mail over as much SMTP as a sender needs. */
import { createServer as createHttp } from "node:http";
import { type AddressInfo, createServer as createTcp, type Socket } from "node:net";

export interface Inbox {
  readonly url: string;
  /** HOST:PORT. */
  readonly smtp: string;
  /** JSON bodies by path, oldest first, each with when it came, ms since 1970. */
  readonly posted: readonly { readonly path: string; readonly body: unknown; readonly at: number }[];
  /** Whole messages, oldest first. */
  readonly mails: readonly string[];
  close(): Promise<void>;
}

export async function openInbox(): Promise<Inbox> {
  const posted: { path: string; body: unknown; at: number }[] = [];
  const mails: string[] = [];
  const http = createHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      posted.push({ path: request.url ?? "", body: JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown, at: Date.now() });
      response.end("ok");
    });
  });
  const open = new Set<Socket>();
  const smtp = createTcp((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => undefined);
    converse(socket, (mail) => mails.push(mail));
  });
  await Promise.all([http, smtp].map((server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))));
  const [httpPort, smtpPort] = [http, smtp].map((server) => (server.address() as AddressInfo).port);
  return {
    url: `http://127.0.0.1:${httpPort}`,
    smtp: `127.0.0.1:${smtpPort}`,
    posted,
    mails,
    close: async () => {
      http.closeAllConnections();
      for (const socket of open) socket.destroy();
      await Promise.all([http, smtp].map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    },
  };
}

function converse(socket: Socket, take: (mail: string) => void): void {
  let text = "";
  let body: string[] | null = null;
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  say("220 inbox");
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
      const line = text.slice(0, end);
      text = text.slice(end + 2);
      if (body !== null) {
        if (line !== ".") body.push(line.startsWith("..") ? line.slice(1) : line);
        else {
          take(body.join("\n"));
          body = null;
          say("250 taken");
        }
      } else if (/^DATA/iu.test(line)) {
        body = [];
        say("354 go on");
      } else if (/^QUIT/iu.test(line)) socket.end("221 bye\r\n");
      else say("250 ok");
    }
  });
}
