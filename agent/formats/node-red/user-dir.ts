/** A Node-RED user directory: which of its files hold what. Only names and small beginnings are looked at here; settings.js is never run. */
import type { ArtifactProbe } from "../../core/ports.ts";
import { type FlowsLikeness, likenessOf } from "./recognise.ts";

export interface UserDir {
  /** The flows file, or null when there is none although the directory is one of Node-RED. */
  readonly flows: string | null;
  /** The file that should hold the flows, as far as it is told. */
  readonly expected: string;
  readonly likeness: FlowsLikeness | null;
  /** `<flows>_cred.json`, or null. */
  readonly credentials: string | null;
  /** Node-RED keeps a copy of the last credentials file: this artifact had one. */
  readonly hadCredentials: boolean;
  /** Signs, besides the flows, that it is a user directory. */
  readonly signs: readonly string[];
  /** `credentialSecret` as a literal of settings.js, or null. */
  readonly settingsSecret: string | null;
}

const HEAD = 64 * 1024;
const NO_FLOWS = /^(?:package(?:-lock)?\.json|tsconfig\.json|\.config\..*|\..*)$/;

/** Looks at the head of at most ten files. Never throws; what cannot be read counts as not there. */
export async function surveyUserDir(probe: ArtifactProbe): Promise<UserDir> {
  const names = new Set(probe.entries);
  const head = (entry: string): Promise<string> =>
    names.has(entry)
      ? probe.readHead(entry, HEAD).then(
          (bytes) => new TextDecoder().decode(bytes),
          () => "",
        )
      : Promise.resolve("");
  const settings = await head("settings.js");
  const told = literal(settings, "flowFile") ?? (await projectFlows(names, head));
  const candidates = told === null ? candidatesOf(names) : [told].filter((entry) => names.has(entry));
  let best: { entry: string; likeness: FlowsLikeness } | null = null;
  for (const entry of candidates.slice(0, 6)) {
    const bytes = await probe.readHead(entry, HEAD).catch(() => null);
    if (bytes === null) continue;
    const likeness = likenessOf(bytes);
    if (best === null || likeness.confidence > best.likeness.confidence) best = { entry, likeness };
    if (likeness.confidence >= 0.9) break;
  }
  const signs = await signsOf(names, head);
  // A file by the usual name is the flows file even where nothing in it can be recognised any more.
  const named = candidates.find((entry) => entry === told || /^flows(?:_[^/]*)?\.json$/.test(entry)) ?? null;
  const flows = best !== null && best.likeness.confidence >= 0.5 ? best.entry : signs.length > 0 ? named : null;
  const expected = flows ?? told ?? "flows.json";
  const sealed = expected.replace(/(?:\.json)?$/, "_cred.json");
  return {
    flows,
    expected,
    likeness: flows === best?.entry ? (best?.likeness ?? null) : null,
    credentials: names.has(sealed) ? sealed : null,
    hadCredentials: names.has(backupOf(sealed)),
    signs,
    settingsSecret: literal(settings, "credentialSecret"),
  };
}

function backupOf(entry: string): string {
  return entry.replace(/([^/]+)$/, ".$1.backup");
}

function literal(settings: string, property: string): string | null {
  return new RegExp(String.raw`^\s*["']?${property}["']?\s*:\s*(["'\u0060])([^"'\u0060$]+)\1`, "m").exec(settings)?.[2] ?? null;
}

/** `flows.json` first, then `flows_<host>.json` and the like, then whatever has a credentials file beside it, then other JSON files. */
function candidatesOf(names: ReadonlySet<string>): string[] {
  const rank = (name: string): number => {
    if (name === "flows.json") return 0;
    const usual = name.startsWith("flows") ? 1 : 3;
    return names.has(name.replace(/\.json$/, "_cred.json")) ? usual : usual + 1;
  };
  return [...names]
    .filter((name) => !name.includes("/") && name.endsWith(".json") && !name.endsWith("_cred.json") && !NO_FLOWS.test(name))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** With projects, the flows lie in the active project's folder and its package.json names the file. */
async function projectFlows(names: ReadonlySet<string>, head: (entry: string) => Promise<string>): Promise<string | null> {
  const active = /"activeProject"\s*:\s*"([^"/\\]+)"/.exec(await head(".config.projects.json"))?.[1];
  if (active === undefined) return null;
  const file = /"flowFile"\s*:\s*"([^"\\]+)"/.exec(await head(`projects/${active}/package.json`))?.[1] ?? "flows.json";
  const entry = `projects/${active}/${file}`;
  return names.has(entry) || names.has(`projects/${active}/package.json`) ? entry : null;
}

async function signsOf(names: ReadonlySet<string>, head: (entry: string) => Promise<string>): Promise<string[]> {
  const signs: string[] = [];
  for (const name of [".config.runtime.json", ".config.nodes.json", ".config.json"])
    if (/"(?:_credentialSecret|instanceId|node-red|telemetryEnabled|nodes)"\s*:/.test(await head(name))) signs.push(name);
  for (const name of [...names].filter((each) => /^[^/]+_cred\.json$/.test(each)).slice(0, 2))
    if (/^\s*\{\s*"\$"\s*:\s*"[0-9a-f]{32}/i.test(await head(name))) signs.push(name);
  if (/"name"\s*:\s*"node-red-project"|"node-red[\w-]*"\s*:/.test(await head("package.json"))) signs.push("package.json");
  return signs;
}
