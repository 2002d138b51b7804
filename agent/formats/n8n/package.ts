/** `.n8np`: workflows with what they need, named in a manifest. Credentials come without secrets, data tables without rows. */
import { AgentError } from "../../core/errors.ts";
import type { ArtifactProbe, Content, FormatContext } from "../../core/ports.ts";
import { isObject, type JsonObject, objectOf, objectsIn, textOf } from "../../kit/json.ts";
import { automationOf, isWorkflow, workflowIn } from "../../products/n8n/workflows.ts";
import { jsonOf, readWhole } from "../reading.ts";
import { listingOf } from "./listing.ts";
import { contentOf } from "./parts.ts";
import { untar } from "./tar.ts";

const KINDS = { workflows: "workflow.json", credentials: "credential.json", dataTables: "data-table.json", tags: "tag.json" } as const;

export async function openPackage(probe: ArtifactProbe, context: FormatContext): Promise<Content> {
  const files = untar(await readWhole(probe.path, "The package", context), context.limits);
  const bytes = files.get("manifest.json");
  if (bytes === undefined) throw new AgentError("damaged", "n8n-no-manifest", "The package has no manifest.json.");
  const manifest = jsonOf(bytes, "manifest.json", context.limits.maxDepth);
  if (!isObject(manifest) || textOf(manifest["packageFormatVersion"]) === null || !Array.isArray(manifest["workflows"]))
    throw new AgentError("damaged", "n8n-manifest", "The manifest of the package is not one of n8n.");
  const problems: string[] = [];
  const named = (kind: keyof typeof KINDS): readonly JsonObject[] =>
    objectsIn(manifest[kind]).flatMap((item, at) => {
      const file = files.get(`${textOf(item["target"]) ?? ""}/${KINDS[kind]}`);
      if (file === undefined) {
        problems.push(`Of the ${kind} that the manifest names, number ${at + 1} is missing.`);
        return [];
      }
      const value = jsonOf(file, `A file of ${kind}`, context.limits.maxDepth);
      return isObject(value) ? [value] : [];
    });
  const workflows = named("workflows");
  const whole = workflows.filter(isWorkflow);
  if (whole.length < workflows.length) problems.push("A workflow of the package has no nodes or no id.");
  const credentials = named("credentials");
  const tables = named("dataTables");
  named("tags");
  const ids = (items: readonly JsonObject[]): ReadonlySet<string> => new Set(items.map((item) => String(item["id"])));
  const known = { workflow: ids(workflows), credential: ids(credentials), table: ids(tables) };
  const at = Date.parse(textOf(manifest["exportedAt"]) ?? "");
  return contentOf({
    formatVersion: textOf(manifest["sourceN8nVersion"]),
    createdAt: Number.isNaN(at) ? null : at,
    problems,
    automations: whole.map((one) => automationOf(workflowIn(one), known)),
    credentials: credentials.map((one) => ({
      id: String(one["id"]),
      type: (textOf(one["type"]) ?? "unknown").slice(0, 200),
      state: isObject(one["data"]) && Object.values(one["data"]).some(holdsClearText) ? "plain" : "not-included",
    })),
    // Data tables come without their rows: called collections they would look emptied.
    ...listingOf(whole, []),
    without: {
      credentials: "a package names credentials, without their secrets",
      timestamps: "a package does not say when a workflow was edited",
      access: "a package holds no users, roles and projects' members",
      settings: "a package holds no settings and no encryption key",
    },
  });
}

/** Expressions stand for a secret that lies elsewhere. */
function holdsClearText(value: unknown): boolean {
  const told = textOf(value);
  return told === null ? Object.values(objectOf(value) ?? {}).some(holdsClearText) : !told.startsWith("=");
}
