/** All gauge samples in force, replaced scope by scope. */
import type { GaugeSample } from "../core/ports.ts";
import { containsLabels, labelKey, type Labels } from "./labels.ts";

export interface GaugeBoard {
  /**
   * `scope` with labels: every sample whose labels contain it goes, whoever told it, and `samples` come.
   * The empty scope is the agent's own: exactly what was told under the empty scope before goes. So it touches neither a source's
   * samples nor those told under a narrower scope (`{state: "due"}`).
   */
  replace(scope: Labels, samples: readonly GaugeSample[]): void;
  /** Removes every sample that contains `scope`; with an empty one, nothing. */
  remove(scope: Labels): void;
  of(metric: string): readonly GaugeSample[];
  all(): readonly GaugeSample[];
}

export function gaugeBoard(): GaugeBoard {
  const byMetric = new Map<string, Map<string, { readonly sample: GaugeSample; readonly agentWide: boolean }>>();

  const removeWhere = (goes: (sample: GaugeSample, agentWide: boolean) => boolean): void => {
    for (const series of byMetric.values()) for (const [key, entry] of series) if (goes(entry.sample, entry.agentWide)) series.delete(key);
  };

  return {
    replace(scope, samples) {
      const agentWide = Object.keys(scope).length === 0;
      removeWhere((sample, own) => (agentWide ? own : containsLabels(sample.labels, scope)));
      for (const sample of samples) {
        const series = byMetric.get(sample.metric) ?? new Map();
        byMetric.set(sample.metric, series);
        series.set(labelKey(sample.labels), { sample, agentWide });
      }
    },
    remove(scope) {
      if (Object.keys(scope).length > 0) removeWhere((sample) => containsLabels(sample.labels, scope));
    },
    of: (metric) => [...(byMetric.get(metric)?.values() ?? [])].map((entry) => entry.sample),
    all: () => [...byMetric.values()].flatMap((series) => [...series.values()].map((entry) => entry.sample)),
  };
}
