/** How a drill child is started: under which tools, with which grants and bounds. Pure but for looking which folders there are. */
import { existsSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DrillJob } from "../../drill/protocol.ts";
import { type IsolationTools, wrapCommand } from "./isolation.ts";

/** What Node and the database library reserve before any work, measured at 640 MB; most of it is never touched. */
const RESERVED_MB = 700;
/** How far the database may go beyond its own limit (measured: 220 MB). */
const DATABASE_EXCESS_MB = 220;
const HEAP_MB = 384;
const MB = 1_000_000;

const AGENT = fileURLToPath(new URL("../../", import.meta.url));
export const CHILD_MODULE = join(AGENT, "drill", `child${extname(import.meta.url)}`);

/** @returns file and arguments */
export function childCommand(job: DrillJob, tools: IsolationTools, nodePath: string, childModule: string): readonly string[] {
  const { limits } = job;
  const node = [
    nodePath,
    "--disable-warning=ExperimentalWarning",
    "--disable-warning=SecurityWarning",
    `--max-old-space-size=${HEAP_MB}`,
    ...(tools.permissions ? permissionFlags(job, childModule) : []),
    childModule,
  ];
  const dataMb = RESERVED_MB + HEAP_MB + limits.memoryMb + DATABASE_EXCESS_MB;
  // A format may copy the artifact into the work directory; the sandbox bounds its own file itself.
  const fileMb = Math.max(limits.diskMb * 1.25, limits.maxBytes / MB) + 64;
  return wrapCommand(tools, node, Math.ceil(dataMb * MB), Math.ceil(fileMb * MB));
}

function permissionFlags(job: DrillJob, childModule: string): readonly string[] {
  const reads = [...codePaths(childModule), job.artifactPath, job.workDir];
  return [
    "--permission",
    "--allow-addons",
    ...readGrants(reads).map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-write=${job.workDir}`,
  ];
}

/**
 * Node's permission model denies listing a directory whose path is the beginning of another grant's (`/data/flows` beside
 * `/data/flows.work`): such a one is granted with a wildcard, which widens it to names that begin alike.
 */
export function readGrants(paths: readonly string[]): readonly string[] {
  const own = [...new Set(paths.map((path) => (path.length > 1 ? path.replace(/\/+$/, "") : path)))];
  return own.map((path) => (own.some((other) => other !== path && other.startsWith(path)) ? `${path}*` : path));
}

/** The agent's own code and the node_modules it may be served from, and nothing else of the project. */
function codePaths(childModule: string): readonly string[] {
  const root = dirname(AGENT.replace(/\/$/, ""));
  const modules: string[] = [];
  for (let folder = root; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules");
    if (existsSync(candidate)) modules.push(candidate);
    if (dirname(folder) === folder) break;
  }
  const test = childModule.startsWith(AGENT) ? [] : [dirname(childModule)];
  return [AGENT, join(root, "package.json"), ...modules, ...test];
}
