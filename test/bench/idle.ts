/**
 * `npm run bench:idle`: what an agent costs that has nothing to do but to watch. Each variant gets a fleet of its own with weeks of history
 * and its backups, is started, stopped and started again; then all are left alone together and looked at, scraped as Prometheus would.
 * Peers of the same run: a web server that does nothing, and the same with everything imported that the agent imports.
 * Options: --sources 100 · --days 30 · --seconds 60 · --settle 600
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, ENTRY, NODE_FLAGS } from "../meta/build.ts";
import { installProduction } from "../meta/production.ts";
import { ROOT } from "../meta/sources.ts";
import { makeFleet } from "./make-fleet.ts";
import { beside, type Cell, machine, median, megabytes, seconds, table } from "./table.ts";

const { values: options } = parseArgs({
  options: {
    sources: { type: "string", default: "100" },
    days: { type: "string", default: "30" },
    seconds: { type: "string", default: "60" },
    settle: { type: "string", default: "600" },
  },
});
const sources = Number(options.sources);
const days = Number(options.days);
const watchMs = Number(options.seconds) * 1000;
const settleMs = Number(options.settle) * 1000;
if (![sources, days, watchMs, settleMs].every((value) => Number.isFinite(value) && value >= 1))
  throw new Error("the options are no numbers");

const SCRAPE_MS = 15_000;
/** Without a drill for this long there is none left to run: a backup may wait a minute to settle before its first. */
const QUIET_MS = 75_000;
const GOAL = { bytes: 150e6, cpu: 2, readyMs: 1000 };
/** Clock ticks as Linux counts them on every machine Node runs on. */
const TICK_MS = 10;

interface Variant {
  readonly name: string;
  readonly args: readonly string[];
  readonly port: number;
  /** Answers 200 once it is ready. */
  readonly path: string;
  /** Whether the goals are its goals. */
  readonly judged: boolean;
}

interface Running extends Variant {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly readyMs: number;
  readonly readyCpuMs: number;
}

interface Idle {
  readonly steadyBytes: number;
  readonly peakBytes: number;
  readonly cpuPercent: number;
  readonly drillsPercent: number;
}

const home = await mkdtemp(join(tmpdir(), "rw-bench-idle-"));
const started: ChildProcess[] = [];
try {
  console.log(machine());
  const variants = await makeVariants();
  const running: Running[] = [];
  for (const variant of variants) {
    // Once to bring the state to what an agent leaves behind; what is measured is a restart.
    await stop(await start(variant));
    running.push(await start(variant));
  }
  await settle(running);
  const idle = await watch(running);
  const rows: Cell[][] = running.map((one, index) => {
    const { steadyBytes, peakBytes, cpuPercent, drillsPercent } = idle[index] ?? nothing();
    const judged = (figure: string, goal: string, met: boolean): string => (one.judged ? beside(figure, goal, met) : figure);
    return [
      one.name,
      judged(megabytes(steadyBytes), "< 150 MB", steadyBytes < GOAL.bytes),
      megabytes(peakBytes),
      judged(`${cpuPercent.toFixed(2)} %`, "< 2 %", cpuPercent < GOAL.cpu),
      one.judged ? `${drillsPercent.toFixed(2)} %` : null,
      judged(seconds(one.readyMs), "< 1 s", one.readyMs < GOAL.readyMs),
      seconds(one.readyCpuMs),
    ];
  });
  const title = `Idle for ${options.seconds} s: ${sources} sources with ${days} nights of history, /metrics every ${SCRAPE_MS / 1000} s`;
  console.log(
    `\n${table(title, ["process", "resident, median", "greatest since start", "CPU of a core", "CPU of its drills", "ready after restart", "CPU for that"], rows)}`,
  );
  console.log(`\n${machine().split("\n")[1] ?? ""}`);
} finally {
  for (const child of started) child.kill("SIGKILL");
  await rm(home, { recursive: true, force: true });
}

