/** What every kind of n8n's exports is made into. */
import type { AccessEntry, Aspect, AspectState, Automation, Collection, Credential, Setting } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { Content } from "../../core/ports.ts";
import type { JsonObject } from "../../kit/json.ts";
import { plainSecretsOf } from "./credentials.ts";

export interface Parts {
  readonly formatVersion: string | null;
  readonly createdAt?: number | null;
  readonly problems: readonly string[];
  readonly compared?: number;
  readonly automations: readonly Automation[];
  readonly credentials: readonly Credential[];
  readonly collections?: readonly Collection[];
  readonly access?: readonly AccessEntry[];
  readonly settings?: readonly Setting[];
  /** What this kind of export does not hold, with the reason; everything else of n8n it does. */
  readonly without: Partial<Record<Aspect, string>>;
  readonly records?: Content["records"];
  readonly close?: () => Promise<void>;
}

const NEVER: Partial<Record<Aspect, string>> = {
  links: "n8n's data tables have no links",
  views: "n8n has no views",
  files: "binary data lies in n8n's file store and its executions, which no export holds",
  templates: "n8n keeps no templates of its own",
  sequences: "no export of n8n says which key comes next",
  audit: "executions and the audit log are left out of every export unless asked for",
};
const ALL: readonly Aspect[] = [
  ...(["records", "links", "views", "automations", "credentials", "files"] as const),
  ...(["access", "settings", "templates", "sequences", "timestamps", "audit"] as const),
];

export function contentOf(parts: Parts): Content {
  const without: Partial<Record<Aspect, string>> = { ...NEVER, ...parts.without };
  const aspects = ALL.map((aspect): [Aspect, AspectState] => {
    const reason = without[aspect];
    return [aspect, reason === undefined ? { included: true } : { included: false, reason }];
  });
  return {
    format: "n8n",
    formatVersion: parts.formatVersion,
    createdAt: parts.createdAt ?? null,
    integrity: {
      complete: parts.problems.length === 0,
      problems: parts.problems.slice(0, 20),
      checksums: parts.compared === undefined ? null : { compared: parts.compared, mismatched: [] },
      plainSecrets: plainSecretsOf(parts.credentials),
    },
    collections: parts.collections ?? [],
    automations: parts.automations,
    credentials: parts.credentials,
    files: [],
    access: parts.access ?? [],
    settings: parts.settings ?? [],
    views: [],
    aspects: Object.fromEntries(aspects) as Record<Aspect, AspectState>,
    records: parts.records ?? noRecords,
    fileBytes: noFile,
    close: parts.close ?? (async () => {}),
  };
}

/** n8n pages through its own tables without an order: where it gave out one thing twice, it left out another. */
export function uniqueById(items: readonly JsonObject[], what: string, problems: string[]): readonly JsonObject[] {
  const byId = new Map(items.map((item) => [String(item["id"]), item]));
  if (byId.size < items.length) problems.push(`${items.length - byId.size} times the id of a ${what} is there twice.`);
  return [...byId.values()];
}

// eslint-disable-next-line require-yield -- a stream that ends with an error
async function* noRecords(collectionId: string): AsyncGenerator<never> {
  throw new AgentError("not_found", "no-such-collection", `The export holds no data table ${JSON.stringify(collectionId.slice(0, 100))}.`);
}

// eslint-disable-next-line require-yield -- a stream that ends with an error
async function* noFile(fileId: string): AsyncGenerator<never> {
  throw new AgentError("not_found", "no-such-file", `Exports of n8n hold no file ${JSON.stringify(fileId.slice(0, 100))}.`);
}
