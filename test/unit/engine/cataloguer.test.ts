/** The running catalogue over doubles: what is told, when the vaults are looked through, and that a vault not seen tells nothing. */
import { describe, expect, test } from "vitest";
import type { CatalogueConfig } from "../../../agent/core/catalogue.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import type { UncoveredSource } from "../../../agent/core/policy.ts";
import type { Vault } from "../../../agent/core/ports.ts";
import type { ProductsToAsk } from "../../../agent/engine/ask-products.ts";
import { createCataloguer } from "../../../agent/engine/cataloguer.ts";
import { selfGauges } from "../../../agent/engine/self.ts";
import { createMetrics } from "../../../agent/telemetry/metrics.ts";
import { asking, seeing } from "../../doubles/discovery.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { somePoint } from "../../doubles/values.ts";
import { faultyVault, memoryVault } from "../../doubles/vault.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const HOUR = 3_600_000;

async function setup(wrap: (vault: Vault) => Vault = (vault) => vault, products?: () => ProductsToAsk) {
  const clock = fakeClock(NOW);
  const metrics = createMetrics({ clock, build: { version: "1", node: "24" }, process: false });
  const telemetry = { ...memoryTelemetry(clock), gauges: metrics.gauges };
  const state = memoryState();
  const memory = memoryVault("nightly");
  await memory.put("crm/a.grist", "x", NOW - HOUR);
  await memory.put("forgotten/a.grist", "x", NOW - HOUR);
  const { backups: _, ...wiki } = policy("wiki", { owner: { team: "docs", contact: "#docs" } });
  let config: CatalogueConfig = {
    sources: [policy("crm", { owner: null })],
    uncovered: [wiki satisfies UncoveredSource],
    calendars: [],
    vaults: ["nightly"],
    formats: [{ id: "grist", platform: "grist" }],
    connectors: new Map(),
  };
  const vault = wrap(memory.vault);
  const cataloguer = createCataloguer({
    config: () => config,
    vault: () => vault,
    ...(products === undefined ? {} : { products }),
    repositories: state.repositories,
    telemetry,
    self: selfGauges(telemetry),
    clock,
  });
  const told = async (name: RegExp): Promise<string[]> =>
    (await metrics.text()).split("\n").filter((line) => !line.startsWith("#") && name.test(line));
  const polled = async (): Promise<void> => {
    await state.repositories.sources.putPoll({
      sourceId: "crm",
      lastPollAt: NOW,
      lastOkAt: NOW,
      failures: 0,
      trouble: null,
      nextPollAt: NOW,
    });
    await state.repositories.points.put([somePoint("p1", { sourceId: "crm", createdAt: NOW - HOUR })]);
  };
  return {
    clock,
    cataloguer,
    memory,
    polled,
    told,
    signal: new AbortController().signal,
    reload: (more: Partial<CatalogueConfig>) => {
      config = { ...config, ...more };
    },
    config: () => config,
  };
}

