/** The memory double keeps the contract, so tests that use it are tests of the real thing. */
import { telemetryContract } from "../../contracts/telemetry.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";

telemetryContract(async () => {
  const telemetry = memoryTelemetry();
  return {
    telemetry,
    spans: async () =>
      telemetry.spans.flatMap(({ parent, endedAt, ...span }) =>
        endedAt === null ? [] : [{ ...span, endedAt, parentSpanId: parent?.spanId ?? null }],
      ),
    logs: async () => telemetry.logs.map(({ span, ...log }) => ({ ...log, traceId: span?.traceId ?? null, spanId: span?.spanId ?? null })),
    gauges: async () => telemetry.gaugeSamples(),
    counted: async (metric, labels) =>
      telemetry.counts.some((count) => count.metric === metric) ? telemetry.counted(metric, labels) : null,
    observed: async (metric) => {
      const own = telemetry.observed.filter((one) => one.metric === metric);
      return own.length === 0 ? null : { count: own.length, sum: own.reduce((sum, one) => sum + one.value, 0) };
    },
    dispose: async () => undefined,
  };
});
