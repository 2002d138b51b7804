/** The agent's own gauges: kept together, because each publication replaces all of them. */
import type { GaugeSample, Telemetry } from "../core/ports.ts";
import type { MetricName } from "../telemetry/names.ts";

export interface SelfGauges {
  /** Null takes the series away. */
  set(metric: MetricName, value: number | null, labels?: Readonly<Record<string, string>>): void;
  /** Every series of a metric that has several. */
  replace(metric: MetricName, series: readonly Pick<GaugeSample, "labels" | "value">[]): void;
}

/** Told again at each `set`; the latest value of each metric counts. */
export function selfGauges(telemetry: Telemetry): SelfGauges {
  const samples = new Map<string, readonly GaugeSample[]>();
  const tell = (): void => telemetry.gauges({}, [...samples.values()].flat());
  return {
    set(metric, value, labels = {}) {
      if (value === null) samples.delete(metric);
      else samples.set(metric, [{ metric, labels, value }]);
      tell();
    },
    replace(metric, series) {
      samples.set(
        metric,
        series.map(({ labels, value }) => ({ metric, labels, value })),
      );
      tell();
    },
  };
}
