/** Commands by which a person decides. */
import { userInfo } from "node:os";
import { freshId, inboxOf, openStateForReading, readConfig } from "../../app.ts";
import { forReview } from "../../core/decisions.ts";
import { leaveInInbox } from "../../engine/inbox.ts";
import { actorsCommand, eraseCommand } from "../actors.ts";
import { alarmsCommand } from "../alarms.ts";
import { answerCommand, baselineCommand } from "../baseline.ts";
import type { Shell } from "../program.ts";
import { quiet } from "./quiet.ts";
import { configPath, type How } from "./world.ts";

export interface BaselineFlags {
  readonly config?: string;
  readonly output: How;
  readonly approve: boolean;
  readonly reject: boolean;
  readonly reason?: string;
}

export async function baselines(source: string | null, flags: BaselineFlags, shell: Shell): Promise<number> {
  if (source !== null && (flags.approve || flags.reject)) {
    const answer = flags.reject ? "rejected" : "approved";
    return answered(source, { about: "baseline", answer, subject: null, reason: flags.reason ?? null }, flags, shell);
  }
  const world = quiet(shell);
  const config = await readConfig(configPath(flags.config ?? null, shell), shell.env);
  const state = await openStateForReading(config, world.clock);
  try {
    const { baselines: kept } = state.repositories;
    return await baselineCommand(
      source,
      { output: flags.output },
      {
        out: shell.out,
        sources: config.sources.map((one) => one.id),
        async read(sourceId) {
          const [[approved = null], [proposed = null]] = await Promise.all([
            kept.list({ sourceId, status: "approved", limit: 1 }),
            kept.list({ sourceId, status: "proposed", limit: 1 }),
          ]);
          const differences = approved === null || proposed === null ? [] : forReview(approved.facts, proposed.facts);
          return { source: sourceId, approved, proposed, differences };
        },
      },
    );
  } finally {
    await state.close();
  }
}

export async function expectAlarm(
  source: string,
  alarm: string | null,
  flags: { readonly config?: string; readonly output: How; readonly reason?: string },
  shell: Shell,
): Promise<number> {
  if (alarm === null) return activeAlarms(source, flags, shell);
  return answered(source, { about: "alarm", answer: "expected", subject: alarm, reason: flags.reason ?? null }, flags, shell);
}

async function activeAlarms(
  source: string,
  flags: { readonly config?: string; readonly output: How; readonly reason?: string },
  shell: Shell,
): Promise<number> {
  const config = await readConfig(configPath(flags.config ?? null, shell), shell.env);
  const state = await openStateForReading(config, quiet(shell).clock);
  try {
    const deps = { out: shell.out, sources: config.sources.map((one) => one.id) };
    return await alarmsCommand(
      source,
      { output: flags.output },
      { ...deps, read: (sourceId) => state.repositories.alarms.list({ sourceId }) },
    );
  } finally {
    await state.close();
  }
}

async function answered(
  source: string,
  given: Parameters<typeof answerCommand>[1],
  flags: { readonly config?: string; readonly output: How },
  shell: Shell,
): Promise<number> {
  const world = quiet(shell);
  const config = await readConfig(configPath(flags.config ?? null, shell), shell.env);
  return answerCommand(source, given, flags.output, {
    out: shell.out,
    sources: config.sources.map((one) => one.id),
    leave: (document) =>
      leaveInInbox(inboxOf(config), `${world.clock.now()}-${freshId()}`, {
        kind: "decision",
        document: { ...document, actor: nameOfUser() },
      }),
  });
}

export async function listActors(flags: { readonly config?: string; readonly output: How }, shell: Shell): Promise<number> {
  return withActors(flags, shell, (deps) => actorsCommand(flags.output, deps));
}

export async function eraseActor(id: string, flags: { readonly config?: string; readonly output: How }, shell: Shell): Promise<number> {
  return withActors(flags, shell, (deps) => eraseCommand(id, flags.output, deps));
}

async function withActors(
  flags: { readonly config?: string },
  shell: Shell,
  work: (deps: Parameters<typeof actorsCommand>[1]) => Promise<number>,
): Promise<number> {
  const world = quiet(shell);
  const config = await readConfig(configPath(flags.config ?? null, shell), shell.env);
  const state = await openStateForReading(config, world.clock);
  try {
    const { actors, decisions } = state.repositories;
    return await work({
      out: shell.out,
      async read() {
        const made = Map.groupBy(await decisions.list({}), ({ actor }) => actor);
        const names = await actors.names();
        return [...new Set([...made.keys(), ...names.keys()])]
          .toSorted()
          .map((id) => ({ id, name: names.get(id) ?? null, decisions: made.get(id)?.length ?? 0 }));
      },
      leave: (id) => leaveInInbox(inboxOf(config), `${world.clock.now()}-${freshId()}`, { kind: "actor", document: { forget: id } }),
    });
  } finally {
    await state.close();
  }
}

/** Whoever runs the command; a system that has no name for it still has a number. */
function nameOfUser(): string {
  try {
    return `user ${userInfo().username}`;
  } catch {
    return `user ${process.getuid?.() ?? "unknown"}`;
  }
}
