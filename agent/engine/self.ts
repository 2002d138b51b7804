/** The agent's own gauges: kept together, because each publication replaces all of them. */
import type { GaugeSample, Telemetry } from "../core/ports.ts";
import type { MetricName } from "../telemetry/names.ts";

export interface SelfGauges {
  /** Null takes the series away. */
  set(metric: MetricName, value: number | null, labels?: Readonly<Record<string, string>>): void;
}

/** Told again at each `set`; the latest value of each metric counts. */
export function selfGauges(telemetry: Telemetry): SelfGauges {
  const samples = new Map<string, GaugeSample>();
  return {
    set(metric, value, labels = {}) {
      if (value === null) samples.delete(metric);
      else samples.set(metric, { metric, labels, value });
      telemetry.gauges({}, [...samples.values()]);
    },
  };
}
