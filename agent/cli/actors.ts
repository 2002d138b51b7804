/** `restorewatch actors`: who decided, and how a name is erased. The evidence holds opaque ids only, and keeps them. */
import { AgentError, asAgentError } from "../core/errors.ts";
import { describeCount } from "../core/words-for-people.ts";
import type { Output } from "./output.ts";
import { clean } from "./render.ts";

export interface ActorView {
  readonly id: string;
  /** Null where it was erased, or is not known on this machine. */
  readonly name: string | null;
  readonly decisions: number;
}

export interface ActorsDeps {
  readonly out: Output;
  readonly read: () => Promise<readonly ActorView[]>;
  /** Asks the agent, which alone writes the state. */
  readonly leave: (id: string) => Promise<void>;
}

/** @returns 0 */
export async function actorsCommand(output: "text" | "json", deps: ActorsDeps): Promise<number> {
  try {
    const actors = await deps.read();
    if (output === "json") deps.out.line(JSON.stringify({ schema: "restorewatch.actors/v1", actors }));
    else if (actors.length === 0) deps.out.line("Nobody has decided anything yet.");
    else
      for (const { id, name, decisions } of actors)
        deps.out.line(`${id}  ${name === null ? "(erased)" : clean(name)}  ${describeCount(decisions, "decision")}`);
    return 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), output);
  }
}

/** @returns 0 when it is left to the agent or was erased before, 2 for an id there is not */
export async function eraseCommand(id: string, output: "text" | "json", deps: ActorsDeps): Promise<number> {
  try {
    const actor = (await deps.read()).find((one) => one.id === id);
    if (actor === undefined)
      throw new AgentError("usage", "no-such-actor", `Nobody has the id "${id}".`, { mend: "restorewatch actors list shows the ids" });
    if (actor.name !== null) await deps.leave(id);
    const left = actor.name !== null;
    if (output === "json") deps.out.line(JSON.stringify({ schema: "restorewatch.actors/v1", id, asked: left }));
    else
      deps.out.line(
        left
          ? `The name behind ${id} is erased within seconds by the agent, or when it starts. A token or proxy that names them the same way brings it back with their next decision.`
          : `${id} has no name any more.`,
      );
    return 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), output);
  }
}
