/** What is not a database: pages of the application builder, workflows, dashboards, and whatever else an export may hold. */
import type { Automation, Credential, Setting, View } from "../../core/content.ts";
import { sha256Hex } from "../../core/ids.ts";
import { canonicalJson, isObject, type JsonObject, objectsIn, textOf } from "../../kit/json.ts";
import { idOf } from "./ids.ts";
import { idsOf, referencesIn, type Surroundings } from "./references.ts";
import type { BaserowTable, Names } from "./tables.ts";

export interface Parts {
  readonly automations: readonly Automation[];
  readonly credentials: readonly Credential[];
  readonly settings: readonly Setting[];
  /** Widgets of dashboards. */
  readonly views: readonly View[];
  /** Secrets in clear, as sentences. */
  readonly plainSecrets: readonly string[];
}

/** Ids are those of Baserow with the kind before them, `page/12`; one that comes twice is told apart by its place. */
export function readApplications(applications: readonly JsonObject[], names: Names): Parts {
  const databases = applications.some((one) => one["type"] === "database");
  const read = applications.map((one) => readApplication(one, { names, databases }));
  return {
    automations: apart(read.flatMap((one) => one.automations)),
    credentials: apart(read.flatMap((one) => one.credentials)),
    settings: apart(read.flatMap((one) => one.settings)),
    views: apart(read.flatMap((one) => one.views)),
    plainSecrets: read.flatMap((one) => one.plainSecrets),
  };
}

/** Settings that lie in tables: how computed fields are computed, and where data is synchronised from. */
export function tableSettings(tables: readonly BaserowTable[]): Setting[] {
  return tables.flatMap((table) => {
    const formulas = table.fields
      .filter((field) => field.field.computed)
      .map(({ field, definition }) => {
        // What it is called, and what the fields it uses are called, changes nothing of what it computes.
        const { name: _name, formula: _formula, ...rest } = definition;
        return { id: `formula/${field.id}`, digest: digestOf({ ...rest, formula: field.formula ?? null }) };
      });
    const sync = table.definition["data_sync"];
    return isObject(sync) ? [...formulas, { id: `data-sync/${table.collection.id}`, digest: digestOf(sync) }] : formulas;
  });
}

export function digestOf(value: unknown): string {
  return sha256Hex(canonicalJson(value));
}

export function apart<T extends { readonly id: string }>(items: readonly T[]): T[] {
  const taken = new Set<string>();
  return items.map((item) => {
    let id = item.id;
    for (let suffix = 2; taken.has(id); suffix += 1) id = `${item.id}#${suffix}`;
    taken.add(id);
    return id === item.id ? item : { ...item, id };
  });
}

function readApplication(application: JsonObject, outside: Pick<Surroundings, "names" | "databases">): Parts {
  const id = idOf(application["id"]) ?? "";
  const pages = pagesOf(application);
  const workflows = objectsIn(application["workflows"]);
  const around: Surroundings = {
    ...outside,
    integrations: idsOf(application["integrations"]),
    pages: idsOf(pages),
    elements: idsOf(...pages.map((page) => page["elements"])),
    dataSources: idsOf(application["data_sources"], ...pages.map((page) => page["data_sources"])),
    nodes: idsOf(...workflows.map((workflow) => workflow["nodes"])),
  };
  const secrets = secretsOf(application);
  return {
    automations: [
      ...pages.flatMap((page) => pageAutomation(application, page, around)),
      ...workflows.map((workflow) => workflowAutomation(application, workflow, around)),
    ],
    credentials: objectsIn(application["integrations"]).map((integration) => ({
      id: `integration/${idOf(integration["id"]) ?? ""}`,
      type: textOf(integration["type"]) ?? "integration",
      state: holdsSecret(integration) ? "plain" : "not-included",
    })),
    settings: settingsOf(application, id, pages),
    views: objectsIn(application["widgets"]).map((widget) => widgetView(application, widget, around)),
    plainSecrets: secrets,
  };
}

