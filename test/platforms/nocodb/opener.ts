/** The connector as the agent opens it. */
import { Agent } from "undici";
import type { OpenPlatform, OpenScratch, PlatformDeps } from "../../../agent/core/platform-ports.ts";
import type { Clock } from "../../../agent/core/ports.ts";
import { createHttpFactory } from "../../../agent/engine/platforms/http.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { systemRandom } from "../../../agent/kit/random.ts";
import { bindSecrets, Secret } from "../../../agent/kit/secret.ts";
import { type Client, createClient } from "../../../agent/platforms/nocodb/client.ts";
import { nocodb } from "../../../agent/platforms/nocodb/index.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";

export interface Opener {
  open(token: string, base: string, more?: { readonly pageSize?: number; readonly clock?: Clock }): OpenPlatform;
  openScratch(
    token: string,
    more?: { readonly sameInstance?: boolean; readonly restricted?: string; readonly workspace?: string },
  ): OpenScratch;
  /** Its calls alone. */
  client(token: string): Client;
  told(): string;
  /** How many requests were sent so far. */
  requests(): number;
  close(): Promise<void>;
}

/** The connector as the agent opens it: configuration through its schema, secrets by reference, everything it tells kept. */
export function openerOf(url: string): Opener {
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
  const bound = (config: unknown, env: Record<string, string>): unknown => bindSecrets(config, { env, baseDir: "/" }).value;
  return {
    open: (token, base, { pageSize, clock } = {}) => {
      const config = nocodb.schema.parse({ url, base, token: { env: "TOKEN" }, ...(pageSize === undefined ? {} : { pageSize }) });
      return nocodb.open(bound(config, { TOKEN: token }), depsWith(clock ?? systemClock()));
    },
    openScratch: (token, { sameInstance, restricted, workspace } = {}) => {
      const config = nocodb.scratchSchema?.parse({
        url,
        token: { env: "TOKEN" },
        sameInstance: sameInstance ?? true,
        workspace,
        ...(restricted === undefined ? {} : { restrictedToken: { env: "RESTRICTED" } }),
      });
      return nocodb.openScratch(bound(config, { TOKEN: token, RESTRICTED: restricted ?? "-" }), depsWith(systemClock()));
    },
    client: (token) => {
      const secret = new Secret({ env: "TOKEN" }, { env: { TOKEN: token }, baseDir: "/" });
      return createClient({ url, token: secret, allowPlain: false }, depsWith(systemClock()));
    },
    told: () => JSON.stringify([telemetry.spans.map((span) => ({ ...span, parent: null })), telemetry.logs.length, telemetry.counts]),
    requests: () => telemetry.spans.filter((span) => span.kind === "client").length,
    close: () => dispatcher.destroy(),
  };
}
