/** What a person decided, from wherever it came: checked against what there is, recorded with an opaque actor, and acted on. */
import { createHmac } from "node:crypto";
import { type Answer, type Baseline, type Decision, type DecisionWay, REASON_MOST } from "../core/decisions.ts";
import { AgentError } from "../core/errors.ts";
import type { EvidenceEntry } from "../core/evidence.ts";
import { idOf } from "../core/ids.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
import type { Alarm } from "../core/values.ts";

export interface DecisionOrder {
  readonly about: Decision["about"];
  /** Id of the baseline or alarm; null: the baseline of the source that waits. */
  readonly subject: string | null;
  readonly sourceId: string;
  readonly answer: Answer;
  readonly reason: string;
  /** As the person is known where it was decided; only an opaque id of it is recorded. */
  readonly actor: string;
  readonly via: DecisionWay;
}

export interface DecisionDeps {
  readonly repositories: Repositories;
  readonly record: (entries: readonly EvidenceEntry[]) => Promise<void>;
  readonly policies: () => readonly SourcePolicy[];
  readonly now: () => number;
  /** Hex. */
  readonly digestKey: string;
}

/**
 * Records one decision; the same one again changes nothing.
 * @throws AgentError `usage` where there is nothing of that kind to decide on, or no reason is given
 */
export async function decide(order: DecisionOrder, deps: DecisionDeps): Promise<Decision> {
  const reason = plainReason(order.reason);
  if (!deps.policies().some((policy) => policy.id === order.sourceId))
    throw new AgentError("usage", "no-such-source", `The configuration has no source "${order.sourceId.slice(0, 100)}".`);
  const subject = order.about === "baseline" ? await baselineOf(order, deps.repositories) : await alarmOf(order, deps.repositories);
  const actor = actorId(deps.digestKey, order.actor);
  const at = deps.now();
  const { about, sourceId, answer, via } = order;
  // Not of the time: what a crash has taken in twice is one decision.
  const id = idOf("decision", about, subject.id, answer, actor, reason);
  const known = (await deps.repositories.decisions.list({ sourceId })).find((one) => one.id === id);
  if (known !== undefined) return known;
  const decision: Decision = {
    id,
    about,
    subject: subject.id,
    sourceId,
    answer,
    at,
    actor,
    reason,
    via,
  };
  await deps.repositories.actors.put(actor, order.actor.slice(0, 200));
  const ended: EvidenceEntry[] =
    "signal" in subject && subject.endedAt === null
      ? [{ type: "alarm.changed", at, alarm: { ...subject, endedAt: Math.max(at, subject.since) } }]
      : [];
  await deps.record([{ type: "decision.made", at, decision }, ...ended]);
  return decision;
}

/** The same person is the same actor; without the key nobody can tell who. */
export function actorId(digestKey: string, name: string): string {
  return `~${createHmac("sha256", digestKey).update(`actor/${name}`).digest("hex").slice(0, 16)}`;
}

/** One line, without what looks like an address or a secret: it is kept for ever. */
export function plainReason(text: string): string {
  const line = text
    .replaceAll(/\p{Cc}+/gu, " ")
    .replaceAll(/[\w.+-]+@[\w-]+\.[\w.-]+/gu, "[address]")
    .replaceAll(/\b(?:Bearer|Basic)\s+\S+/giu, "[secret]")
    .replaceAll(/\b[A-Za-z0-9_-]{32,}\b/gu, "[secret]")
    .trim()
    .slice(0, REASON_MOST);
  if (line === "") throw new AgentError("usage", "no-reason", "A decision needs a reason.", { mend: "say in one line why" });
  return line;
}

async function baselineOf({ subject, sourceId, answer }: DecisionOrder, { baselines }: Repositories): Promise<Baseline> {
  if (answer === "expected") throw new AgentError("usage", "bad-answer", "A baseline is approved or rejected.");
  const found = subject === null ? (await baselines.list({ sourceId, status: "proposed", limit: 1 }))[0] : await baselines.get(subject);
  if (found === undefined || found === null || found.sourceId !== sourceId)
    throw new AgentError("usage", "nothing-proposed", `No baseline of ${sourceId} waits for a decision.`, {
      mend: "see restorewatch baseline for those that do",
    });
  return found;
}

async function alarmOf({ subject, sourceId, answer }: DecisionOrder, { alarms }: Repositories): Promise<Alarm> {
  if (answer !== "expected") throw new AgentError("usage", "bad-answer", "An alarm can only be marked as expected.");
  const known = await alarms.list({ sourceId, all: true, limit: 1000 });
  const found = known.filter((alarm) => subject !== null && alarm.id.startsWith(subject));
  if (found.length !== 1 || found[0] === undefined)
    throw new AgentError(
      "usage",
      "no-such-alarm",
      `${found.length === 0 ? "No alarm" : "More than one alarm"} of ${sourceId} begins with that id.`,
      {
        mend: "take the id from the page or from /api/v1/sources/{id}",
      },
    );
  return found[0];
}
