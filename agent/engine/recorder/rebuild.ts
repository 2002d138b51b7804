/** State made anew from the evidence: by hand, or at start when the database is damaged. */
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { State } from "../../core/ports.ts";
import { createRecorder, type Recorder, type RecorderDeps } from "../recorder.ts";

export interface RebuildDeps<S extends State> extends Omit<RecorderDeps, "state"> {
  /** Opens the database, or makes it where there is none. */
  readonly openState: () => Promise<S>;
  /** Moves the database out of the way. @returns where it lies now, or null when there was none */
  readonly setStateAside: () => Promise<string | null>;
}

export interface Rebuilt {
  readonly movedTo: string | null;
  readonly entries: number;
  readonly reason: string;
}

export interface OpenedState<S extends State> {
  readonly state: S;
  /** Has replayed what state had missed. */
  readonly recorder: Recorder;
  readonly replayed: number;
  /** Null when the state was sound. */
  readonly rebuilt: Rebuilt | null;
}

/**
 * Opens the state and applies what it missed. A damaged one is rebuilt, when the evidence proves sound.
 * @param deps.verify what is wrong with the evidence, one sentence each; only asked when the state is damaged
 * @throws AgentError `damaged` state-and-evidence-damaged; `damaged` state-disagrees; and what opening the state throws
 */
export async function openStateOrRebuild<S extends State>(
  deps: RebuildDeps<S> & { readonly verify: () => Promise<readonly string[]> },
): Promise<OpenedState<S>> {
  try {
    return { ...(await openAndReplay(deps)), rebuilt: null };
  } catch (thrown) {
    const error = asAgentError(thrown);
    if (error.code !== "state-damaged") throw error;
    const problems = await deps.verify();
    if (problems.length > 0)
      throw new AgentError("damaged", "state-and-evidence-damaged", `${error.message} It cannot be rebuilt by itself: ${problems[0]}`, {
        cause: thrown,
        mend: "put the evidence back from its backup, or accept it as it is with restorewatch state rebuild",
      });
    return rebuildState(deps, error.message);
  }
}

/**
 * Moves the database aside and makes a new one from all evidence. The evidence must be open, so no agent can be running.
 * @param reason kept in evidence; no secret
 * @throws AgentError `damaged` at the first broken link of the evidence; the old database then lies beside the unfinished new one
 */
export async function rebuildState<S extends State>(
  deps: RebuildDeps<S>,
  reason: string,
): Promise<OpenedState<S> & { readonly rebuilt: Rebuilt }> {
  const movedTo = await deps.setStateAside();
  const opened = await openAndReplay(deps);
  const rebuilt = { movedTo, entries: opened.replayed, reason };
  deps.telemetry.log("warn", "state was rebuilt from the evidence", {
    entries: rebuilt.entries,
    reason,
    ...(movedTo === null ? {} : { old: movedTo }),
  });
  try {
    await opened.recorder.record([{ type: "state.rebuilt", at: deps.clock.now(), ...rebuilt }]);
  } catch (thrown) {
    await opened.state.close();
    throw thrown;
  }
  return { ...opened, rebuilt };
}

async function openAndReplay<S extends State>(deps: RebuildDeps<S>): Promise<Omit<OpenedState<S>, "rebuilt">> {
  const state = await deps.openState();
  try {
    const recorder = createRecorder({ ...deps, state });
    return { state, recorder, replayed: await recorder.replay() };
  } catch (thrown) {
    await state.close();
    throw thrown;
  }
}
