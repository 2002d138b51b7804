/** Keeps the catalogue: reads state often, looks through the vaults now and then, and tells what is missing. */
import {
  type Catalogue,
  type CatalogueConfig,
  catalogue,
  claimOf,
  type ProductLook,
  type Sighting,
  type VaultLook,
} from "../core/catalogue.ts";
import { asAgentError } from "../core/errors.ts";
import type { Clock, GaugeSample, Repositories, Telemetry, Vault } from "../core/ports.ts";
import { LAYERS } from "../core/words.ts";
import { ATTRIBUTES, type MetricName } from "../telemetry/names.ts";
import { askProducts, type ProductsToAsk } from "./ask-products.ts";
import { lookIntoVaults } from "./look-into-vaults.ts";
import { identitySamples } from "./project.ts";
import type { SelfGauges } from "./self.ts";

export interface CataloguerDeps {
  /** A reload gives another object. */
  readonly config: () => CatalogueConfig;
  readonly vault: (id: string) => Vault;
  /** Live products of that configuration; without it there are none. */
  readonly products?: () => ProductsToAsk;
  readonly repositories: Repositories;
  readonly telemetry: Telemetry;
  readonly self: SelfGauges;
  readonly clock: Clock;
}

export interface Cataloguer {
  /** As state has it now, or had a few seconds ago, with what the last look into the vaults saw. */
  current(): Promise<Catalogue>;
  /** Reads state afresh and puts every gauge of the catalogue right, those of covered sources aside: see `samplesOf`. */
  publish(): Promise<Catalogue>;
  /** Looks through every vault, and asks every live product, now. */
  look(signal: AbortSignal): Promise<void>;
  /** What was last found of a source, to be told together with its other gauges, which are replaced as a whole. */
  samplesOf(sourceId: string): readonly GaugeSample[];
  /** Until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const KEPT_MS = 5000;
const TICK_MS = 1000;
const PUBLISH_EVERY_MS = 30_000;
const LOOK_EVERY_MS = 3_600_000;
const DEADLINE_MS = 30_000;

export function createCataloguer(deps: CataloguerDeps): Cataloguer {
  const { clock, repositories } = deps;
  let looks: readonly VaultLook[] = [];
  let asked: readonly ProductLook[] = [];
  /** The configuration the looks were made with; another one looks elsewhere. */
  let lookedWith: CatalogueConfig | null = null;
  let lookedAt = 0;
  let kept: {
    readonly made: Catalogue;
    readonly at: number;
    readonly config: CatalogueConfig;
    readonly looks: readonly VaultLook[];
  } | null = null;
  let found: ReadonlyMap<string, readonly GaugeSample[]> = new Map();
  let making: Promise<Catalogue> | null = null;

  return { current, publish, look, samplesOf: (sourceId) => found.get(sourceId) ?? [], run };

  async function current(): Promise<Catalogue> {
    const fresh = kept !== null && kept.config === deps.config() && kept.looks === looks && clock.monotonic() - kept.at < KEPT_MS;
    if (fresh && kept !== null) return kept.made;
    making ??= make().finally(() => {
      making = null;
    });
    return making;
  }

  async function make(): Promise<Catalogue> {
    const config = deps.config();
    const current = lookedWith === config;
    const made = catalogue(config, await sightings(config, repositories), current ? looks : [], current ? asked : []);
    kept = { made, at: clock.monotonic(), config, looks };
    return made;
  }

  async function publish(): Promise<Catalogue> {
    const config = deps.config();
    const made = await make();
    found = new Map(
      made.entries.map(({ sourceId, findings }) => [
        sourceId,
        findings.map((finding) => ({
          metric: "backup_source_finding" satisfies MetricName,
          labels: { source: sourceId, finding },
          value: 1,
        })),
      ]),
    );
    const firstSeen = await repositories.sources.firstSeen();
    for (const source of config.uncovered) {
      const identity = identitySamples(source, firstSeen.get(source.id) ?? clock.now());
      deps.telemetry.gauges({ source: source.id }, [...identity, ...(found.get(source.id) ?? [])]);
    }
    const { coverage } = made.counts;
    deps.self.set("restorewatch_uncovered_sources", coverage.none + coverage.empty);
    deps.self.replace(
      "restorewatch_catalogue_sources",
      Object.entries(coverage).map(([state, value]) => ({ labels: { coverage: state }, value })),
    );
    deps.self.replace(
      "restorewatch_unclaimed_artifacts",
      made.seen.map((vault) => ({
        labels: { vault },
        value: made.findings.filter((finding) => finding.kind === "unclaimed" && finding.vaultId === vault).length,
      })),
    );
    // What could not be asked has no series: 0 would say that everything there is covered.
    deps.self.replace(
      "restorewatch_uncovered_scopes",
      made.asked.map((platform) => ({
        labels: { platform },
        value: made.findings.filter((finding) => finding.product?.platform === platform).length,
      })),
    );
    return made;
  }

  async function look(signal: AbortSignal): Promise<void> {
    const config = deps.config();
    const products = deps.products?.() ?? { connections: [], open: () => null };
    const [seen, told] = await Promise.all([
      lookIntoVaults(config.vaults, config.sources.map(claimOf), { vault: deps.vault, clock, deadlineMs: DEADLINE_MS }, signal),
      askProducts(products, { clock, deadlineMs: DEADLINE_MS }, signal),
    ]);
    for (const problem of seen.flatMap((one) => one.problems).slice(0, 5))
      deps.telemetry.log("warn", "part of a vault could not be looked through for what no source claims", { problem });
    for (const problem of told.flatMap((one) => one.problem ?? []).slice(0, 5))
      deps.telemetry.log("warn", "a live product could not be asked for what no source covers", { problem });
    looks = seen;
    asked = told;
    lookedWith = config;
    lookedAt = clock.monotonic();
  }

  async function run(signal: AbortSignal): Promise<void> {
    let publishedAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      try {
        const looked = lookedWith !== deps.config() || clock.monotonic() - lookedAt >= LOOK_EVERY_MS;
        if (looked) await look(signal);
        if (looked || clock.monotonic() - publishedAt >= PUBLISH_EVERY_MS) {
          await publish();
          publishedAt = clock.monotonic();
        }
      } catch (thrown) {
        if (!signal.aborted)
          deps.telemetry.log("error", "the catalogue could not be made", { [ATTRIBUTES.errorType]: asAgentError(thrown).code });
      }
      await clock.sleep(TICK_MS, signal).catch(() => undefined);
    }
  }
}

/** What state knows of every source with a backup. A layer that its newest drill came to a conclusion on can be had. */
export async function sightings(config: CatalogueConfig, repositories: Repositories): Promise<ReadonlyMap<string, Sighting>> {
  const [newest, polls, drills] = await Promise.all([
    repositories.points.newest(),
    repositories.sources.polls(),
    repositories.drills.newest(),
  ]);
  const newestAt = new Map(newest.map(({ newest: point }) => [point.sourceId, point.createdAt]));
  const layers = new Map(drills.map((drill) => [drill.sourceId, drill.layers]));
  return new Map(
    config.sources.map(({ id }) => {
      const own = layers.get(id) ?? {};
      return [
        id,
        {
          looked: (polls.get(id)?.lastOkAt ?? null) !== null,
          newestAt: newestAt.get(id) ?? null,
          concluded: LAYERS.filter((layer) => own[layer] === "verified" || own[layer] === "failed"),
        },
      ];
    }),
  );
}
