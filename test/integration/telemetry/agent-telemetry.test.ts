/** The running agent's telemetry keeps the contract, as seen by an OTLP receiver and on its log lines. */
import { fakeClock } from "../../doubles/clock.ts";
import { seededRandom } from "../../../agent/kit/random.ts";
import { createTelemetry } from "../../../agent/telemetry/instrument.ts";
import { telemetryContract } from "../../contracts/telemetry.ts";
import { labelText } from "../../doubles/openmetrics.ts";
import { msOf, spansOf } from "../../doubles/otlp-reading.ts";
import { otlpReceiver } from "../../doubles/otlp-receiver.ts";

telemetryContract(async () => {
  const receiver = await otlpReceiver();
  const lines: string[] = [];
  const agent = createTelemetry({
    service: { name: "restorewatch", version: "0.0.0", instanceId: "one", environment: null },
    clock: fakeClock(),
    random: seededRandom(7),
    log: { level: "debug", write: (line) => lines.push(line) },
    strict: true,
    processMetrics: false,
  });
  const target = { endpoint: receiver.endpoint, headers: {} };
  await agent.start(target);

  return {
    telemetry: agent.telemetry,
    async spans() {
      // Moving to another endpoint, even the same one, flushes what waits.
      await agent.start(target);
      return spansOf(receiver.bodies("traces")).map((span) => ({
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? null,
        kind: span.kind === 3 ? "client" : "internal",
        attributes: span.attributes,
        links: span.links.map(({ traceId, spanId }) => ({ traceId, spanId })),
        error: span.status.code === 2 ? { type: String(span.attributes["error.type"]), message: span.status.message ?? null } : null,
        startedAt: msOf(span.startTimeUnixNano),
        endedAt: msOf(span.endTimeUnixNano),
      }));
    },
    logs: async () =>
      lines.map((line) => {
        const { level, msg, time: _time, trace_id, span_id, ...fields } = JSON.parse(line) as Record<string, string>;
        return { level: String(level), message: String(msg), fields, traceId: trace_id ?? null, spanId: span_id ?? null };
      }),
    async gauges() {
      const exposed = await agent.metrics.exposed();
      return exposed.flatMap(({ name, type, values }) =>
        type === "gauge" && name !== "restorewatch_build_info"
          ? values.map(({ labels, value }) => ({ metric: name, labels: labels as Record<string, string>, value }))
          : [],
      );
    },
    async counted(metric, labels) {
      const found = (await agent.metrics.exposed()).find(({ name }) => `${name}_total` === metric);
      return found?.values.find((one) => same(one.labels, labels))?.value ?? null;
    },
    async observed(metric, labels) {
      const found = (await agent.metrics.exposed()).find(({ name }) => name === metric);
      const part = (suffix: string): number | undefined =>
        found?.values.find((one) => one.metricName === metric + suffix && same(one.labels, labels))?.value;
      const [count, sum] = [part("_count"), part("_sum")];
      return count === undefined || sum === undefined ? null : { count, sum };
    },
    async dispose() {
      await agent.stop();
      await receiver.close();
    },
  };
});

function same(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  return labelText(a) === labelText(b);
}
