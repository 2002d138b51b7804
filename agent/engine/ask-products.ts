/** What the configured tokens see on live products. What could not be asked is named, and never taken for "nothing there". */
import type { ProductLook } from "../core/catalogue.ts";
import { AgentError, asAgentError } from "../core/errors.ts";
import type { SourceProducts } from "../core/platform-ports.ts";
import type { SourceConnection } from "../core/policy.ts";
import type { Clock } from "../core/ports.ts";
import { mapLimit } from "../kit/map-limit.ts";
import { withDeadline } from "./deadline.ts";

/** The live products of a configuration. */
export interface ProductsToAsk {
  readonly connections: readonly SourceConnection[];
  /** May throw, for a product that cannot be opened. */
  readonly open: (sourceId: string) => SourceProducts | null;
}

export interface AskDeps {
  readonly clock: Clock;
  /** Longest time one product may take, ms. */
  readonly deadlineMs: number;
}

const PRODUCTS_AT_ONCE = 4;

/** One look for each connection, in their order; throws for an aborted `signal` alone. Reads two things of each: its identity and what its token sees. */
export async function askProducts({ connections, open }: ProductsToAsk, deps: AskDeps, signal: AbortSignal): Promise<ProductLook[]> {
  const looks = new Map<string, ProductLook>();
  await mapLimit(connections, PRODUCTS_AT_ONCE, async (connection) => {
    looks.set(connection.sourceId, await ask(connection, open, deps, signal));
  });
  return connections.flatMap(({ sourceId }) => looks.get(sourceId) ?? []);
}

async function ask(
  connection: SourceConnection,
  open: ProductsToAsk["open"],
  { clock, deadlineMs }: AskDeps,
  signal: AbortSignal,
): Promise<ProductLook> {
  const { sourceId, platform, config } = connection;
  const problems: string[] = [];
  const attempt = async <T>(work: (bounded: AbortSignal) => Promise<T>): Promise<T | null> => {
    try {
      return await withDeadline(clock, deadlineMs, signal, work);
    } catch (thrown) {
      if (signal.aborted) throw new AgentError("transient", "aborted", "It was stopped.", { cause: thrown });
      const { message, mend } = asAgentError(thrown);
      problems.push(`${message.replace(/\.$/u, "")}${mend === null ? "" : `; mend: ${mend}`}`);
      return null;
    }
  };
  const opened = await attempt(async () => open(sourceId)?.open ?? null);
  const probe = opened === null ? null : await attempt((bounded) => opened.platform.probe(bounded));
  const discoverer = opened?.discoverer ?? null;
  const scopes = discoverer === null ? null : await attempt((bounded) => discoverer.discover(bounded));
  const [problem] = problems;
  const address = addressOf(config);
  return {
    sourceId,
    platform,
    instance: probe?.identity.instance ?? null,
    address,
    // Whatever it is configured with may be its scope: a source that cannot be reached just now is a source all the same.
    own: probe === null ? [address, ...Object.values(config)].filter((value) => typeof value === "string") : [probe.identity.scope],
    scopes,
    problem: problem === undefined ? null : `what the token of ${sourceId} sees on ${platform}: ${problem}`,
  };
}

function addressOf({ url }: SourceConnection["config"]): string | null {
  if (typeof url !== "string" || !URL.canParse(url)) return null;
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/u, "")}`;
}