/** The login page lies beside the others, or among them. */
function pagesOf(application: JsonObject): JsonObject[] {
  const pages = objectsIn(application["pages"]);
  const login = application["login_page"];
  const known = idsOf(pages);
  return isObject(login) && !known.has(idOf(login["id"]) ?? "") ? [...pages, login] : [...pages];
}

/** One automation a page: what its buttons, forms and tables do. Builder exports do not say what is published, so none is active. */
function pageAutomation(application: JsonObject, page: JsonObject, around: Surroundings): Automation[] {
  const actions = objectsIn(page["workflow_actions"]);
  if (actions.length === 0) return [];
  const events = [...new Set(actions.map((action) => (textOf(action["event"]) ?? "").replace(/^.*_(?=[a-z]+$)/u, "")))].filter(
    (event) => event !== "",
  );
  return [
    {
      id: `page/${idOf(page["id"]) ?? ""}`,
      name: named(application, page),
      active: false,
      trigger: events.length === 0 ? null : events.sort().join(", "),
      references: referencesIn([actions, page["data_sources"]], around),
      bodyDigest: digestOf([actions, page["data_sources"] ?? null]),
    },
  ];
}

function workflowAutomation(application: JsonObject, workflow: JsonObject, around: Surroundings): Automation {
  const nodes = objectsIn(workflow["nodes"]);
  const types = nodes.map((node) => textOf(node["type"]) ?? "");
  return {
    id: `workflow/${idOf(workflow["id"]) ?? ""}`,
    name: named(application, workflow),
    active: workflow["state"] === "live" || workflow["published"] === true,
    trigger: types.find((type) => type.endsWith("trigger")) ?? null,
    references: referencesIn(nodes, around),
    bodyDigest: digestOf(workflow),
  };
}

function widgetView(application: JsonObject, widget: JsonObject, around: Surroundings): View {
  const source = idOf(widget["data_source_id"]);
  return {
    id: `widget/${idOf(widget["id"]) ?? ""}`,
    name: `${textOf(application["name"]) ?? "(no name)"} / ${textOf(widget["title"]) ?? "(no title)"}`,
    type: textOf(widget["type"]) ?? "widget",
    collection: null,
    broken: source !== null && !around.dataSources.has(source) ? "not found: the data source it shows" : null,
  };
}

function settingsOf(application: JsonObject, id: string, pages: readonly JsonObject[]): Setting[] {
  const { tables, pages: _pages, workflows, widgets, integrations, user_sources: sources, login_page: _login, ...own } = application;
  void [tables, workflows, widgets, integrations];
  return [
    { id: `application/${id}`, digest: digestOf(own) },
    ...pages.map((page) => ({ id: `page/${idOf(page["id"]) ?? ""}`, digest: digestOf(page) })),
    ...objectsIn(sources).map((source) => ({ id: `user-source/${idOf(source["id"]) ?? ""}`, digest: digestOf(source) })),
  ];
}

function named(application: JsonObject, part: JsonObject): string {
  return `${textOf(application["name"]) ?? "(no name)"} / ${textOf(part["name"]) ?? "(no name)"}`;
}

const SECRET_KEY = /(?:^|_)(?:password|secret|token|api_key|private_key)$/u;

function holdsSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsSecret);
  if (!isObject(value)) return false;
  return Object.entries(value).some(([key, inner]) => (SECRET_KEY.test(key) && textOf(inner) !== null) || holdsSecret(inner));
}

/** Baserow leaves passwords and tokens of integrations out of exports; one that is there was let through. */
function secretsOf(application: JsonObject): string[] {
  const name = textOf(application["name"]) ?? "(no name)";
  const integrations = objectsIn(application["integrations"]).filter(holdsSecret).length;
  const sources = objectsIn(application["user_sources"]).filter(holdsSecret).length;
  return [
    ...(integrations > 0 ? [`${name}: integrations hold a password or token in clear`] : []),
    ...(sources > 0 ? [`${name}: user sources hold a password or token in clear`] : []),
  ];
}
