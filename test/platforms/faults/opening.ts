/** A product and its scratch place as the agent opens them, each through an address of its own; waiting for them takes no time. */
import { Agent } from "undici";
import type { OpenPlatform, OpenScratch, PlatformDeps } from "../../../agent/core/platform-ports.ts";
import type { Clock } from "../../../agent/core/ports.ts";
import { createHttpFactory } from "../../../agent/engine/platforms/http.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { bindSecrets } from "../../../agent/kit/secret.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import type { FaultyProduct, Place } from "./products.ts";

export interface Opening {
  /** @param url in place of the product's own: a proxy's */
  open(place: Place, url: string, timeoutMs?: number): OpenPlatform;
  openScratch(place: Place, url: string, timeoutMs?: number): OpenScratch;
  close(): Promise<void>;
}

/** Waits are over at once, and time has passed. */
export function hastyClock(): Clock {
  const real = systemClock();
  let ahead = 0;
  return {
    ...real,
    now: () => real.now() + ahead,
    monotonic: () => real.monotonic() + ahead,
    sleep: (ms, signal) => {
      signal?.throwIfAborted();
      ahead += ms;
      return Promise.resolve();
    },
  };
}

/** Far more than a product on this machine takes, far less than a test. */
const LONG_MS = 20_000;

export function openingOf({ definition }: FaultyProduct): Opening {
  const dispatcher = new Agent();
  const random = { next: () => 0, bytes: (count: number) => new Uint8Array(count) };
  const budgets = { spend: () => Promise.resolve({ granted: true, left: 1 }) };
  const depsWith = (timeoutMs: number, clock: Clock): PlatformDeps => {
    const telemetry = memoryTelemetry();
    return { clock, random, telemetry, http: createHttpFactory({ clock, random, telemetry, dispatcher, timeoutMs, budgets }) };
  };
  const bound = (schema: FaultyProduct["definition"]["schema"], { config, secrets }: Place, url: string): unknown =>
    bindSecrets(schema.parse({ url, ...config }), { env: secrets, baseDir: "/" }).value;
  return {
    open: (place, url, timeoutMs = LONG_MS) =>
      definition.open(bound(definition.schema, place, url), depsWith(timeoutMs, place.clock ?? hastyClock())),
    openScratch: (place, url, timeoutMs = LONG_MS) => {
      if (definition.scratchSchema === null) throw new Error(`${definition.type} has no scratch places`);
      return definition.openScratch(bound(definition.scratchSchema, place, url), depsWith(timeoutMs, place.clock ?? hastyClock()));
    },
    close: () => dispatcher.destroy(),
  };
}
