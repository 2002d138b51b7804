/** One source with small CSV backups, a real agent over it, and the means to take from it what it needs. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, readFile, rename, rm, unlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { verifyEvidence } from "../../../agent/evidence/verify.ts";
import { writeGristDocument } from "../../../agent/quickstart/grist-document.ts";
import { shopOn } from "../../../agent/quickstart/invent.ts";
import { shopDocument } from "../../../agent/quickstart/shop-document.ts";
import { type RunningAgent, startAgentProcess } from "../agent/running.ts";

export const run = promisify(execFile);
export const HOUR = 3_600_000;

export interface Drill {
  readonly verdict: string;
  readonly trouble: string | null;
  readonly reasons: readonly string[];
}

export interface SourceItem {
  readonly id: string;
  readonly verdict: string;
  readonly headline: string;
  readonly drillId: string | null;
  readonly trouble: { readonly code: string; readonly message: string } | null;
}

export interface World {
  readonly home: string;
  readonly config: string;
  readonly path: (...parts: readonly string[]) => string;
  /** A directory of one CSV table under `backups/crm/`, made so long ago. */
  put(name: string, rows: number, ageMs: number): Promise<string>;
  /** A Grist document, which has to be copied to be looked at. */
  putDocument(name: string, ageMs: number): Promise<string>;
  start(wrap?: readonly string[]): Promise<RunningAgent>;
  remove(): Promise<void>;
}

export const csv = (rows: number): string =>
  `id,name,amount\n${Array.from({ length: rows }, (_, n) => `${n + 1},Deal ${n + 1},${n * 1.5}\n`).join("")}`;

export async function makeWorld(
  more: { readonly backups?: string; readonly drills?: string; readonly evidence?: string } = {},
): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), "rw-degraded-"));
  const path = (...parts: readonly string[]): string => join(home, ...parts);
  const config = path("restorewatch.yaml");
  for (const folder of ["state", "evidence", "work", "backups/crm"]) await mkdir(path(folder), { recursive: true });
  await writeFile(path("token"), "let-me-report");
  await writeFile(
    config,
    `state: { sqlite: ./state/restorewatch.db }
evidence: { directory: ${more.evidence ?? "./evidence"} }
agent: { workDirectory: ./work }
http: { listen: "127.0.0.1:9464", runs: { token: { file: ./token } } }
vaults:
  local: { type: dir, path: ./backups }
sources:
  - id: crm
    platform: { type: grist }
    owner: { team: sales-ops }
    domain: sales
    tier: standard
    objectives: { rpo: 36h, rto: 1h }
    backups: { vault: local, path: crm, every: 24h, jitter: 6h, settle: 0s${more.backups ?? ""} }
    poll: 1s
${more.drills ?? ""}`,
  );
  return {
    home,
    config,
    path,
    async put(name, rows, ageMs) {
      const aside = path(`.${name}`);
      await mkdir(aside);
      const file = join(aside, "deals.csv");
      await writeFile(file, csv(rows));
      const at = new Date(Date.now() - ageMs);
      await utimes(file, at, at);
      const place = path("backups/crm", name);
      await rename(aside, place);
      return join(place, "deals.csv");
    },
    async putDocument(name, ageMs) {
      const file = path("backups/crm", `${name}.grist`);
      const aside = path(`.${name}.grist`);
      writeGristDocument(aside, shopDocument(shopOn(1, 10, { customers: 60, orders: 200, openedAt: Date.UTC(2025, 0, 1) }), null));
      const at = new Date(Date.now() - ageMs);
      await utimes(aside, at, at);
      await rename(aside, file);
      return file;
    },
    start: (wrap = []) => startAgentProcess(home, ["start", "--log", "json", "--config", config], wrap),
    remove: () => rm(home, { recursive: true, force: true }),
  };
}

