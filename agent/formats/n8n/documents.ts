/** JSON of `export:workflow` and `export:credentials`: one file of all, or a directory with a file for each. */
import { join } from "node:path";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { ArtifactProbe, Content, FormatContext } from "../../core/ports.ts";
import { automationOf, isWorkflow, workflowIn } from "../../products/n8n/workflows.ts";
import { readJson } from "../reading.ts";
import { credentialOf, isCredential, keysOf } from "./credentials.ts";
import { listingOf } from "./listing.ts";
import { contentOf, uniqueById } from "./parts.ts";

export async function openDocuments(probe: ArtifactProbe, context: FormatContext): Promise<Content> {
  if (probe.bytes > context.limits.maxBytes)
    throw new AgentError("limit", "too-large", `The export is ${probe.bytes} bytes, more than the ${context.limits.maxBytes} allowed.`);
  const problems: string[] = [];
  const found: unknown[] = [];
  const take = (document: unknown, name: string): void => {
    for (const one of Array.isArray(document) ? (document as readonly unknown[]) : [document])
      if (isWorkflow(one) || isCredential(one)) found.push(one);
      else problems.push(`${name} holds something that is neither a workflow nor a credential.`);
  };
  if (probe.kind === "file") take(await readJson(probe.path, "The export", context), "The export");
  else
    for (const entry of probe.entries.filter((name) => name.endsWith(".json"))) {
      try {
        take(await readJson(join(probe.path, entry), entry, context), entry);
      } catch (thrown) {
        const error = asAgentError(thrown);
        if (error.kind !== "damaged") throw thrown;
        problems.push(error.message);
      }
    }
  const workflows = uniqueById(found.filter(isWorkflow), "workflow", problems);
  const kept = uniqueById(found.filter(isCredential), "credential", problems);
  if (workflows.length + kept.length === 0)
    throw new AgentError("damaged", "not-n8n", problems[0] ?? "The export holds neither a workflow nor a credential.");
  const credentials = kept.map((one) => credentialOf(one, keysOf(context.key)));
  const known = {
    // A single workflow was picked out by somebody: what it calls was left out on purpose.
    workflow: workflows.length > 1 ? new Set(workflows.map((one) => String(one["id"]))) : null,
    credential: kept.length > 0 ? new Set(credentials.map((one) => one.id)) : null,
    table: null,
  };
  return contentOf({
    formatVersion: null,
    problems,
    ...listingOf(workflows, kept),
    automations: workflows.map((one) => automationOf(workflowIn(one), known)),
    credentials,
    without: {
      access: "users, roles and projects are not part of export:workflow and export:credentials",
      settings: "settings, variables and the encryption key are not part of export:workflow and export:credentials",
      ...(workflows.length === 0 ? { automations: "only credentials were exported" } : {}),
      ...(kept.length === 0 ? { credentials: "only workflows were exported; export:credentials is a command of its own" } : {}),
    },
  });
}
