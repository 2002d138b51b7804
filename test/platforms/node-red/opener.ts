/** The connector as the agent opens it: configuration through its schema, secrets by reference, everything it tells kept. */
import { Agent } from "undici";
import type { OpenPlatform, OpenScratch, PlatformDeps } from "../../../agent/core/platform-ports.ts";
import type { Clock } from "../../../agent/core/ports.ts";
import { createHttpFactory } from "../../../agent/engine/platforms/http.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { systemRandom } from "../../../agent/kit/random.ts";
import { bindSecrets } from "../../../agent/kit/secret.ts";
import { nodeRed } from "../../../agent/platforms/node-red/index.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";

export interface Who {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

export interface Opener {
  open(url: string, who: Who, more?: Readonly<Record<string, unknown>>, clock?: Clock): OpenPlatform;
  openScratch(url: string, who: Who): OpenScratch;
  told(): string;
  close(): Promise<void>;
}

export function opener(): Opener {
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
  const config = (schema: typeof nodeRed.schema, url: string, who: Who, more: Readonly<Record<string, unknown>>): unknown => {
    const secrets = {
      ...(who.password === undefined ? {} : { password: { env: "PASSWORD" } }),
      ...(who.token === undefined ? {} : { token: { env: "TOKEN" } }),
    };
    const parsed = schema.parse({ url, ...(who.user === undefined ? {} : { user: who.user }), ...secrets, ...more });
    return bindSecrets(parsed, { env: { PASSWORD: who.password, TOKEN: who.token }, baseDir: "/" }).value;
  };
  return {
    open: (url, who, more = {}, clock = systemClock()) => nodeRed.open(config(nodeRed.schema, url, who, more), depsWith(clock)),
    openScratch: (url, who) => nodeRed.openScratch(config(nodeRed.scratchSchema ?? nodeRed.schema, url, who, {}), depsWith(systemClock())),
    told: () => JSON.stringify([telemetry.spans.map((span) => ({ ...span, parent: null })), telemetry.logs, telemetry.counts]),
    close: () => dispatcher.destroy(),
  };
}
