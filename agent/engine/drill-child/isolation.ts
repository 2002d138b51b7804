/**
 * Which layers of isolation a drill child gets on this machine (decision 9). None is enough alone, not every machine allows each of
 * them, and nothing is taken on trust: a child is started under all of them and tries to get out.
 */
import { spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import type { Isolation } from "../../core/values.ts";

/** What a child is started with: paths of the tools that work here, or null. */
export interface IsolationTools {
  /** Takes the network away. */
  readonly unshare: string | null;
  /** Bounds memory and the size of files. */
  readonly prlimit: string | null;
  /** Ends the child with its parent. */
  readonly setpriv: string | null;
  /** Node's own permission model. */
  readonly permissions: boolean;
}

/** What was really obtained when it was tried, with a sentence for each layer that was not. */
export interface IsolationReport extends Isolation {
  readonly notes: readonly string[];
  readonly tools: IsolationTools;
}

/** Nothing but a process of its own. */
export const NO_TOOLS: IsolationTools = { unshare: null, prlimit: null, setpriv: null, permissions: false };

const TOOL_FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
const PROBE_MEMORY_BYTES = 1_500_000_000;
const PROBE_TIME_MS = 10_000;

/** Tries to read a file outside its grants, to reach the network, and to take more memory than it may; prints what it managed. */
const PROBE = `
const told = { read: true, network: true, memory: true };
try { require("node:fs").readFileSync(process.execPath, { flag: "r" }); } catch (error) { told.read = error.code !== "ERR_ACCESS_DENIED"; }
try { Buffer.allocUnsafeSlow(${PROBE_MEMORY_BYTES}); } catch { told.memory = false; }
const socket = require("node:net").connect(9, "127.0.0.1");
const done = () => { process.stdout.write(JSON.stringify(told)); process.exit(0); };
socket.on("connect", done);
socket.on("error", (error) => { told.network = error.code !== "ENETUNREACH" && error.code !== "ERR_ACCESS_DENIED"; done(); });
`;

/**
 * @param nodePath the Node that drills run on
 * @param folders where the tools are looked for
 * @returns what a drill child gets here. Costs about a tenth of a second: keep the answer. Never throws.
 */
export async function probeIsolation(nodePath = process.execPath, folders: readonly string[] = TOOL_FOLDERS): Promise<IsolationReport> {
  const [unshare, prlimit, setpriv] = await Promise.all(["unshare", "prlimit", "setpriv"].map((name) => find(name, folders)));
  const wanted: IsolationTools = { unshare: unshare ?? null, prlimit: prlimit ?? null, setpriv: setpriv ?? null, permissions: true };
  let tools = wanted;
  let seen = await attempt(nodePath, tools);
  if (seen === null) {
    // Something in the chain does not work: keep only what works by itself.
    const works = async (only: Partial<IsolationTools>): Promise<boolean> => (await attempt(nodePath, { ...NO_TOOLS, ...only })) !== null;
    const [unshareWorks, prlimitWorks, setprivWorks, permissionsWork] = await Promise.all([
      works({ unshare: wanted.unshare }),
      works({ prlimit: wanted.prlimit }),
      works({ setpriv: wanted.setpriv }),
      works({ permissions: true }),
    ]);
    tools = {
      unshare: unshareWorks ? wanted.unshare : null,
      prlimit: prlimitWorks ? wanted.prlimit : null,
      setpriv: setprivWorks ? wanted.setpriv : null,
      permissions: permissionsWork,
    };
    seen = await attempt(nodePath, tools);
  }
  if (seen === null) {
    tools = NO_TOOLS;
    seen = { read: true, network: true, memory: true };
  }
  const report = { process: true, permissions: !seen.read, network: !seen.network, memoryLimit: !seen.memory, databaseLocked: true };
  return { ...report, notes: notesOf(report, wanted, tools), tools };
}

/** The arguments that put a command under the tools. `dataBytes` bounds private memory, `fileBytes` each file it writes. */
export function wrapCommand(tools: IsolationTools, command: readonly string[], dataBytes: number, fileBytes: number): readonly string[] {
  return [
    ...(tools.unshare === null ? [] : [tools.unshare, "-rn", "--"]),
    ...(tools.prlimit === null ? [] : [tools.prlimit, `--data=${dataBytes}`, `--fsize=${fileBytes}`, "--core=0", "--"]),
    ...(tools.setpriv === null ? [] : [tools.setpriv, "--pdeathsig", "KILL", "--"]),
    ...command,
  ];
}

interface Seen {
  readonly read: boolean;
  readonly network: boolean;
  readonly memory: boolean;
}

/** Null when the child did not get as far as telling what it managed. */
function attempt(nodePath: string, tools: IsolationTools): Promise<Seen | null> {
  const node = [nodePath, ...(tools.permissions ? ["--permission", "--allow-addons", "--no-warnings"] : []), "-e", PROBE];
  const [file = nodePath, ...args] = wrapCommand(tools, node, PROBE_MEMORY_BYTES, 1_000_000);
  return new Promise((resolve) => {
    const child = spawn(file, args, { env: {}, stdio: ["ignore", "pipe", "ignore"], timeout: PROBE_TIME_MS, killSignal: "SIGKILL" });
    let text = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk: string) => {
      text = (text + chunk).slice(0, 1000);
    });
    child.on("error", () => resolve(null));
    child.on("close", () => resolve(parseSeen(text)));
  });
}

function parseSeen(text: string): Seen | null {
  try {
    const seen = JSON.parse(text) as Partial<Seen>;
    const { read, network, memory } = seen;
    return typeof read === "boolean" && typeof network === "boolean" && typeof memory === "boolean" ? { read, network, memory } : null;
  } catch {
    return null;
  }
}

function why(name: string, found: string | null): string {
  return found === null ? `${name} is not installed` : `${name} is not permitted`;
}

function notesOf(report: Isolation, wanted: IsolationTools, tools: IsolationTools): readonly string[] {
  const notes: string[] = [];
  if (!report.network) notes.push(`A drill can reach the network: ${why("unshare", wanted.unshare)} here.`);
  if (!report.memoryLimit) notes.push(`Only the database's memory is bounded: ${why("prlimit", wanted.prlimit)} here.`);
  if (!report.permissions) notes.push("A drill can read what the agent can read: Node's permission model does not work here.");
  if (tools.setpriv === null) notes.push(`A drill may outlive a killed agent for a moment: ${why("setpriv", wanted.setpriv)} here.`);
  notes.push("The database is locked when a sandbox is opened; a sandbox that cannot be locked is not used.");
  return notes;
}

async function find(name: string, folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    const path = join(folder, name);
    const there = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return null;
}