describe("the cataloguer", () => {
  test("tells of sources without a backup what nobody else tells, and of the others what goes with their own gauges", async () => {
    const { cataloguer, told } = await setup();
    await cataloguer.publish();
    expect(await told(/wiki/u)).toEqual([
      'backup_source_info{source="wiki",platform="grist",vault="none",owner="docs",domain="sales",tier="standard"} 1',
      `backup_source_configured_timestamp_seconds{source="wiki"} ${NOW / 1000}`,
      'backup_rpo_objective_seconds{source="wiki"} 86400',
      'backup_rto_objective_seconds{source="wiki"} 3600',
      'backup_source_finding{source="wiki",finding="no-backup"} 1',
    ]);
    expect(cataloguer.samplesOf("crm").map((sample) => sample.labels["finding"])).toEqual(["no-owner", "no-drill-schedule"]);
    expect(cataloguer.samplesOf("nobody")).toEqual([]);
    expect(await told(/crm/u)).toEqual([]);
  });

  test("counts sources by coverage, and follows what is polled", async () => {
    const { cataloguer, told, polled } = await setup();
    await cataloguer.publish();
    expect(await told(/uncovered|catalogue_sources/u)).toEqual([
      "restorewatch_uncovered_sources 1",
      'restorewatch_catalogue_sources{coverage="none"} 1',
      'restorewatch_catalogue_sources{coverage="empty"} 0',
      'restorewatch_catalogue_sources{coverage="unknown"} 1',
      'restorewatch_catalogue_sources{coverage="covered"} 0',
    ]);
    await polled();
    await cataloguer.publish();
    expect(await told(/"(unknown|covered)"/u)).toEqual([
      'restorewatch_catalogue_sources{coverage="unknown"} 0',
      'restorewatch_catalogue_sources{coverage="covered"} 1',
    ]);
  });

  test("tells what nobody claims only of vaults that were looked through", async () => {
    const { cataloguer, told, signal } = await setup();
    await cataloguer.publish();
    expect(await told(/unclaimed/u)).toEqual([]);
    await cataloguer.look(signal);
    const made = await cataloguer.publish();
    expect(await told(/unclaimed/u)).toEqual(['restorewatch_unclaimed_artifacts{vault="nightly"} 1']);
    expect(made.findings.find((finding) => finding.kind === "unclaimed")?.path).toBe("forgotten");
  });

  test("a vault that can no longer be looked at takes its series away instead of telling 0", async () => {
    const failing = (vault: Vault): Vault =>
      faultyVault(vault, [{ on: "names", error: new AgentError("auth", "no-permission", "Not permitted.") }]);
    const { cataloguer, told, signal } = await setup(failing);
    await cataloguer.look(signal);
    const made = await cataloguer.publish();
    expect(made.unseen).toEqual([{ vaultId: "nightly", sourceId: null, problem: "vault nightly: Not permitted" }]);
    expect(await told(/unclaimed/u)).toEqual([]);
    await cataloguer.look(signal);
    await cataloguer.publish();
    expect(await told(/unclaimed/u)).toEqual(['restorewatch_unclaimed_artifacts{vault="nightly"} 1']);
  });

  test("counts by platform what no source covers, and takes the series away while a product does not answer", async () => {
    const crm = seeing("crm", "pcrm", ["pcrm", "pold", "pnew"]);
    const { cataloguer, told, signal } = await setup(
      (vault) => vault,
      () => asking([crm]),
    );
    await cataloguer.publish();
    expect(await told(/uncovered_scopes/u)).toEqual([]);
    await cataloguer.look(signal);
    const made = await cataloguer.publish();
    expect(made.findings.filter((finding) => finding.kind === "unprotected").map((finding) => finding.product?.scope)).toEqual([
      "pnew",
      "pold",
    ]);
    expect(await told(/uncovered_scopes/u)).toEqual(['restorewatch_uncovered_scopes{platform="nocodb"} 2']);
    crm.memory.token = "wrong";
    await cataloguer.look(signal);
    expect((await cataloguer.publish()).unseen).toEqual([
      { vaultId: null, sourceId: "crm", problem: "what the token of crm sees on nocodb: memory: It refused us; mend: check the token" },
    ]);
    expect(await told(/uncovered_scopes/u)).toEqual([]);
  });

  test("runs: looks at once, again within a second of a reload, and each hour", async () => {
    const { cataloguer, clock, reload, memory, config } = await setup();
    const stop = new AbortController();
    const running = cataloguer.run(stop.signal);
    const unclaimed = async (): Promise<(string | null)[]> =>
      (await cataloguer.current()).findings.filter((finding) => finding.kind === "unclaimed").map((finding) => finding.path);
    await expect.poll(unclaimed).toEqual(["forgotten"]);
    reload({ sources: [...config().sources, policy("forgotten")] });
    await clock.advance(1001);
    await expect.poll(unclaimed).toEqual([]);
    await memory.put("late.zip", "x", NOW);
    await clock.advance(30_000);
    expect(await unclaimed()).toEqual([]);
    await clock.advance(HOUR);
    await expect.poll(unclaimed).toEqual(["late.zip"]);
    stop.abort();
    await clock.advance(1001);
    await running;
  });

  test("who asks often reads state once in five seconds", async () => {
    const { cataloguer, clock, polled } = await setup();
    const before = await cataloguer.current();
    await polled();
    expect(await cataloguer.current()).toBe(before);
    await clock.advance(5001);
    expect((await cataloguer.current()).counts.coverage.covered).toBe(1);
  });
});
