/** A receiver in every kind of trouble: the agent neither waits nor falls, counts what is lost, and says so once. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../../agent/kit/random.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import type { ExportOptions } from "../../../agent/telemetry/exporting.ts";
import { type AgentTelemetry, createTelemetry } from "../../../agent/telemetry/instrument.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { metricsOf, spansOf } from "../../doubles/otlp-reading.ts";
import { type OtlpReceiver, otlpReceiver, type ReceiverMood } from "../../doubles/otlp-receiver.ts";

let receiver: OtlpReceiver;
let lines: Record<string, unknown>[];
let agent: AgentTelemetry;

beforeEach(async () => {
  receiver = await otlpReceiver();
  lines = [];
});
afterEach(async () => {
  await agent.stop(0);
  await receiver.close();
});

async function started(target: Partial<ExportOptions> = {}, clock = systemClock()): Promise<AgentTelemetry> {
  agent = createTelemetry({
    service: { name: "restorewatch", version: "0.0.0", instanceId: "one", environment: null },
    clock,
    random: seededRandom(1),
    log: { level: "info", write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
    strict: true,
    processMetrics: false,
  });
  await agent.start({ endpoint: receiver.endpoint, headers: {}, intervalMs: 3_600_000, ...target });
  return agent;
}

async function spans(count: number): Promise<void> {
  for (let nth = 0; nth < count; nth += 1) await agent.telemetry.span("restore.drill", { nth }, () => Promise.resolve());
}

async function dropped(): Promise<Record<string, number>> {
  const found = (await agent.metrics.exposed()).find(({ name }) => name === "restorewatch_telemetry_dropped");
  return Object.fromEntries((found?.values ?? []).map(({ labels, value }) => [labels["signal"], value]));
}

function warnings(): Record<string, unknown>[] {
  return lines.filter(({ level }) => level === "warn");
}

describe("at the end", () => {
  test.each<[string, ReceiverMood, string]>([
    ["is full", { kind: "status", status: 503 }, "HTTP 503"],
    ["is overrun", { kind: "status", status: 429, retryAfter: "30" }, "HTTP 429"],
    ["refuses", { kind: "status", status: 401 }, "HTTP 401"],
    ["breaks off", { kind: "break" }, "ECONNRESET"],
  ])("a receiver that %s: all is counted, one line tells it, and stopping takes no time", async (_name, mood, reason) => {
    await started();
    receiver.mood(mood);
    await spans(3);
    agent.telemetry.log("info", "hello");
    const before = performance.now();
    await agent.stop();
    expect(performance.now() - before).toBeLessThan(1500);
    expect(await dropped()).toEqual({ traces: 3, metrics: 1, logs: 1 });
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toMatchObject({ msg: "telemetry could not be delivered", reason });
  });

  test("nobody listens: the same", async () => {
    await started();
    await receiver.close();
    await spans(2);
    const before = performance.now();
    await agent.stop();
    expect(performance.now() - before).toBeLessThan(1500);
    expect(await dropped()).toEqual({ traces: 2, metrics: 1, logs: 0 });
    expect(warnings()[0]).toMatchObject({ reason: "ECONNREFUSED" });
  });

  test("a receiver that hangs is cut off at the bound, and what it was given is counted", async () => {
    await started();
    receiver.mood({ kind: "hang" });
    await spans(3);
    agent.telemetry.log("info", "hello");
    const before = performance.now();
    await agent.stop(400);
    const took = performance.now() - before;
    expect(took).toBeGreaterThan(350);
    expect(took).toBeLessThan(1500);
    expect(await dropped()).toEqual({ traces: 3, metrics: 1, logs: 1 });
    expect(receiver.requests.length).toBe(3);
  });

  test("stopping twice, or without an endpoint, is nothing", async () => {
    await started();
    await spans(1);
    await Promise.all([agent.stop(), agent.stop()]);
    await agent.stop();
    expect(spansOf(receiver.bodies("traces"))).toHaveLength(1);
    expect(receiver.bodies("metrics")).toHaveLength(1);
  });

  test("what is told afterwards goes nowhere and hurts nobody", async () => {
    await started();
    await agent.stop();
    await spans(1);
    agent.telemetry.log("info", "bye");
    agent.telemetry.count("restorewatch_evidence_entries_total", {});
    expect(receiver.bodies("traces")).toEqual([]);
    expect(lines.at(-1)).toMatchObject({ msg: "bye" });
  });
});

describe("while it runs", () => {
  test("a hanging receiver costs the agent nothing and its queue stays bounded", async () => {
    await started();
    receiver.mood({ kind: "hang" });
    const before = performance.now();
    await spans(12_000);
    expect(performance.now() - before).toBeLessThan(3000);
    await agent.stop(0);
    // One batch in the receiver's hands at most and a full queue: all else was dropped at once, the rest at the end.
    expect((await dropped())["traces"]).toBe(12_000);
    expect(receiver.requests.filter(({ path }) => path === "/v1/traces").length).toBeLessThanOrEqual(1);
  });

  test("a batch that met a full receiver is sent again, after the time the receiver asked for", async () => {
    const clock = fakeClock();
    await started({}, clock);
    receiver.mood({ kind: "status", status: 503, retryAfter: "7" });
    await spans(2);
    await until(clock, 2000, () => receiver.requests.length === 1);
    receiver.mood({ kind: "ok" });
    await settled();
    await clock.advance(6900);
    expect(receiver.requests).toHaveLength(1);
    await until(clock, 200, () => receiver.bodies("traces").length === 1);
    expect(spansOf(receiver.bodies("traces"))).toHaveLength(2);
    expect(await dropped()).toEqual({ traces: 0, metrics: 0, logs: 0 });
    expect(lines).toEqual([]);
  });

  test("metrics are pushed at the interval, a failure is told, and so is that it is over", async () => {
    const clock = fakeClock();
    await started({ intervalMs: 15_000 }, clock);
    await until(clock, 15_000, () => receiver.bodies("metrics").length === 1);
    receiver.mood({ kind: "status", status: 500 });
    await settled();
    await until(clock, 15_000, () => receiver.requests.length === 2);
    await waitFor(() => warnings().length === 1);
    receiver.mood({ kind: "ok" });
    await settled();
    await until(clock, 15_000, () => receiver.bodies("metrics").length === 2);
    await waitFor(() => lines.length === 2);
    expect(lines.map(({ level, msg, reason }) => [level, msg, reason])).toEqual([
      ["warn", "telemetry could not be delivered", "HTTP 500"],
      ["info", "telemetry is delivered again", undefined],
    ]);
    const last = metricsOf(receiver.bodies("metrics")[1]).find(({ name }) => name === "restorewatch_telemetry_dropped");
    expect(last?.sum?.dataPoints.find(({ attributes }) => attributes["signal"] === "metrics")?.asDouble).toBe(1);
  });

  test("items a receiver took but left out are counted", async () => {
    await started();
    receiver.mood({ kind: "partial", rejected: 2 });
    await spans(3);
    await agent.stop();
    expect(await dropped()).toMatchObject({ traces: 2, metrics: 1 });
  });

  test("a header that cannot be had is a failed delivery, and no address or value is in the line", async () => {
    const failing = { reveal: () => Promise.reject(Object.assign(new Error("cannot read hunter2-file"), { code: "secret-unreadable" })) };
    await started({ headers: { authorization: failing } });
    await spans(1);
    await agent.stop();
    expect(receiver.requests).toEqual([]);
    expect(await dropped()).toMatchObject({ traces: 1, metrics: 1 });
    expect(JSON.stringify(lines)).toContain("secret-unreadable");
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|127\.0\.0\.1/);
  });

  test("a header's secret is known to the redactor from then on", async () => {
    await started({ headers: { authorization: { reveal: async () => "Custom zq8-planted-9x" } } });
    await spans(1);
    await agent.start(null);
    agent.telemetry.log("info", "hello", { note: "it was zq8-planted-9x" });
    expect(receiver.requests[0]?.headers["authorization"]).toBe("Custom zq8-planted-9x");
    expect(lines.at(-1)).toMatchObject({ note: "it was [secret]" });
  });
});

/** Lets network answers come in; they take real time, however short. */
async function waitFor(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Time for an answer that is on its way to be read, before the clock is moved on. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 60));
}

async function until(clock: ReturnType<typeof fakeClock>, ms: number, holds: () => boolean): Promise<void> {
  await waitFor(() => clock.sleepers > 0);
  await clock.advance(ms);
  await waitFor(holds);
}
