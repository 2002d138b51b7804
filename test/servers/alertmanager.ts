/** A real Alertmanager on loopback, alone: no cluster. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { goTool } from "./go-tools.ts";
import { answers, freePort, type Running, startServer } from "./process.ts";

export interface PostedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt?: string;
  readonly endsAt?: string;
}

export interface RunningAlertmanager extends Running {
  readonly url: string;
  /** HOST:PORT. */
  readonly address: string;
  post(alerts: readonly PostedAlert[]): Promise<void>;
  /** What it knows, with why it is quiet about it. */
  alerts(): Promise<readonly { readonly labels: Readonly<Record<string, string>>; readonly status: { readonly state: string } }[]>;
}

/** @throws Error with the end of what it said where it does not start */
export async function startAlertmanager(options: {
  readonly config: string;
  readonly home: string;
  readonly port?: number;
}): Promise<RunningAlertmanager> {
  const address = `127.0.0.1:${options.port ?? (await freePort())}`;
  const url = `http://${address}`;
  await mkdir(options.home, { recursive: true });
  await writeFile(join(options.home, "alertmanager.yml"), options.config);
  const running = await startServer({
    name: "alertmanager",
    command: await goTool("alertmanager"),
    args: [
      `--config.file=${join(options.home, "alertmanager.yml")}`,
      `--storage.path=${join(options.home, "data")}`,
      `--web.listen-address=${address}`,
      "--cluster.listen-address=",
    ],
    cwd: options.home,
    env: {},
    ready: () => answers(`${url}/-/ready`),
  });
  return {
    ...running,
    url,
    address,
    post: async (alerts) => {
      const answer = await fetch(`${url}/api/v2/alerts`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(alerts),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    alerts: async () => (await (await fetch(`${url}/api/v2/alerts`)).json()) as Awaited<ReturnType<RunningAlertmanager["alerts"]>>,
  };
}
