/** The connector as the agent opens it: configuration through its schema, secrets by reference, everything it tells kept. */
import { Agent } from "undici";
import type { OpenPlatform, OpenScratch } from "../../../agent/core/platform-ports.ts";
import type { Clock } from "../../../agent/core/ports.ts";
import { createHttpFactory } from "../../../agent/engine/platforms/http.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { systemRandom } from "../../../agent/kit/random.ts";
import { bindSecrets } from "../../../agent/kit/secret.ts";
import { airtable } from "../../../agent/platforms/airtable/index.ts";
import type { AirtableServer } from "../../doubles/airtable/server.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";

export interface Opener {
  open(
    token: string,
    base: string,
    more?: { readonly pageSize?: number; readonly clock?: Clock; readonly updatedField?: string },
  ): OpenPlatform;
  openScratch(token: string, base: string): OpenScratch;
  told(): string;
  close(): Promise<void>;
}

/** Waiting for limits takes a sixth of the time, here and on the server; what time it is stays true. */
export function hurried(): Clock {
  const real = systemClock();
  const PACE = 6;
  return { now: () => real.now(), monotonic: () => real.monotonic() * PACE, sleep: (ms, signal) => real.sleep(ms / PACE, signal) };
}

export function openerOf(server: Pick<AirtableServer, "url" | "contentUrl">, waiting: Clock): Opener {
  const telemetry = memoryTelemetry();
  const dispatcher = new Agent();
  const http = createHttpFactory({
    clock: waiting,
    random: systemRandom(),
    telemetry,
    dispatcher,
    budgets: { spend: () => Promise.resolve({ granted: true, left: 1 }) },
  });
  return {
    open: (token, base, { pageSize, clock, updatedField } = {}) => {
      const { url, contentUrl } = server;
      const config = airtable.schema.parse({
        url,
        contentUrl,
        base,
        token: { env: "TOKEN" },
        ...(pageSize === undefined ? {} : { pageSize }),
        ...(updatedField === undefined ? {} : { updatedField }),
      });
      const bound = bindSecrets(config, { env: { TOKEN: token }, baseDir: "/" }).value;
      return airtable.open(bound, { clock: clock ?? systemClock(), random: systemRandom(), telemetry, http });
    },
    openScratch: (token, base) => {
      const { url, contentUrl } = server;
      const config = airtable.scratchSchema?.parse({ url, contentUrl, base, token: { env: "TOKEN" } });
      const bound = bindSecrets(config, { env: { TOKEN: token }, baseDir: "/" }).value;
      return airtable.openScratch(bound, { clock: systemClock(), random: systemRandom(), telemetry, http });
    },
    told: () => JSON.stringify([telemetry.spans.map((span) => ({ ...span, parent: null })), telemetry.logs.length, telemetry.counts]),
    close: () => dispatcher.destroy(),
  };
}
