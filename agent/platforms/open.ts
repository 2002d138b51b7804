/** From what a configuration says of live products to products that can be asked; each is opened when it is first needed. */
import { AgentError } from "../core/errors.ts";
import type { OpenScratch, PlatformDefinition, PlatformDeps, SourceProducts } from "../core/platform-ports.ts";
import type { SourceConnection } from "../core/policy.ts";

/** @returns the products of a source by its id, null for one without a connection */
export function openProducts(
  connections: readonly SourceConnection[],
  definitions: readonly PlatformDefinition[],
  deps: PlatformDeps,
): (sourceId: string) => SourceProducts | null {
  const opened = new Map<string, SourceProducts>();
  return (sourceId) => {
    const connection = connections.find((one) => one.sourceId === sourceId);
    if (connection === undefined) return null;
    const known = opened.get(sourceId);
    if (known !== undefined) return known;
    const definition = definitions.find((one) => one.type === connection.platform);
    if (definition === undefined)
      throw new AgentError("config", "no-such-connector", `There is no connector for "${connection.platform}".`);
    const products = {
      connection,
      open: definition.open(connection.config, withBudget(connection, deps)),
      scratch: connection.scratch === null ? null : openMetered(definition, connection.scratch, deps),
    };
    opened.set(sourceId, products);
    return products;
  };
}

/** What is restored there is counted: from it a full restore is foretold. */
export function openMetered(definition: PlatformDefinition, config: unknown, deps: PlatformDeps): OpenScratch {
  const use = { requests: 0, retries: 0, waitMs: 0, perSecond: null as number | null };
  const meter = {
    sent: (resend: number): void => {
      use.requests += 1;
      if (resend > 0) use.retries += 1;
    },
    waited: (reason: "rate_limit" | "retry", ms: number): void => {
      if (reason === "rate_limit") use.waitMs += ms;
    },
  };
  const open: PlatformDeps["http"]["open"] = (target) => {
    const { requestsPerSecond } = target.limits;
    if (requestsPerSecond !== null) use.perSecond = Math.min(use.perSecond ?? requestsPerSecond, requestsPerSecond);
    return deps.http.open({ ...target, meter });
  };
  return { ...definition.openScratch(config, { ...deps, http: { open } }), use: () => ({ ...use }) };
}

/** The day's budget is production's: a scratch place may be asked as often as it answers. */
function withBudget(connection: SourceConnection, deps: PlatformDeps): PlatformDeps {
  const perDay = connection.sample.apiCallsPerDay;
  if (perDay === null) return deps;
  return { ...deps, http: { open: (target) => deps.http.open({ ...target, budget: { name: connection.sourceId, perDay } }) } };
}
