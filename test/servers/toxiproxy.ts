/** Toxiproxy: a line of TCP that is slow, thin, cut or dead, as a network is. */
import { tmpdir } from "node:os";
import { goTool } from "./go-tools.ts";
import { answers, freePort, startServer } from "./process.ts";

/** Of what goes from the server to us, unless `upstream`. Attributes as toxiproxy names them: rate in KB/s, times in ms. */
export interface Toxic {
  readonly type: "latency" | "bandwidth" | "slow_close" | "timeout" | "reset_peer" | "slicer" | "limit_data";
  readonly attributes: Readonly<Record<string, number>>;
  readonly upstream?: true;
}

export interface ToxicLine {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** In place of those before; connections that are open get them too. */
  set(toxics: readonly Toxic[]): Promise<void>;
  /** False: nobody listens there any more, and open connections are closed. */
  enable(enabled: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** @param target `http://HOST:PORT` */
export async function startToxicLine(target: string): Promise<ToxicLine> {
  const [program, control, port] = [await goTool("toxiproxy"), await freePort(), await freePort()];
  const api = `http://127.0.0.1:${control}`;
  const running = await startServer({
    name: "toxiproxy",
    command: program,
    args: ["-host", "127.0.0.1", "-port", String(control)],
    cwd: tmpdir(),
    env: {},
    ready: () => answers(`${api}/version`),
  });
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(api + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 300)}`);
    return text === "" ? null : (JSON.parse(text) as unknown);
  };
  await call("POST", "/proxies", { name: "line", listen: `127.0.0.1:${port}`, upstream: new URL(target).host, enabled: true });
  return {
    url: `http://127.0.0.1:${port}`,
    set: async (toxics) => {
      for (const { name } of (await call("GET", "/proxies/line/toxics")) as { name: string }[])
        await call("DELETE", `/proxies/line/toxics/${name}`);
      for (const { upstream, ...toxic } of toxics)
        await call("POST", "/proxies/line/toxics", { ...toxic, stream: upstream === true ? "upstream" : "downstream", toxicity: 1 });
    },
    enable: async (enabled) => {
      await call("POST", "/proxies/line", { enabled });
    },
    stop: () => running.stop(),
  };
}
