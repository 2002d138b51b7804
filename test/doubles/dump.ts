/** Everything in a state that follows from evidence, in a form that can be compared. */
import type { State } from "../../agent/core/ports.ts";
import { SIGNALS } from "../../agent/core/words.ts";

/** How polls went is no fact of the evidence, and is left out; so is when rows were removed for their age. */
export async function dumpState(state: State, sourceIds: readonly string[]): Promise<unknown> {
  const { points, runs, observations, drills, alarms, sources, tallies, meta } = state.repositories;
  const of: Record<string, unknown> = {};
  for (const id of sourceIds) {
    const signals = [];
    for (const signal of SIGNALS) signals.push(await observations.list(id, signal));
    of[id] = {
      points: await points.list(id, { gone: true }),
      runs: await runs.list(id),
      signals,
      ledger: await drills.ledger(id),
      alarms: await alarms.list({ sourceId: id, all: true }),
    };
  }
  const words: Record<string, string | null> = {};
  for (const key of ["evidence.applied", "evidence.noted", "config.hash"]) words[key] = await meta.get(key);
  return { of, words, drills: await drills.list({}), firstSeen: [...(await sources.firstSeen())], tallies: await tallies.all() };
}
