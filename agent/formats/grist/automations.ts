/**
 * Triggers (webhooks). The document says when one fires; its address and its secrets lie in Grist's home database, so every webhook
 * brings a credential that is not included.
 */
import type { Automation, AutomationReference, Credential } from "../../core/content.ts";
import type { Names } from "./collections.ts";
import type { GristDatabase } from "./database.ts";
import { digestRows, flag, hasColumn, id, ids, jsonOf, metaRows, text, texts, type MetaRow } from "./metadata.ts";

const COLUMNS = ["id", "tableRef", "eventTypes", "isReadyColRef", "actions", "label", "memo", "enabled", "watchedColRefList", "options"];

export function readAutomations(
  database: GristDatabase,
  names: Names,
  maxRows: number,
): { readonly automations: Automation[]; readonly credentials: Credential[] } {
  const alwaysOn = !hasColumn(database, "_grist_Triggers", "enabled");
  const rows = metaRows(database, "_grist_Triggers", COLUMNS, maxRows);
  const automations = rows.map((row): Automation => {
    const table = names.tables.get(id(row, "tableRef"));
    const events = texts(row, "eventTypes");
    return {
      id: String(id(row, "id")),
      name: text(row, "label") || `Webhook of ${table?.name ?? "a missing table"}`,
      active: alwaysOn || flag(row, "enabled"),
      trigger: events.length === 0 ? null : events.sort().join(", "),
      references: [
        ...tableReferences(row, names),
        ...webhooksOf(row).map((webhook) => ({ kind: "webhook" as const, target: webhook, resolved: true })),
      ],
      bodyDigest: digestRows([row]),
    };
  });
  const webhooks = [...new Set(rows.flatMap(webhooksOf))].sort();
  return { automations, credentials: webhooks.map((webhook) => ({ id: webhook, type: "webhook", state: "not-included" })) };
}

function tableReferences(row: MetaRow, names: Names): AutomationReference[] {
  const tableRef = id(row, "tableRef");
  const table = names.tables.get(tableRef);
  const columns = [id(row, "isReadyColRef"), ...ids(row, "watchedColRefList")].filter((column) => column !== 0);
  return [
    { kind: "collection", target: table?.id ?? `table #${tableRef}`, resolved: table !== undefined },
    ...columns.map((column): AutomationReference => {
      const found = names.columns.get(column);
      const ours = found !== undefined && found.table === table?.id;
      return { kind: "collection", target: ours ? `${found.table}.${found.id}` : `column #${column}`, resolved: ours };
    }),
  ];
}

/** Ids only: an id names the webhook in the home database and opens nothing. */
function webhooksOf(row: MetaRow): string[] {
  const actions = jsonOf(text(row, "actions"));
  if (!Array.isArray(actions)) return [];
  return actions.filter((action): action is { type: string; id: string } => isWebhook(action)).map((action) => action.id);
}

function isWebhook(action: unknown): boolean {
  const { type, id } = (action ?? {}) as { type?: unknown; id?: unknown };
  return type === "webhook" && typeof id === "string" && id !== "";
}
