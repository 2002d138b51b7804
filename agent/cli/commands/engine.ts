/** Commands of the engine: report a run, poll, drill, say how things stand. */
import { freshId, inboxOf, openStateForReading, readConfig, readApplied } from "../../app.ts";
import { AgentError } from "../../core/errors.ts";
import type { LayerStanding } from "../../core/sampling/standing.ts";
import { readStanding } from "../../engine/coverage.ts";
import { readForecast } from "../../engine/forecasts.ts";
import { readStatuses } from "../../engine/statuses.ts";
import { leaveInInbox } from "../../engine/inbox.ts";
import type { Verdict } from "../../core/words.ts";
import type { DrillRecord } from "../../core/values.ts";
import { describeCount } from "../../core/words-for-people.ts";
import { exitCodeOf } from "../output.ts";
import type { Shell } from "../program.ts";
import { recordCommand } from "../record.ts";
import { clean, verdictMark } from "../render.ts";
import { reportCommand } from "../report.ts";
import { quiet } from "./quiet.ts";
import { configPath, appUnlessRunning, requireSource, type How } from "./world.ts";

export async function recordRun(
  source: string,
  options: Record<string, string | undefined> & { output: How },
  shell: Shell,
): Promise<number> {
  const world = quiet(shell);
  const config = await readConfig(configPath(options["config"] ?? null, shell), shell.env);
  return recordCommand(
    source,
    {
      outcome: options["outcome"] ?? "",
      started: options["started"] ?? null,
      finished: options["finished"] ?? null,
      bytes: options["bytes"] ?? null,
      records: options["records"] ?? null,
      artifact: options["artifact"] ?? null,
      sha256: options["sha256"] ?? null,
      message: options["message"] ?? null,
      output: options.output,
    },
    {
      out: shell.out,
      clock: world.clock,
      sources: config.sources.map((one) => one.id),
      leave: (kind, document) => leaveInInbox(inboxOf(config), `${world.clock.now()}-${freshId()}`, { kind, document }),
    },
  );
}

export async function reportSources(source: string | null, options: { config: string | null; output: How }, shell: Shell): Promise<number> {
  const world = quiet(shell);
  const config = await readConfig(configPath(options.config, shell), shell.env);
  const state = await openStateForReading(config, world.clock);
  try {
    return await reportCommand(
      source,
      { output: options.output },
      {
        out: shell.out,
        now: () => world.clock.now(),
        async read(only) {
          const policies = config.sources.filter((policy) => only === null || policy.id === only);
          const now = world.clock.now();
          const coverageOf = async (id: string): Promise<readonly LayerStanding[]> => {
            const policy = policies.find((one) => one.id === id);
            const connection = config.connections.find((one) => one.sourceId === id) ?? null;
            return policy === undefined ? [] : readStanding(policy, connection, state.repositories, now);
          };
          const statuses = await readStatuses(policies, state.repositories, now);
          return Promise.all(
            statuses.map(async (status) => ({
              status,
              drills: await state.repositories.drills.list({ sourceId: status.sourceId, limit: 50 }),
              coverage: await coverageOf(status.sourceId),
              forecast: await readForecast(state.repositories, status.sourceId),
              objectives: { rtoMs: policies.find((one) => one.id === status.sourceId)?.objectives.rtoMs ?? null },
            })),
          );
        },
        uncovered: config.uncovered.map((one) => one.id),
        evidenceHead: () => readApplied(state.repositories),
      },
    );
  } finally {
    await state.close();
  }
}

