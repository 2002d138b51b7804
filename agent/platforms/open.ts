/** From what a configuration says of live products to products that can be asked; each is opened when it is first needed. */
import { AgentError } from "../core/errors.ts";
import type { PlatformDefinition, PlatformDeps, SourceProducts } from "../core/platform-ports.ts";
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
      scratch: connection.scratch === null ? null : definition.openScratch(connection.scratch, deps),
    };
    opened.set(sourceId, products);
    return products;
  };
}

/** The day's budget is production's: a scratch place may be asked as often as it answers. */
function withBudget(connection: SourceConnection, deps: PlatformDeps): PlatformDeps {
  const perDay = connection.sample.apiCallsPerDay;
  if (perDay === null) return deps;
  return { ...deps, http: { open: (target) => deps.http.open({ ...target, budget: { name: connection.sourceId, perDay } }) } };
}
