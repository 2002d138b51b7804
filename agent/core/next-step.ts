/** What a person does next about a source that is not fine: one sentence or two, or nothing where time does it. Pure. */
import type { SourcePolicy } from "./policy.ts";
import { failingChecks, type SourceStatus } from "./status.ts";

/** In the order of the ranks of status.ts: about the same thing as the headline. */
export function nextStep(status: SourceStatus, policy: Pick<SourcePolicy, "backups">): string | null {
  const { rpo, verdict, trouble } = status;
  if (verdict === "failed") return afterFailure(status);
  if (rpo.state === "breached") return "Look into the log and the schedule of the backup job: it wrote nothing new here.";
  if (rpo.state === "never")
    return `Compare where the backup job writes with the vault, path and pattern of this source, now ${policy.backups.vaultId}: ${where(policy)}. \`restorewatch check\` shows what is there.`;
  if (verdict === "pending" && status.previous?.verdict === "failed")
    return "Wait for the drill of the newest backup, which starts by itself: it shows whether the failure is gone.";
  if (trouble !== null) return "`restorewatch check` says what is in the way. Until then nothing newer is known.";
  if (status.alarms.length > 0)
    return "Was the change meant? Then it becomes the usual by itself. If not, keep an older backup safe first.";
  if (verdict === "inconclusive") return "It is tried again by itself. If that goes on, mend what the reason says: it is not the backup.";
  if (status.failedRuns > 0) return "Look into the log of the backup job.";
  const [problem] = status.product?.problems ?? [];
  if (problem !== undefined)
    return problem.mend === null ? "It is asked again by itself; the agent's log says more." : sentence(problem.mend);
  if (status.stale) return "`restorewatch drill` verifies it now; the agent's log says why it has not.";
  if (rpo.state === "late") return "If none comes soon, look into the schedule of the backup job.";
  return null;
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1).replace(/\.$/u, "")}.`;
}

function where({ backups }: Pick<SourcePolicy, "backups">): string {
  return [backups.path, backups.pattern].filter((part) => part !== "").join("/");
}

/** By what failed; the first check is the one the headline is about. */
const AFTER: readonly (readonly [prefix: string, step: string])[] = [
  [
    "credentials.",
    "Find the key these credentials were encrypted with and name it as backups.key; without it every login has to be made anew.",
  ],
  [
    "artifact.decrypts",
    "Find the key this backup was encrypted with and name it as backups.key; without it nothing in it can be restored.",
  ],
  ["artifact.no-secrets", "Change those secrets: whoever could read the backup could read them. Then let the platform encrypt them."],
  ["artifact.", "Make a new backup now: this file is not whole. Then look at how it is written and copied."],
  ["governance.retention", "Remove what is older than it may be, or correct data.retention."],
  ["links.", "The drill names the records. Mend the links at the source, or, if they are right there, look at how the export writes them."],
  ["records.", "The drill names the records. Compare them with the source: either the data is wrong there, or the export lost it."],
  ["files.", "Back up the attachments too, or again: the records point to files that would not come back."],
];

function afterFailure(status: SourceStatus): string {
  const [check] = failingChecks(status.drill);
  const own = check === undefined ? undefined : AFTER.find(([prefix]) => check.id.startsWith(prefix));
  return own?.[1] ?? "The drill says what is wrong and where. Mend it at the source or in the backup job, then back up again.";
}
