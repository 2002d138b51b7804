/** Live products that show more than one base to a token. */
import type { SourceProducts } from "../../agent/core/platform-ports.ts";
import type { SourceConnection } from "../../agent/core/policy.ts";
import type { ProductsToAsk } from "../../agent/engine/ask-products.ts";
import { fakeClock } from "./clock.ts";
import { type MemoryPlatform, memoryPlatform } from "./platform.ts";

export interface Seeing {
  readonly memory: MemoryPlatform;
  readonly products: SourceProducts;
}

export function connectionTo(sourceId: string, config: SourceConnection["config"]): SourceConnection {
  const sample = { records: 10, most: 10, fileBytes: 1000, apiCallsPerDay: null };
  return { sourceId, platform: "nocodb", config, scratch: null, capture: null, sample };
}

/** A source on `own` of one installation, whose token sees `scopes` unless it is refused. */
export function seeing(
  sourceId: string,
  own: string,
  scopes: readonly string[],
  at: { readonly url?: string; readonly instance?: string } = {},
): Seeing {
  const { url = "https://noco.example", instance = "i1" } = at;
  const base = { collections: [], records: new Map(), automations: [], files: new Map(), instance, scope: own };
  const memory = memoryPlatform(base);
  const open = memory.open(fakeClock(0));
  const discoverer = {
    discover: async (signal: AbortSignal) => {
      await open.platform.probe(signal);
      return scopes.map((scope) => ({ scope, kind: "base", name: `The ${scope}` }));
    },
  };
  return { memory, products: { connection: connectionTo(sourceId, { url, base: own }), open: { ...open, discoverer }, scratch: null } };
}

export function asking(all: readonly Seeing[]): ProductsToAsk {
  return {
    connections: all.map(({ products }) => products.connection),
    open: (sourceId) => all.find(({ products }) => products.connection.sourceId === sourceId)?.products ?? null,
  };
}