/** Looks once at every source (or one). A running agent is asked to, and says what it finds itself. */
export async function pollOnce(source: string | null, options: { config: string | null; output: How }, shell: Shell): Promise<number> {
  const path = configPath(options.config, shell);
  const config = await readConfig(path, shell.env);
  requireSource(
    source,
    config.sources.map((one) => one.id),
  );
  const app = await appUnlessRunning(path, shell);
  if (app === null) {
    await leaveInInbox(inboxOf(config), `${quiet(shell).clock.now()}-${freshId()}`, {
      kind: "poll",
      document: { sourceId: source },
    });
    shell.out.line("An agent runs on this configuration: it looks now.");
    return 0;
  }
  try {
    const results = [];
    for (const policy of app.agent.policies().filter((one) => source === null || one.id === source)) {
      const outcome = await app.agent.poll(policy, shell.stop);
      results.push({ source: policy.id, ok: outcome.ok, fresh: outcome.fresh, waiting: outcome.waiting, trouble: outcome.trouble });
    }
    if (options.output === "json") shell.out.line(JSON.stringify({ schema: "restorewatch.poll/v1", sources: results }));
    else
      for (const one of results)
        shell.out.line(
          `${clean(one.source)}: ${one.ok ? `${describeCount(one.fresh, "new backup")}${one.waiting > 0 ? `, ${one.waiting} may still be written` : ""}` : `could not look: ${clean(one.trouble?.message ?? "")}`}`,
        );
    return results.every((one) => one.ok) ? 0 : 3;
  } finally {
    await app.close("poll done");
  }
}

const WAIT_MS = 15 * 60_000;

/** Drills the newest backup now; through the running agent where there is one. */
export async function drillOnce(source: string, options: { config: string | null; output: How }, shell: Shell): Promise<number> {
  const path = configPath(options.config, shell);
  const config = await readConfig(path, shell.env);
  requireSource(
    source,
    config.sources.map((one) => one.id),
  );
  const app = await appUnlessRunning(path, shell);
  if (app === null) return drillThroughInbox(source, config, options.output, shell);
  try {
    const policy = app.agent.policies().find((one) => one.id === source);
    if (policy === undefined) throw new AgentError("usage", "no-such-source", `The configuration has no source "${source}".`);
    const polled = await app.agent.poll(policy, shell.stop);
    if (!polled.ok)
      throw new AgentError(
        "transient",
        polled.trouble?.code ?? "poll-failed",
        polled.trouble?.message ?? "The vault could not be looked at.",
      );
    return tell(await app.agent.drillNow(policy, shell.stop), source, options.output, shell);
  } finally {
    await app.close("drill done");
  }
}

async function drillThroughInbox(
  source: string,
  config: Awaited<ReturnType<typeof readConfig>>,
  output: How,
  shell: Shell,
): Promise<number> {
  const { clock } = quiet(shell);
  const state = await openStateForReading(config, clock);
  try {
    const before = (await state.repositories.drills.list({ sourceId: source, limit: 1 }))[0];
    await leaveInInbox(inboxOf(config), `${clock.now()}-${freshId()}`, {
      kind: "drill",
      document: { sourceId: source, requestId: freshId() },
    });
    const from = clock.monotonic();
    while (clock.monotonic() - from < WAIT_MS) {
      await clock.sleep(300, shell.stop);
      const newest = (await state.repositories.drills.list({ sourceId: source, limit: 1 }))[0];
      if (newest !== undefined && newest.id !== before?.id) return tell(newest, source, output, shell);
    }
    throw new AgentError("transient", "no-answer", "The running agent has not drilled it within 15 min.", {
      mend: "look at its page or its log",
    });
  } finally {
    await state.close();
  }
}

function tell(drill: DrillRecord | null, source: string, output: How, shell: Shell): number {
  if (drill === null)
    throw new AgentError("not_found", "no-backup", `There is no backup of "${source}" to drill, or another agent drills it now.`);
  const verdict: Verdict = drill.verdict;
  if (output === "json") shell.out.line(JSON.stringify({ schema: "restorewatch.drill/v1", drill }));
  else {
    shell.out.line(`${verdictMark(verdict, shell.out.style)}  ${clean(source)}  ${clean(drill.artifact.path)}`);
    for (const reason of drill.reasons) shell.out.line(`  ${clean(reason)}`);
  }
  return exitCodeOf(verdict);
}
