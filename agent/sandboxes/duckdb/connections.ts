/** Connections to one database, each for one statement at a time: an interrupt must reach the statement it was meant for. */
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { asSandboxError } from "./trouble.ts";

export interface ConnectionPool {
  /** Waits for a connection that nobody uses. What `work` throws comes out as it is. */
  use<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  /** Resolves when no connection is used. */
  idle(): Promise<void>;
  /** Only when idle. */
  close(): void;
}

/** Up to `size` connections, the first of them given; all are as locked as it is. */
export function connectionPool(instance: DuckDBInstance, first: DuckDBConnection, size: number): ConnectionPool {
  const free = [first];
  const waiting: ((connection: DuckDBConnection) => void)[] = [];
  const running = new Set<Promise<unknown>>();
  let opened = 1;

  const open = async (): Promise<DuckDBConnection> => {
    opened += 1;
    try {
      return await instance.connect();
    } catch (thrown) {
      opened -= 1;
      throw asSandboxError(thrown);
    }
  };
  const take = async (): Promise<DuckDBConnection> => {
    const ready = free.pop();
    if (ready !== undefined) return ready;
    return opened < size ? open() : new Promise((resolve) => waiting.push(resolve));
  };
  const give = (connection: DuckDBConnection): void => {
    const next = waiting.shift();
    if (next === undefined) free.push(connection);
    else next(connection);
  };
  const inTurn = async <T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> => {
    const connection = await take();
    try {
      return await work(connection);
    } finally {
      give(connection);
    }
  };

  return {
    use(work) {
      const turn = inTurn(work);
      const settled: Promise<unknown> = turn.catch(() => undefined).finally(() => running.delete(settled));
      running.add(settled);
      return turn;
    },
    async idle() {
      await Promise.all(running);
    },
    close() {
      for (const connection of free.splice(0)) connection.closeSync();
    },
  };
}
