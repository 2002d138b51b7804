import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Served, serve } from "../../../agent/http/serve.ts";
import { fiveWorld } from "./world.ts";

const open: Served[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function served(app: Parameters<typeof serve>[0]): Promise<Served> {
  const one = await serve(app, { host: "127.0.0.1", port: 0 });
  open.push(one);
  return one;
}

test("an app answers on its address, and no longer once closed", async () => {
  const { app } = await fiveWorld();
  const { url, port, close } = await served(app);
  expect(url).toBe(`http://127.0.0.1:${port}`);
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: "ok" });
  expect((await fetch(`${url}/`, { headers: { accept: "text/html" } })).status).toBe(200);
  await Promise.all([close(), close()]);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow("fetch failed");
});

test("a taken port is a configuration error that says so", async () => {
  const { app } = await fiveWorld();
  const { port } = await served(app);
  await expect(serve(app, { host: "127.0.0.1", port })).rejects.toMatchObject({
    kind: "config",
    code: "cannot-listen",
    message: `Cannot listen on 127.0.0.1:${port}: the port is taken.`,
  });
});

test("a request under way is finished before the server is closed", async () => {
  const released = Promise.withResolvers<Response>();
  const started = Promise.withResolvers<void>();
  const { url, close } = await served({
    fetch: () => {
      started.resolve();
      return released.promise;
    },
  });
  const answer = fetch(url);
  await started.promise;
  const closed = close();
  released.resolve(new Response("done"));
  expect(await (await answer).text()).toBe("done");
  await closed;
});

test("what never ends is cut after two seconds", async () => {
  const { url, port, close } = await served({ fetch: () => new Promise<Response>(() => undefined) });
  const hanging = fetch(url).catch((error: unknown) => error);
  const silent = connect(port, "127.0.0.1");
  await once(silent, "connect");
  silent.on("error", () => undefined);
  const before = performance.now();
  await close();
  expect(performance.now() - before).toBeLessThan(2600);
  expect(await hanging).toBeInstanceOf(Error);
  silent.destroy();
});
