/**
 * Asks the real command line about something hostile, as text and as JSON, and holds every answer to the contract: an exit code, one
 * line or one document, nothing of our insides, within bounds of time and memory. A command that does not end in time is ended, and that
 * is a failure.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { agentCommand } from "../agent/running.ts";

/** Nothing here needs more than a few seconds alone; what takes this long hangs. */
const HANG_MS = 90_000;
/** The command itself and the drill's process, each. */
const MOST_RSS_KB = 700_000;
const WATCH_MS = 40;

export interface Question {
  readonly path: string;
  readonly args?: readonly string[];
  readonly cwd: string;
  /** What the command is started through, in place of being started itself: to be another user. */
  readonly through?: readonly string[];
}

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Most memory of the command or of a process it started, in kB; 0 where the system does not tell. */
  readonly peakKb: number;
}

export interface Verification {
  readonly verdict: "verified" | "failed" | "inconclusive";
  readonly reasons: readonly string[];
  readonly artifact: { readonly format: string | null };
  readonly checks: readonly { readonly id: string; readonly status: string; readonly observed: string }[];
  readonly resources: { readonly peakRssBytes: number } | null;
}

export interface Asked {
  readonly code: number | null;
  /** Everything printed as text. */
  readonly text: string;
  /** Null where there is an error in its place. */
  readonly result: Verification | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/u.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function peakWithin(pid: number): number {
  return Math.max(peakOf(pid), ...childrenOf(pid).map(peakWithin));
}

export function run({ path, args = [], cwd, through = [] }: Question, output: "text" | "json"): Promise<Answer> {
  // A path may begin with a dash.
  const [node, all] = agentCommand("verify", ...args, "--output", output, "--", path);
  const [file = node, ...rest] = [...through, node, ...all];
  const child = spawn(file, rest, { cwd, stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"] } });
  let [stdout, stderr, peakKb] = ["", "", 0];
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  const { pid } = child;
  const watching = setInterval(() => {
    if (pid !== undefined && existsSync("/proc")) peakKb = Math.max(peakKb, peakWithin(pid));
  }, WATCH_MS);
  return new Promise((resolve, reject) => {
    const hung = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`verify ${path} did not end within ${HANG_MS} ms`));
    }, HANG_MS);
    const over = (): void => {
      clearInterval(watching);
      clearTimeout(hung);
    };
    child.on("error", (error) => {
      over();
      reject(error);
    });
    child.on("close", (code) => {
      over();
      resolve({ code, stdout, stderr, peakKb });
    });
  });
}

const INSIDES =
  /\n\s+at |node:internal|node_modules|file:\/\/|\bat .+\.ts:\d+|\[object |undefined|\bNaN\b|(?:Type|Range|Reference|Syntax)Error/u;
const CODE_OF = { verified: 0, failed: 1, inconclusive: 3 } as const;

/** Both ways, with everything that holds for any answer. */
export async function ask(question: Question): Promise<Asked> {
  const [text, json] = await Promise.all([run(question, "text"), run(question, "json")]);
  const printed = `${text.stdout}${text.stderr}`;
  expect(INSIDES.exec(printed.replaceAll(question.path, "PATH"))?.[0] ?? null, printed).toBeNull();
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  expect(/[\u0000-\u0009\u000b-\u001f]/u.exec(printed)?.[0] ?? null, JSON.stringify(printed)).toBeNull();
  expect(json.code, `${printed}\n${json.stdout}`).toBe(text.code);
  expect(json.stdout.endsWith("\n")).toBe(true);
  expect(json.stdout.trimEnd().split("\n")).toHaveLength(1);
  expect(Math.max(text.peakKb, json.peakKb)).toBeLessThan(MOST_RSS_KB);
  const document = JSON.parse(json.stdout) as Verification & { readonly error?: { readonly code: string; readonly message: string } };
  if (document.error !== undefined) {
    expect(text.stdout, "an error is told on stderr").toBe("");
    expect(text.stderr.trimEnd().split("\n"), "an error is one line").toHaveLength(1);
    expect(document.error.message).toMatch(/^\S.{8,}[.!]?$/u);
    return { code: text.code, text: printed, result: null, error: document.error };
  }
  expect(CODE_OF[document.verdict]).toBe(text.code);
  if (document.verdict !== "verified") expect(document.reasons.length, printed).toBeGreaterThan(0);
  for (const reason of document.reasons) expect(reason).not.toMatch(/unexpected|\n/u);
  for (const check of document.checks) expect(`${check.id} ${check.observed}`).not.toMatch(/unexpected/u);
  expect(document.resources?.peakRssBytes ?? 0).toBeLessThan(MOST_RSS_KB * 1024);
  return { code: text.code, text: printed, result: document, error: null };
}

/** What it says, wherever it says it. */
export function said({ text, result, error }: Asked): string {
  return [text, error?.message ?? "", ...(result?.reasons ?? [])].join("\n");
}