async function makeVariants(): Promise<readonly Variant[]> {
  const dist = join(home, "dist");
  await build({ outDir: dist, checkTypes: false });
  await installProduction(dist);
  const agent = async (name: string, entry: string): Promise<Variant> => {
    const port = await freePort();
    const dir = join(home, `fleet-${name.replaceAll(/\W+/gu, "-")}`);
    await mkdir(dir);
    const { configPath } = await makeFleet({ dir, sources, days, now: Date.now(), artifacts: true, listen: `127.0.0.1:${port}` });
    return { name, port, path: "/readyz", judged: true, args: [...NODE_FLAGS, entry, "run", "--config", configPath, "--log", "off"] };
  };
  const peer = async (name: string, imports: readonly string[]): Promise<Variant> => {
    const port = await freePort();
    const path = join(home, `${name.replaceAll(/\W+/gu, "-")}.mjs`);
    const server = `createServer((request, response) => response.end("ok")).listen(${port}, "127.0.0.1");`;
    await writeFile(path, `import { createServer } from "node:http";\n${imports.map((one) => `import "${one}";\n`).join("")}${server}\n`);
    return { name, port, path: "/", judged: false, args: [...NODE_FLAGS, path] };
  };
  return [
    await agent("agent, built", join(dist, ENTRY)),
    await agent("agent, TypeScript", join(ROOT, "agent/main.ts")),
    await peer("peer: node and http", []),
    await peer(
      "peer: with all that the agent imports",
      ["app.js", "http/app.js", "http/serve.js", "cli/program.js"].map((path) => join(dist, "agent", path)),
    ),
  ];
}

async function start(variant: Variant): Promise<Running> {
  const from = performance.now();
  const child = spawn(process.execPath, variant.args, { stdio: ["ignore", "ignore", "pipe"] });
  started.push(child);
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2000);
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${variant.name} cannot be started`);
  while (!(await answers(variant))) {
    if (child.exitCode !== null) throw new Error(`${variant.name} ended with ${child.exitCode}: ${said}`);
    if (performance.now() - from > 60_000) throw new Error(`${variant.name} is not ready after 60 s: ${said}`);
    await pause(5);
  }
  return { ...variant, process: child, pid, readyMs: performance.now() - from, readyCpuMs: cpuOf(pid).own };
}

async function stop({ process: child }: Running): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

async function answers({ port, path }: Pick<Variant, "port" | "path">): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

/** Until every agent has had nothing due for longer than its polls are apart, or the time is up. */
async function settle(running: readonly Running[]): Promise<void> {
  const from = performance.now();
  const agents = running.filter(({ judged }) => judged);
  let since = from;
  while (performance.now() - from < settleMs && performance.now() - since < QUIET_MS) {
    await pause(1000);
    const waiting = await Promise.all(agents.map(waitingJobs));
    if (waiting.some((jobs) => jobs > 0)) since = performance.now();
  }
  const drills = agents.map(({ name, pid }) => `${name}: ${seconds(cpuOf(pid).children)}`).join(", ");
  console.log(`settled for ${seconds(performance.now() - from)}; CPU of drills until then: ${drills}`);
}

/** Polls and drills that are due, running or late. */
async function waitingJobs({ port }: Variant): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const jobs = [...text.matchAll(/^restorewatch_jobs\{[^}]*\} (\d+)/gmu)].map((match) => Number(match[1]));
  if (jobs.length === 0) throw new Error("/metrics does not tell restorewatch_jobs");
  return jobs.reduce((sum, one) => sum + one, 0);
}

async function watch(running: readonly Running[]): Promise<readonly Idle[]> {
  const before = running.map(({ pid }) => cpuOf(pid));
  const from = performance.now();
  const seen = running.map((): number[] => []);
  let scraped = 0;
  while (performance.now() - from < watchMs) {
    if (performance.now() - from >= scraped * SCRAPE_MS) {
      scraped += 1;
      for (const { port, judged } of running) await answers({ port, path: judged ? "/metrics" : "/" });
    }
    for (const [index, { pid }] of running.entries()) seen[index]?.push(memoryOf(pid, "VmRSS"));
    await pause(500);
  }
  const lasted = performance.now() - from;
  return running.map(({ pid }, index) => {
    const [then = { own: 0, children: 0 }, now] = [before[index], cpuOf(pid)];
    return {
      steadyBytes: median(seen[index] ?? []),
      peakBytes: memoryOf(pid, "VmHWM"),
      cpuPercent: (100 * (now.own - then.own)) / lasted,
      drillsPercent: (100 * (now.children - then.children)) / lasted,
    };
  });
}

/** Milliseconds of CPU, the process's own and of children it waited for; fields of proc(5) behind the name, which may hold anything. */
function cpuOf(pid: number): { readonly own: number; readonly children: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = (index: number): number => Number(fields[index]) * TICK_MS;
  return { own: ticks(11) + ticks(12), children: ticks(13) + ticks(14) };
}

function memoryOf(pid: number, what: "VmRSS" | "VmHWM"): number {
  const match = new RegExp(`^${what}:\\s+(\\d+) kB`, "mu").exec(readFileSync(`/proc/${pid}/status`, "latin1"));
  if (match === null) throw new Error(`/proc/${pid}/status has no ${what}`);
  return Number(match[1]) * 1024;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function nothing(): never {
  throw new Error("not measured");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