/** What one asks a running agent. */
export function asking(agent: () => RunningAgent) {
  const get = (path: string): Promise<Response> => fetch(`${agent().url}${path}`, { signal: AbortSignal.timeout(15_000) });
  return {
    ready: async (): Promise<{ readonly status: number; readonly problems: readonly string[] }> => {
      const answer = await get("/readyz");
      return { status: answer.status, problems: ((await answer.json()) as { problems: string[] }).problems };
    },
    metrics: async (): Promise<string> => (await get("/metrics")).text(),
    /** Causes in force. */
    degraded: async (): Promise<readonly string[]> =>
      [...(await (await get("/metrics")).text()).matchAll(/^restorewatch_degraded\{cause="(\w+)"\} 1$/gm)].map((match) => match[1] ?? ""),
    source: async (): Promise<SourceItem> => {
      const [item] = ((await (await get("/api/v1/sources?limit=5")).json()) as { items: SourceItem[] }).items;
      if (item === undefined) throw new Error("there is no source");
      return item;
    },
    drill: async (id: string): Promise<Drill> => (await get(`/api/v1/drills/${id}`)).json() as Promise<Drill>,
    page: async (path: string): Promise<number> => (await get(path)).status,
    report: async (outcome: string): Promise<number> =>
      (
        await fetch(`${agent().url}/api/v1/runs`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: "Bearer let-me-report" },
          body: JSON.stringify({ source: "crm", outcome, finished: new Date().toISOString() }),
        })
      ).status,
  };
}

/** Sees the agent's own mounts. */
export const withinAgent = (agent: RunningAgent, path: string): string => `/proc/${agent.process.pid ?? 0}/root${path}`;

/** Becomes the agent with a disk of its own of so many KiB at `path`, which goes when it goes. Needs user namespaces or root. */
export const withSmallDisk = (path: string, kib: number): readonly string[] => [
  "unshare",
  "-rm",
  "--",
  "sh",
  "-c",
  `mount -t tmpfs -o size=${kib}k,mode=700 tmpfs "${path}" && exec "$@"`,
  "sh",
];

export interface Disk {
  fill(): Promise<void>;
  free(): Promise<void>;
}

/** Fills a disk to its last byte, and gives the space back. */
export function diskAt(path: string): Disk {
  const ballast = join(path, "ballast");
  return {
    async fill() {
      const file = await open(ballast, "a");
      try {
        for (const bytes of [65_536, 4096, 512, 1]) {
          const block = Buffer.alloc(bytes, 0x42);
          try {
            for (;;) await file.appendFile(block);
          } catch (thrown) {
            if ((thrown as { code?: unknown }).code !== "ENOSPC") throw thrown;
          }
        }
      } finally {
        await file.close();
      }
    },
    free: () => unlink(ballast),
  };
}

/** Kinds of what is wrong with the evidence; a line that is just being written is not. */
export async function evidenceProblems(directory: string): Promise<readonly string[]> {
  return (await verifyEvidence({ directory })).problems.filter((problem) => problem.kind !== "torn").map((problem) => problem.sentence);
}

export const evidenceText = (directory: string): Promise<string> =>
  readFile(join(directory, `evidence-${new Date().toISOString().slice(0, 10)}.ndjson`), "utf8");

/** Soft limits of a running process; the hard ones stay, so that anyone may raise them again. */
export const setLimit = (
  agent: RunningAgent,
  name: "fsize" | "nofile" | "nproc",
  value: string,
  as: readonly string[] = [],
): Promise<unknown> => {
  const [command, ...args] = [...as, "prlimit", "--pid", String(agent.process.pid ?? 0), `--${name}=${value}:`];
  return run(command ?? "prlimit", args);
};

/** Root ignores permissions and most limits, so what is about them runs as someone else; whoever is not root stays who they are. */
const ROOT = process.getuid?.() === 0;
const OTHER = "54321";
export const OTHER_USER: readonly string[] = ROOT ? ["setpriv", `--reuid=${OTHER}`, `--regid=${OTHER}`, "--clear-groups", "--"] : [];

/** Gives the whole world to the other user. */
export async function owned(world: World): Promise<void> {
  if (ROOT) await run("chown", ["-R", `${OTHER}:${OTHER}`, world.home]);
}
