/** One artifact of Node-RED, read: a flows file alone, or a user directory with what belongs to it. */
import { join } from "node:path";
import type { Aspect, AspectState, Setting } from "../../core/content.ts";
import { AgentError, asAgentError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/ids.ts";
import type { ArtifactProbe, Content, FormatContext } from "../../core/ports.ts";
import { automationsOf, needsCredentials, type Surroundings } from "../../products/node-red/automations.ts";
import { type CredentialFindings, credentialsOf } from "./credentials.ts";
import { type FlowsFile, flowSetOf } from "./flow-set.ts";
import { isObject, textOf } from "../../kit/json.ts";
import { readJson, readWhole } from "../reading.ts";
import { COLLECTIONS, recordsAsGiven } from "../../products/node-red/records.ts";
import { surveyUserDir } from "./user-dir.ts";

const SOLE: Surroundings = { credentials: null, modules: null, providers: null };
const MAX_SETTINGS = 2000;

export async function openFlowsFile(probe: ArtifactProbe, context: FormatContext): Promise<Content> {
  const set = flowSetOf(await readJson(probe.path, "The flows file", context), "the flows file", false);
  const why = set.whole ? "a flows file" : "an exported selection of nodes, without the tabs they lie on,";
  return contentOf(set, {
    formatVersion: set.wrapped ? "v2" : null,
    problems: [],
    credentials: credentialsOf(set, null, []),
    around: SOLE,
    settings: [],
    without: {
      credentials: "a flows file holds no credentials; Node-RED keeps them in <flows>_cred.json beside it",
      settings: `${why} holds no settings; they lie in the user directory`,
    },
  });
}

export async function openUserDir(probe: ArtifactProbe, context: FormatContext): Promise<Content> {
  if (probe.bytes > context.limits.maxBytes)
    throw new AgentError("limit", "too-large", `The directory is ${probe.bytes} bytes, more than the ${context.limits.maxBytes} allowed.`);
  const survey = await surveyUserDir(probe);
  if (survey.flows === null) {
    // A file that is listed and cannot be read is our trouble; readJson says which.
    if (probe.entries.includes(survey.expected)) await readJson(join(probe.path, survey.expected), survey.expected, context);
    throw new AgentError("damaged", "node-red-flows-missing", `There is no flows file in the directory: ${survey.expected} is missing.`);
  }
  const read = (entry: string): Promise<unknown> => readJson(join(probe.path, entry), entry, context);
  const set = flowSetOf(await read(survey.flows), survey.flows, true);
  const problems: string[] = [];
  const optional = async (entry: string | null): Promise<unknown> => {
    if (entry === null || !probe.entries.includes(entry)) return null;
    try {
      return await read(entry);
    } catch (thrown) {
      const error = asAgentError(thrown);
      if (error.kind !== "damaged") throw thrown;
      problems.push(error.message);
      return null;
    }
  };
  const [runtime, legacy, projects, nodesConfig, modulesConfig, manifest] = [
    await optional(".config.runtime.json"),
    await optional(".config.json"),
    await optional(".config.projects.json"),
    await optional(".config.nodes.json"),
    await optional(".config.modules.json"),
    await optional("package.json"),
  ];
  const secrets = [context.key, generatedSecret(runtime), generatedSecret(legacy), projectSecret(projects), survey.settingsSecret];
  const sealed = survey.credentials === null ? null : { name: survey.credentials, document: await optional(survey.credentials) };
  const credentials = credentialsOf(
    set,
    sealed,
    secrets.filter((secret) => secret !== null),
  );
  if (sealed === null && (survey.hadCredentials || set.nodes.some(needsCredentials)))
    problems.push(`${survey.flows.replace(/(?:\.json)?$/, "_cred.json")} is missing, although nodes of the flows hold credentials.`);
  const registry = nodesConfig ?? (isObject(legacy) ? legacy["nodes"] : null);
  return contentOf(set, {
    formatVersion: nodeRedVersion(registry, manifest),
    problems,
    credentials,
    around: {
      credentials: credentials.ids,
      modules:
        manifest === null
          ? null
          : new Set([...dependencies(manifest), ...(isObject(modulesConfig) ? Object.keys(modulesConfig) : []), "node-red"]),
      providers: providersOf(registry),
    },
    settings: await settingsOf(probe, context, new Set([survey.flows, survey.credentials ?? ""])),
    without: survey.credentials === null ? { credentials: "the directory holds no credentials file" } : {},
  });
}

interface Parts {
  readonly formatVersion: string | null;
  readonly problems: readonly string[];
  readonly credentials: CredentialFindings;
  readonly around: Surroundings;
  readonly settings: readonly Setting[];
  readonly without: Partial<Record<Aspect, string>>;
}

function contentOf(set: FlowsFile, parts: Parts): Content {
  const problems = [...set.problems, ...parts.problems];
  return {
    format: "node-red",
    formatVersion: parts.formatVersion,
    createdAt: null,
    integrity: { complete: problems.length === 0, problems, checksums: null, plainSecrets: parts.credentials.plainSecrets },
    collections: COLLECTIONS,
    automations: automationsOf(set, parts.around),
    credentials: parts.credentials.credentials,
    files: [],
    access: [],
    settings: parts.settings,
    views: [],
    aspects: aspectsOf(parts.without),
    records: (collectionId, signal) => recordsAsGiven(set, collectionId, signal),
    fileBytes: (fileId) => noFile(fileId),
    close: async () => {},
  };
}

async function* noFile(fileId: string): AsyncIterable<Uint8Array> {
  yield await Promise.reject(
    new AgentError("not_found", "no-such-file", `Node-RED flows hold no file ${JSON.stringify(fileId.slice(0, 100))}.`),
  );
}

function never(reason: string): AspectState {
  return { included: false, reason };
}

function aspectsOf(without: Partial<Record<Aspect, string>>): Readonly<Record<Aspect, AspectState>> {
  const state = (aspect: Aspect): AspectState => {
    const reason = without[aspect];
    return reason === undefined ? { included: true } : never(reason);
  };
  return {
    records: state("records"),
    links: state("links"),
    automations: state("automations"),
    credentials: state("credentials"),
    settings: state("settings"),
    views: never("Node-RED has no views"),
    files: never("files that flows read or write lie outside of Node-RED"),
    access: never("who may log in is set in settings.js, which is code and is not run"),
    templates: never("Node-RED has no templates; subflows are kept as a collection"),
    sequences: never("ids are random, nothing counts them"),
    timestamps: never("Node-RED keeps no time with a node"),
    audit: never("Node-RED keeps its audit log elsewhere"),
  };
}

function generatedSecret(config: unknown): string | null {
  return isObject(config) ? textOf(config["_credentialSecret"]) : null;
}

function projectSecret(config: unknown): string | null {
  if (!isObject(config)) return null;
  const projects = isObject(config["projects"]) ? config["projects"] : config;
  const active = textOf(config["activeProject"]) ?? (isObject(config["projects"]) ? textOf(projects["activeProject"]) : null);
  const inner = isObject(projects["projects"]) ? projects["projects"] : projects;
  const project = active === null ? null : inner[active];
  return isObject(project) ? textOf(project["credentialSecret"]) : null;
}

function dependencies(manifest: unknown): string[] {
  return isObject(manifest) && isObject(manifest["dependencies"]) ? Object.keys(manifest["dependencies"]) : [];
}

/** The registry Node-RED keeps: module → sets of nodes → types. */
function providersOf(registry: unknown): ReadonlyMap<string, string> | null {
  if (!isObject(registry)) return null;
  const providers = new Map<string, string>();
  for (const [module, entry] of Object.entries(registry)) {
    const sets = isObject(entry) && isObject(entry["nodes"]) ? Object.values(entry["nodes"]) : [];
    for (const each of sets)
      if (isObject(each) && Array.isArray(each["types"]))
        for (const type of each["types"] as unknown[]) if (typeof type === "string") providers.set(type, module);
  }
  return providers;
}

function nodeRedVersion(registry: unknown, manifest: unknown): string | null {
  const listed = isObject(registry) && isObject(registry["node-red"]) ? textOf(registry["node-red"]["version"]) : null;
  const asked = isObject(manifest) && isObject(manifest["dependencies"]) ? textOf(manifest["dependencies"]["node-red"]) : null;
  return (listed ?? asked)?.slice(0, 50) ?? null;
}

/** What else belongs to an instance, by digest: its settings, the library, stored context, flows that are not the active ones. */
async function settingsOf(probe: ArtifactProbe, context: FormatContext, apart: ReadonlySet<string>): Promise<Setting[]> {
  const belongs = (entry: string): boolean =>
    !apart.has(entry) &&
    !entry.endsWith(".backup") &&
    (/^(?:package\.json|settings\.js|\.config(?:\.[^/]*)?\.json|flows[^/]*\.json)$/.test(entry) || /^(?:lib|context)\//.test(entry));
  const settings: Setting[] = [];
  for (const entry of probe.entries.filter(belongs).slice(0, MAX_SETTINGS))
    settings.push({ id: entry, digest: sha256Hex(await readWhole(join(probe.path, entry), entry, context)) });
  return settings;
}
