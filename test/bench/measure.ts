/** Runs a program and measures it with everything it starts: wall time, CPU time, greatest resident memory. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Measured {
  readonly wallMs: number;
  /** User and system time of the whole tree; null where there is no /proc. */
  readonly cpuMs: number | null;
  /** Greatest sum of resident memory over the tree, looked at every 20 ms; what processes share counts in each. Null where there is no /proc. */
  readonly peakBytes: number | null;
  readonly stdout: string;
}

const LOOK_MS = 20;
/** Clock ticks and pages as Linux counts them in /proc on every machine Node runs on. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;

/** @throws where it does not end with 0, with the last it said on stderr */
export async function measure(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly accept?: readonly number[] } = {},
): Promise<Measured> {
  const started = performance.now();
  const child = spawn(file, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-2000);
  });
  let cpuMs: number | null = null;
  let peakBytes: number | null = null;
  const look = (): void => {
    const seen = child.pid === undefined ? null : treeOf(child.pid);
    if (seen === null) return;
    cpuMs = Math.max(cpuMs ?? 0, seen.cpuMs);
    peakBytes = Math.max(peakBytes ?? 0, seen.bytes);
  };
  const looking = setInterval(look, LOOK_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  }).finally(() => clearInterval(looking));
  const wallMs = performance.now() - started;
  if (code === null || !(options.accept ?? [0]).includes(code)) throw new Error(`${file} ${args.join(" ")} ended with ${code}: ${stderr}`);
  return { wallMs, cpuMs, peakBytes, stdout };
}

/** Null when it is gone. */
function treeOf(root: number): { readonly cpuMs: number; readonly bytes: number } | null {
  const waiting = [root];
  let cpuMs = 0;
  let bytes = 0;
  let seen = 0;
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    const stat = read(`/proc/${pid}/stat`);
    if (stat === null) continue;
    seen += 1;
    // Behind the name, which may hold anything: field 3 of proc(5) and on.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Own time, and of children that were waited for.
    cpuMs += [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) * TICK_MS;
    bytes += Number(fields[21]) * PAGE_BYTES;
    for (const task of (read(`/proc/${pid}/task/${pid}/children`) ?? "").split(" ")) if (task !== "") waiting.push(Number(task));
  }
  return seen === 0 ? null : { cpuMs, bytes };
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return null;
  }
}
