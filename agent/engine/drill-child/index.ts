/**
 * Supervises one drill child (decision 9): starts it in every layer of isolation there is, listens within bounds, ends it when its time
 * is up, and makes of whatever happens an outcome. A child that crashes, hangs, floods or talks nonsense is trouble with a reason, and
 * never the end of the agent.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { Clock, Span } from "../../core/ports.ts";
import type { Isolation } from "../../core/values.ts";
import type { Phase } from "../../core/words.ts";
import { type DrillJob, MAX_LINE_BYTES } from "../../drill/protocol.ts";
import { type Collected, type Collector, createCollector } from "./collector.ts";
import { CHILD_MODULE, childCommand } from "./command.ts";
import { type ChildTrouble, troubleOfEnd } from "./ending.ts";
import type { IsolationReport } from "./isolation.ts";
import { type LineBounds, lineReader } from "./lines.ts";

export interface ChildOutcome extends Collected {
  /** Our own trouble; null when the child did all it was asked. What was found before stays in the outcome. */
  readonly trouble: ChildTrouble | null;
  /** What this child really had. */
  readonly isolation: Isolation;
}

export interface DrillChildDeps {
  readonly isolation: IsolationReport;
  readonly clock: Clock;
  /** The child's spans become children of it, with their own times. */
  readonly span: Span;
  /** Aborting kills the child; the outcome's trouble is then `aborted`. */
  readonly signal: AbortSignal;
  readonly onProgress?: (phase: Phase, done: number, of: number | null) => void;
  readonly nodePath?: string;
  /** Another program in place of agent/drill/child.ts, for tests. */
  readonly childModule?: string;
  /** How much longer than its own time limit a child may take to end by itself, in milliseconds. */
  readonly graceMs?: number;
  readonly bounds?: Partial<LineBounds>;
}

const BOUNDS: LineBounds = { lineBytes: MAX_LINE_BYTES, totalBytes: 256 * 1024 * 1024, lines: 500_000 };
/** Words beside the protocol: the last of them are kept, and too many of them are a flood. */
const LAST_WORDS_BYTES = 4096;
const SIDE_BYTES = 64 * 1024 * 1024;
const GRACE_MS = 3000;
/** How long the pipes of a dead child may take to run dry. */
const DRAIN_MS = 2000;

const FLOODED: ChildTrouble = { code: "child-flooded", message: "The drill's process said more than it may and was ended." };
const NONSENSE: ChildTrouble = { code: "child-nonsense", message: "The drill's process said something that is no message and was ended." };
const ABORTED: ChildTrouble = { code: "aborted", message: "The drill was called off." };

/** Never rejects for what the child does; resolves when the child and everything it started are gone. */
export async function runDrillChild(job: DrillJob, deps: DrillChildDeps): Promise<ChildOutcome> {
  const collector = createCollector(deps.span, deps.clock, deps.onProgress);
  const trouble = deps.signal.aborted ? ABORTED : await supervise(job, deps, collector);
  if (trouble !== null) collector.closeSpans(trouble);
  else collector.closeSpans({ code: "span-left-open", message: "The drill's process left this open." });
  return { ...collector.collected(), trouble, isolation: obtained(deps.isolation, collector) };
}

async function supervise(job: DrillJob, deps: DrillChildDeps, collector: Collector): Promise<ChildTrouble | null> {
  const { clock } = deps;
  let verdict: ChildTrouble | null = null;
  let child: ChildProcess;
  try {
    child = start(job, deps);
  } catch (thrown) {
    return notStarted(thrown);
  }
  if (!hasPipes(child)) return notStarted(await failureOf(child));
  const settled = new AbortController();
  /** The first reason counts; whatever comes after is its consequence. */
  const end = (trouble: ChildTrouble): void => {
    verdict ??= trouble;
    killGroup(child);
  };
  const ended = endOf(child, clock);
  const lastWords = listen(child, collector, deps.bounds, end);
  child.on("error", (error) => end(notStarted(error)));
  const abort = (): void => end(ABORTED);
  deps.signal.addEventListener("abort", abort, { once: true });
  const limit = job.limits.timeMs + (deps.graceMs ?? GRACE_MS);
  const timing = clock.sleep(limit, settled.signal).then(
    () => end({ code: "child-hung", message: `The drill's process did not end within ${Math.round(limit / 100) / 10} s and was ended.` }),
    () => undefined,
  );
  send(child, job);
  try {
    const { exitCode, signal } = await ended;
    if (verdict !== null) return verdict;
    if (collector.done !== null) return collector.done.trouble;
    return troubleOfEnd({ exitCode, signal, spoke: collector.spoke, lastWords: lastWords() });
  } finally {
    deps.signal.removeEventListener("abort", abort);
    settled.abort();
    await timing;
  }
}

