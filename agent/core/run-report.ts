/** Run reports as people and scripts write them: the body of POST /api/v1/runs, a `*.run.json` sidecar, the flags of `record`. */
import { z } from "zod";
import { AgentError } from "./errors.ts";
import { idOf } from "./ids.ts";
import type { RunReport } from "./values.ts";
import { ITEM_KINDS, RUN_OUTCOMES } from "./words.ts";

const moment = z.union([z.iso.datetime({ offset: true }), z.number()]).describe("ISO 8601 with offset, or seconds since the epoch");
const count = z.number().int().nonnegative();

export const runReportSchema = z.strictObject({
  source: z.string().min(1).max(63).optional().describe("Source id; a sidecar may leave it out, it belongs to the source it lies with"),
  started: moment.optional().describe("When the backup run began"),
  finished: moment.describe("When it ended"),
  outcome: z.enum(RUN_OUTCOMES).describe("success, failure, partial or unknown"),
  bytes: count.optional().describe("Bytes written"),
  items: z
    .strictObject(Object.fromEntries(ITEM_KINDS.map((kind) => [kind, count.optional()])))
    .optional()
    .describe("Items written, by kind"),
  artifact: z.string().min(1).max(1024).optional().describe("Path of the artifact within the vault; in a sidecar: relative to the sidecar"),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe("SHA-256 of the artifact, hex"),
  message: z.string().max(500).optional().describe("One line for people; no secret, no personal data"),
});

export type RunReportInput = z.infer<typeof runReportSchema>;

/**
 * @param defaults what the way it came in already knows
 * @throws AgentError `usage` naming each field that is wrong
 */
export function parseRunReport(
  input: unknown,
  defaults: { readonly sourceId: string | null; readonly via: RunReport["via"]; readonly now: number; readonly artifact?: string | null },
): RunReport {
  const parsed = runReportSchema.safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "report"}: ${issue.message}`).join("; ");
    throw new AgentError("usage", "run-report-invalid", `The run report is not valid: ${problems}`, {
      mend: "see the fields of POST /api/v1/runs in /api/v1/openapi.json",
    });
  }
  const report = parsed.data;
  const sourceId = report.source ?? defaults.sourceId;
  if (sourceId === null) throw new AgentError("usage", "run-report-invalid", "The run report names no source.", { mend: "add `source`" });
  const finishedAt = toMillis(report.finished);
  const startedAt = report.started === undefined ? null : toMillis(report.started);
  if (startedAt !== null && startedAt > finishedAt)
    throw new AgentError("usage", "run-report-invalid", "The run report is not valid: it finished before it started.");
  if (finishedAt > defaults.now + 600_000)
    throw new AgentError("usage", "run-report-invalid", "The run report is not valid: it finished in the future.", {
      mend: "check the clock of the machine that wrote it",
    });
  const path = report.artifact ?? defaults.artifact ?? null;
  const items =
    report.items === undefined ? null : Object.fromEntries(Object.entries(report.items).filter(([, value]) => value !== undefined));
  return {
    id: idOf("run", sourceId, startedAt, finishedAt, report.outcome, path),
    sourceId,
    startedAt,
    finishedAt,
    outcome: report.outcome,
    bytes: report.bytes ?? null,
    items,
    path,
    checksum: report.sha256 === undefined ? null : { algorithm: "sha256", value: report.sha256 },
    message: report.message ?? null,
    receivedAt: defaults.now,
    via: defaults.via,
  };
}

function toMillis(value: string | number): number {
  return typeof value === "number" ? Math.round(value < 1e11 ? value * 1000 : value) : Date.parse(value);
}
