/** A line of TCP to a server that is cut as a test wants it. */
import { createServer, connect, type AddressInfo, type Socket } from "node:net";

export interface BadLine {
  readonly endpoint: string;
  /** How many connections were cut. */
  readonly cuts: () => number;
  close(): Promise<void>;
}

/**
 * @param down bytes from the server after which the connection is cut, for the connection of that number from 0; infinite is never
 * @param up the same for bytes to the server
 */
export async function badLine(
  target: string,
  down: (connection: number) => number,
  up: (connection: number) => number = () => Infinity,
): Promise<BadLine> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let [count, cuts] = [0, 0];
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const number = count++;
    const cut = (): void => {
      if (near.destroyed) return;
      cuts += 1;
      near.resetAndDestroy();
      far.destroy();
    };
    for (const [from, to, limit] of [
      [far, near, down(number)],
      [near, far, up(number)],
    ] as const) {
      let seen = 0;
      open.add(from);
      from.on("error", () => undefined);
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
      from.on("data", (bytes: Buffer) => {
        seen += bytes.length;
        if (seen <= limit) to.write(bytes);
        else to.write(bytes.subarray(0, Math.max(0, bytes.length - (seen - limit))), cut);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
