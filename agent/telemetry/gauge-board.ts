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
  of(metric: string): readonly GaugeSample[];
  all(): readonly GaugeSample[];
}

interface Entry {
  readonly sample: GaugeSample;
  /** Told under the empty scope. */
  readonly agentWide: boolean;
}

/** Kept by source first, because that is how they are replaced: a source with sixty series never looks at those of the others. */
export function gaugeBoard(): GaugeBoard {
  const shelves = new Map<string, Map<string, Map<string, Entry>>>();

  const clear = (shelf: string, goes: (entry: Entry) => boolean): void => {
    for (const [metric, series] of shelves.get(shelf) ?? []) {
      for (const [key, entry] of series) if (goes(entry)) series.delete(key);
      if (series.size === 0) shelves.get(shelf)?.delete(metric);
    }
    if (shelves.get(shelf)?.size === 0) shelves.delete(shelf);
  };

  const put = (sample: GaugeSample, agentWide: boolean): void => {
    const shelf = shelves.get(shelfOf(sample.labels)) ?? new Map<string, Map<string, Entry>>();
    shelves.set(shelfOf(sample.labels), shelf);
    const series = shelf.get(sample.metric) ?? new Map<string, Entry>();
    shelf.set(sample.metric, series);
    series.set(labelKey(sample.labels), { sample, agentWide });
  };

  const samplesOf = (series: ReadonlyMap<string, Entry> | undefined): GaugeSample[] =>
    [...(series?.values() ?? [])].map((entry) => entry.sample);

  return {
    replace(scope, samples) {
      const agentWide = Object.keys(scope).length === 0;
      if (agentWide) clear("", (entry) => entry.agentWide);
      else {
        const touched = scope["source"] === undefined ? [...shelves.keys()] : [scope["source"]];
        for (const shelf of touched) clear(shelf, (entry) => containsLabels(entry.sample.labels, scope));
      }
      for (const sample of samples) put(sample, agentWide);
    },
    of: (metric) => [...shelves.values()].flatMap((shelf) => samplesOf(shelf.get(metric))),
    all: () => [...shelves.values()].flatMap((shelf) => [...shelf.values()].flatMap(samplesOf)),
  };
}

function shelfOf(labels: Labels): string {
  return labels["source"] ?? "";
}
