/** `restorewatch expected SOURCE`: the alarms that are active, each with the id by which it can be marked as expected. */
import { AgentError, asAgentError } from "../core/errors.ts";
import type { Alarm } from "../core/values.ts";
import { describeTime } from "../core/words-for-people.ts";
import type { Output } from "./output.ts";
import { clean } from "./render.ts";

/** As much of an id as tells alarms of a source apart. */
const SHORT = 12;

export interface AlarmsDeps {
  readonly out: Output;
  readonly sources: readonly string[];
  /** Those that have not ended. */
  readonly read: (source: string) => Promise<readonly Alarm[]>;
}

/** @returns 0 when none is active, 1 when some are, 2 for a source there is not */
export async function alarmsCommand(source: string, options: { readonly output: "text" | "json" }, deps: AlarmsDeps): Promise<number> {
  try {
    if (!deps.sources.includes(source))
      throw new AgentError("usage", "no-such-source", `The configuration has no source "${source}".`, {
        mend: `it has ${deps.sources.join(", ")}`,
      });
    const alarms = await deps.read(source);
    if (options.output === "json") {
      const told = alarms.map(({ id, signal, kind, rule, since, sentence, context = [] }) => ({
        id,
        signal,
        kind,
        rule,
        since: new Date(since).toISOString(),
        sentence,
        context,
      }));
      deps.out.line(JSON.stringify({ schema: "restorewatch.alarms/v1", source, alarms: told }));
    } else if (alarms.length === 0) deps.out.line(`${clean(source)}: no alarm is active.`);
    else {
      for (const { id, since, sentence } of alarms) deps.out.line(`${id.slice(0, SHORT)}  ${describeTime(since)}  ${clean(sentence)}`);
      deps.out.line(`  restorewatch expected ${clean(source)} ${alarms[0]?.id.slice(0, SHORT) ?? ""} --reason "…"`);
    }
    return alarms.length === 0 ? 0 : 1;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), options.output);
  }
}
