/** What the agent's telemetry does beyond the port: levels, agents side by side, mistakes in production. */
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../agent/kit/random.ts";
import { type AgentTelemetry, createTelemetry, type TelemetryOptions } from "../../../agent/telemetry/instrument.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { parseOpenMetrics } from "../../doubles/openmetrics.ts";
import { resourceAttributes, spansOf } from "../../doubles/otlp-reading.ts";
import { otlpReceiver } from "../../doubles/otlp-receiver.ts";

function create(options: Partial<TelemetryOptions> & { readonly instanceId?: string } = {}): {
  readonly agent: AgentTelemetry;
  readonly lines: Record<string, unknown>[];
} {
  const lines: Record<string, unknown>[] = [];
  const agent = createTelemetry({
    service: { name: "restorewatch", version: "0.0.0", instanceId: options.instanceId ?? "one", environment: null },
    clock: fakeClock(),
    random: seededRandom(2),
    log: { level: "info", write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
    processMetrics: false,
    ...options,
  });
  return { agent, lines };
}

describe("agents in one process", () => {
  test("do not see each other's spans, not even one inside the other, nor each other's receivers", async () => {
    const receivers = [await otlpReceiver(), await otlpReceiver()] as const;
    const [one, two] = [create({ instanceId: "one" }).agent, create({ instanceId: "two", random: seededRandom(9) }).agent];
    await one.start({ endpoint: receivers[0].endpoint, headers: {} });
    await two.start({ endpoint: receivers[1].endpoint, headers: {} });
    await one.telemetry.span("of-one", {}, () =>
      two.telemetry.span("of-two", {}, () => one.telemetry.span("of-one-again", {}, () => Promise.resolve())),
    );
    await Promise.all([one.stop(), two.stop()]);
    const [first, second] = receivers.map((receiver) => spansOf(receiver.bodies("traces")));
    expect(first?.map(({ name }) => name).toSorted()).toEqual(["of-one", "of-one-again"]);
    expect(first?.find(({ name }) => name === "of-one-again")?.parentSpanId).toBe(first?.find(({ name }) => name === "of-one")?.spanId);
    expect(second?.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual([["of-two", undefined]]);
    expect(receivers.map((receiver) => resourceAttributes(receiver.bodies("metrics")[0])["service.instance.id"])).toEqual(["one", "two"]);
    await Promise.all(receivers.map((receiver) => receiver.close()));
  });

  test("a new endpoint gets what comes from now on, the former one what came before", async () => {
    const receivers = [await otlpReceiver(), await otlpReceiver()] as const;
    const { agent } = create();
    await agent.start({ endpoint: `${receivers[0].endpoint}/`, headers: {} });
    await agent.telemetry.span("before", {}, () => Promise.resolve());
    await agent.start({ endpoint: receivers[1].endpoint, headers: {} });
    await agent.telemetry.span("after", {}, () => Promise.resolve());
    await agent.stop();
    expect(receivers.map((receiver) => spansOf(receiver.bodies("traces")).map(({ name }) => name))).toEqual([["before"], ["after"]]);
    await Promise.all(receivers.map((receiver) => receiver.close()));
  });
});

describe("without an endpoint", () => {
  test("spans have ids for pages, logs and exemplars, and nothing waits at the end", async () => {
    const { agent, lines } = create();
    await agent.telemetry.span("restore.drill", {}, async (span) => {
      agent.telemetry.observe("restore_drill_duration_seconds", { source: "crm", drill_kind: "sample" }, 1, span);
      agent.telemetry.log("info", "drill finished");
      expect(lines[0]).toMatchObject({ trace_id: span.traceId, span_id: span.spanId });
      expect(await agent.metrics.text()).toContain(`# {trace_id="${span.traceId}",span_id="${span.spanId}"} 1 `);
    });
    await agent.stop();
  });
});

describe("log lines", () => {
  test("below the level are not written, and the level can be changed", () => {
    const { agent, lines } = create();
    agent.telemetry.log("debug", "one");
    agent.setLogLevel("debug");
    agent.telemetry.log("debug", "two");
    agent.setLogLevel("silent");
    agent.telemetry.log("error", "three");
    expect(lines).toEqual([{ level: "debug", time: "2026-01-15T12:00:00.000Z", msg: "two" }]);
  });

  test("a stdout that is gone is no reason to fall: the line is counted as lost", async () => {
    const { agent } = create({
      log: {
        level: "info",
        write: () => {
          throw new Error("EPIPE");
        },
      },
    });
    agent.telemetry.log("info", "hello");
    expect(await lost(agent, "logs")).toBe(1);
  });
});

describe("a mistake in production", () => {
  test("is counted, told once, and takes no right sample with it", async () => {
    const { agent, lines } = create({ strict: false });
    const points = { metric: "backup_recovery_points", labels: { source: "crm" }, value: 3 };
    for (let nth = 0; nth < 2; nth += 1) {
      agent.telemetry.gauges({ source: "crm" }, [{ metric: "backup_nonsense", labels: { source: "crm" }, value: 1 }, points, points]);
      agent.telemetry.count("backup_runs_total", { source: "crm" });
      agent.telemetry.observe("backup_size_bytes", { source: "crm" }, 1);
    }
    const families = parseOpenMetrics(await agent.metrics.text());
    expect(families.get("backup_recovery_points")?.samples).toMatchObject([{ labels: { source: "crm" }, value: 3 }]);
    expect(await lost(agent, "metrics")).toBe(6);
    expect(lines.map(({ level, msg }) => `${String(level)}: ${String(msg)}`)).toEqual(Array(3).fill("error: a metric was told wrongly"));
    expect(lines[1]?.["problem"]).toBe("backup_runs_total has the labels {source,outcome}, told with {source}");
  });
});

async function lost(agent: AgentTelemetry, signal: string): Promise<number | undefined> {
  const family = parseOpenMetrics(await agent.metrics.text()).get("restorewatch_telemetry_dropped");
  return family?.samples.find(({ labels }) => labels["signal"] === signal)?.value;
}
