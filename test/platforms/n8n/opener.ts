/** The connector as the agent opens it: configuration through its schema, secrets by reference, everything it tells kept. */
import { Agent } from "undici";
import type { OpenPlatform, OpenScratch, PlatformDeps } from "../../../agent/core/platform-ports.ts";
import type { Clock } from "../../../agent/core/ports.ts";
import { createHttpFactory } from "../../../agent/engine/platforms/http.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { systemRandom } from "../../../agent/kit/random.ts";
import { bindSecrets } from "../../../agent/kit/secret.ts";
import { n8n } from "../../../agent/platforms/n8n/index.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";

export interface Opener {
  open(url: string, token: string, more?: { readonly pageSize?: number; readonly clock?: Clock }): OpenPlatform;
  openScratch(url: string, token: string): OpenScratch;
  told(): string;
  close(): Promise<void>;
}

export function createOpener(): Opener {
  const telemetry = memoryTelemetry();
  const dispatcher = new Agent();
  const depsWith = (clock: Clock): PlatformDeps => ({
    clock,
    random: systemRandom(),
    telemetry,
    http: createHttpFactory({
      clock: systemClock(),
      random: systemRandom(),
      telemetry,
      dispatcher,
      budgets: { spend: () => Promise.resolve({ granted: true, left: 1 }) },
    }),
  });
  const bound = (config: unknown, token: string): unknown => bindSecrets(config, { env: { TOKEN: token }, baseDir: "/" }).value;
  return {
    open: (url, token, { pageSize, clock } = {}) => {
      const config = n8n.schema.parse({ url, token: { env: "TOKEN" }, ...(pageSize === undefined ? {} : { pageSize }) });
      return n8n.open(bound(config, token), depsWith(clock ?? systemClock()));
    },
    openScratch: (url, token) => {
      const config = n8n.scratchSchema?.parse({ url, token: { env: "TOKEN" } });
      return n8n.openScratch(bound(config, token), depsWith(systemClock()));
    },
    told: () => JSON.stringify([telemetry.spans.map((span) => ({ ...span, parent: null })), telemetry.logs, telemetry.counts]),
    close: () => dispatcher.destroy(),
  };
}