function start(job: DrillJob, deps: DrillChildDeps): ChildProcess {
  const [file = "", ...args] = childCommand(job, deps.isolation.tools, deps.nodePath ?? process.execPath, deps.childModule ?? CHILD_MODULE);
  return spawn(file, args, {
    cwd: job.workDir,
    // Nothing of the agent's environment: it may hold secrets.
    env: {},
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    // A process group of its own, so that it can be ended with everything it started.
    detached: true,
  });
}

/** Where no pipe could be made for want of file descriptors there is no process either, whatever the types say. */
function hasPipes(child: ChildProcess): boolean {
  return (child.stdio as ChildProcess["stdio"] | undefined) !== undefined;
}

function failureOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    child.once("error", resolve);
    child.once("exit", () => resolve(null));
  });
}

/** The job goes in as one line; the pipe stays open for as long as the agent lives. */
function send(child: ChildProcess, job: DrillJob): void {
  // A child that died before it read its job is told by its end.
  child.stdin?.on("error", () => undefined);
  child.stdin?.write(`${JSON.stringify(job)}\n`);
}

/** @returns the last words on stderr, so far */
function listen(
  child: ChildProcess,
  collector: Collector,
  bounds: Partial<LineBounds> | undefined,
  end: (trouble: ChildTrouble) => void,
): () => string {
  let words = "";
  let sideBytes = 0;
  let listening = true;
  const stop = (trouble: ChildTrouble): void => {
    listening = false;
    end(trouble);
  };
  const reader = lineReader({ ...BOUNDS, ...bounds }, (line) => {
    if (listening && !collector.take(line)) stop(NONSENSE);
  });
  const side = (stream: Readable | null, keep: boolean): void => {
    stream?.on("error", () => undefined);
    stream?.on("data", (chunk: Buffer) => {
      sideBytes += chunk.length;
      if (keep) words = (words + chunk.toString("latin1")).slice(-LAST_WORDS_BYTES);
      if (listening && sideBytes > SIDE_BYTES) stop(FLOODED);
    });
  };
  side(child.stdout, false);
  side(child.stderr, true);
  const messages = child.stdio[3] as Readable | null | undefined;
  messages?.on("error", () => undefined);
  messages?.on("data", (chunk: Buffer) => {
    if (listening && !reader.push(chunk)) stop(FLOODED);
  });
  return () => words;
}

/** Resolves when the child is gone and its pipes are read to their end, or some time after, when something else holds them. */
function endOf(child: ChildProcess, clock: Clock): Promise<{ readonly exitCode: number | null; readonly signal: string | null }> {
  return new Promise((resolve) => {
    const closed = new AbortController();
    let result: { readonly exitCode: number | null; readonly signal: string | null } = { exitCode: null, signal: null };
    const finish = (): void => {
      closed.abort();
      for (const stream of child.stdio) stream?.destroy();
      resolve(result);
    };
    child.on("exit", (exitCode, signal) => {
      result = { exitCode, signal };
      // What it may have started goes with it.
      killGroup(child);
      void clock.sleep(DRAIN_MS, closed.signal).then(finish, () => undefined);
    });
    child.on("close", finish);
    // Where it could not be started there is no exit.
    child.on("error", () => {
      if (child.pid === undefined) finish();
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone already; the process itself may still be on its way into it.
    child.kill("SIGKILL");
  }
}

function notStarted(thrown: unknown): ChildTrouble {
  const code = (thrown as NodeJS.ErrnoException | null)?.code;
  const why = typeof code === "string" ? ` (${code})` : "";
  return { code: "child-not-started", message: `The drill's process could not be started${why}.` };
}

function obtained(report: IsolationReport, collector: Collector): Isolation {
  return {
    process: report.process,
    permissions: collector.permissions,
    network: report.network,
    memoryLimit: report.memoryLimit,
    databaseLocked: collector.databaseLocked,
  };
}
