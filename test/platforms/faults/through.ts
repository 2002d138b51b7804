/** One product, started once for everything that is tried on it, with a proxy in front that spoils answers. */
import { afterAll, beforeAll } from "vitest";
import { type FaultyProxy, startFaultyProxy } from "../../doubles/faulty-proxy.ts";
import { type Opening, openingOf } from "./opening.ts";
import type { FaultyProduct, Place, Started } from "./products.ts";

export interface Through {
  readonly started: Started;
  readonly proxy: FaultyProxy;
  /** The product's address, through the proxy. */
  readonly url: string;
  readonly opening: Opening;
  stop(): Promise<void>;
}

export async function startThrough(product: FaultyProduct): Promise<Through> {
  const started = await product.start();
  const { proxy, url } = await proxyTo(started);
  const opening = openingOf(product);
  return {
    started,
    proxy,
    url,
    opening,
    stop: async () => {
      await opening.close();
      await proxy.close();
      await started.stop();
    },
  };
}

export async function proxyTo(place: Place): Promise<{ readonly proxy: FaultyProxy; readonly url: string }> {
  const { origin } = new URL(place.url);
  const proxy = await startFaultyProxy(origin);
  return { proxy, url: place.url.replace(origin, proxy.url) };
}

/** Within a `describe`: starts the product before its tests and stops it after them. */
export function throughOnce(product: FaultyProduct): () => Through {
  let through: Through | null = null;
  beforeAll(async () => {
    through = await startThrough(product);
  });
  afterAll(() => through?.stop());
  return () => {
    if (through === null) throw new Error("the product is not started yet");
    return through;
  };
}
