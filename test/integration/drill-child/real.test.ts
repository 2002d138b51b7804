/** The real child over real and broken documents, across the process boundary. */
import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { DrillJob } from "../../../agent/drill/protocol.ts";
import { type DrillChildDeps, runDrillChild } from "../../../agent/engine/drill-child/index.ts";
import { type IsolationReport, NO_TOOLS, probeIsolation } from "../../../agent/engine/drill-child/isolation.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { type JobPlace, jobPlace, LIMITS } from "./job.ts";

const WORLD = fileURLToPath(new URL("../../../../shared/data/grist/World-v39.grist", import.meta.url));
const WELL_BEHAVED = fileURLToPath(new URL("../../fixtures/hostile-children/well-behaved.ts", import.meta.url));

const places: JobPlace[] = [];
let isolation: IsolationReport;

beforeAll(async () => {
  isolation = await probeIsolation();
});

afterEach(async () => {
  await Promise.all(places.splice(0).map((place) => place.remove()));
});

async function run(bytes: string | Uint8Array, job: Partial<DrillJob> = {}, deps: Partial<DrillChildDeps> = {}) {
  const place = await jobPlace(job, bytes);
  places.push(place);
  const telemetry = memoryTelemetry();
  const progress: string[] = [];
  const outcome = await telemetry.span("restore.drill", {}, (span) =>
    runDrillChild(place.job, {
      isolation,
      clock: systemClock(),
      span,
      signal: new AbortController().signal,
      childModule: WELL_BEHAVED,
      onProgress: (phase) => progress.push(phase),
      ...deps,
    }),
  );
  return { outcome, telemetry, progress, left: await readdir(place.job.workDir) };
}

const statuses = (outcome: Awaited<ReturnType<typeof run>>["outcome"]): Record<string, string> =>
  Object.fromEntries(outcome.checks.map((check) => [check.id, check.status]));

describe("a drill child on a real document", () => {
  test("finds out everything, tells every phase as a span with its own times, and leaves nothing", async () => {
    const { outcome, telemetry, progress, left } = await run(await readFile(WORLD));
    expect(outcome.trouble).toBeNull();
    expect(outcome.recognised).toEqual({ format: "grist", formatVersion: "39" });
    expect(outcome.facts?.inventory).toMatchObject({ collections: 3, records: 5302 });
    expect(outcome.sample).toEqual({ population: 5302, checked: 5302, strategy: "all", seedCommitment: null });
    expect(Object.keys(outcome.phases)).toEqual(["open", "parse", "provision", "load", "checks", "dispose"]);
    expect(outcome.checks.map((check) => [check.id, check.status])).toEqual([
      ["test.bytes", "pass"],
      ["test.rows", "pass"],
      ["test.outside", "error"],
    ]);
    expect(outcome.isolation).toEqual({
      process: true,
      permissions: isolation.permissions,
      network: isolation.network,
      memoryLimit: isolation.memoryLimit,
      databaseLocked: true,
    });
    expect(outcome.resources?.readBytes).toBe(outcome.artifact?.bytes);
    expect(outcome.resources?.peakRssBytes).toBeGreaterThan(10_000_000);
    expect(outcome.resources?.diskBytes).toBeGreaterThan(0);
    expect(left).toEqual([]);
    expect(progress).toContain("checks");

    const [drill] = telemetry.spansNamed("restore.drill");
    expect(telemetry.childrenOf(drill ?? never()).map((span) => span.name)).toEqual([
      "restore.open",
      "restore.parse",
      "restore.provision",
      "restore.load",
      "restore.checks",
      "restore.dispose",
    ]);
    for (const span of telemetry.spans) {
      expect(span.endedAt).not.toBeNull();
      expect(span.startedAt).toBeGreaterThanOrEqual(span.parent?.startedAt ?? 0);
      expect(span.endedAt ?? 0).toBeGreaterThanOrEqual(span.startedAt);
    }
    const calls = telemetry.spans.filter((span) => span.kind === "client");
    expect(calls.length).toBeGreaterThan(1);
    for (const call of calls)
      expect(call.attributes).toMatchObject({ "db.system.name": "duckdb", "service.peer.name": "sandbox", "peer.service": "sandbox" });
    expect(telemetry.spansNamed("restore.load")[0]?.attributes["restore.items"]).toBe(5302);
  });

  test("a random sample is told with a commitment to its seed, never the seed", async () => {
    const seed = "5eed5eed5eed5eed";
    const { outcome, telemetry } = await run(await readFile(WORLD), {
      sample: { strategy: "count", count: 100, rate: 0, seed, always: [] },
    });
    expect(outcome.trouble).toBeNull();
    expect(outcome.sample).toMatchObject({ population: 5302, checked: 100, strategy: "random" });
    expect(outcome.sample?.seedCommitment).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify([outcome, telemetry.spans.map((span) => span.attributes)])).not.toContain(seed);
  });

  test("works the same where no isolation is to be had, and says so", async () => {
    const bare = { ...isolation, network: false, memoryLimit: false, permissions: false, tools: NO_TOOLS };
    const { outcome } = await run(await readFile(WORLD), {}, { isolation: bare });
    expect(outcome.trouble).toBeNull();
    expect(outcome.facts?.inventory.records).toBe(5302);
    expect(outcome.isolation).toEqual({ process: true, permissions: false, network: false, memoryLimit: false, databaseLocked: true });
  });

  test("an empty artifact is damaged, not trouble", async () => {
    const { outcome } = await run("");
    expect(outcome.trouble).toBeNull();
    expect(statuses(outcome)).toEqual({ "test.bytes": "fail", "test.rows": "skip", "test.outside": "skip" });
  });

  test("a document cut short is damaged", async () => {
    const { outcome, telemetry } = await run((await readFile(WORLD)).subarray(0, 100_000));
    expect(outcome.trouble).toBeNull();
    expect(statuses(outcome)["test.bytes"]).toBe("fail");
    expect(telemetry.spans.every((span) => span.endedAt !== null)).toBe(true);
  });

  test("bytes of no known kind under auto are trouble, and under a format damage", async () => {
    const auto = await run("nothing that anybody knows");
    expect(auto.outcome.trouble?.code).toBe("unknown-format");
    expect(auto.outcome.recognised).toBeNull();
    const said = await run("nothing that anybody knows", { format: "grist" });
    expect(said.outcome.trouble).toBeNull();
    expect(said.outcome.checks.find((check) => check.id === "test.bytes")).toMatchObject({ status: "fail", observed: "wrong-format" });
  });

  test("an artifact that is not there, or is too large, is trouble", async () => {
    expect((await run("", { artifactPath: "/no/such/artifact" })).outcome.trouble?.code).toMatch(/^(not-found|no-permission)$/);
    const large = await run(await readFile(WORLD), { limits: { ...LIMITS, maxBytes: 1000 } });
    expect(large.outcome.trouble?.code).toBe("artifact-too-large");
  });

  test("starting, doing nearly nothing and ending takes well under a second", async () => {
    const started = performance.now();
    await run("[]", { format: "node-red" });
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

function never(): never {
  throw new Error("There is no drill span.");
}
