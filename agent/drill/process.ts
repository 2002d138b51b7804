/** A drill as a process: the job comes in on stdin, everything found goes out on file descriptor 3. */
import type { Clock } from "../core/ports.ts";
import { type Channel, fdChannel } from "./channel.ts";
import { drill, type DrillDeps } from "./drill.ts";
import type { DrillJob } from "./protocol.ts";
import { nameOf } from "./trouble.ts";

/** Reads the one job, runs it and ends the process: 0 when `done` was told, 1 when not. */
export async function runDrillProcess(registries: Pick<DrillDeps, "formats" | "sandboxes" | "checks">, clock: Clock): Promise<never> {
  const channel = fdChannel(3);
  const gone = new AbortController();
  process.on("uncaughtException", (thrown) => giveUp(channel, thrown));
  process.on("unhandledRejection", (thrown) => giveUp(channel, thrown));
  try {
    const job = await readJob(() => {
      // The agent is gone: there is nobody to tell, and nothing may stay behind but the directory its successor sweeps.
      gone.abort();
      process.exit(1);
    });
    channel.send({ t: "hello", permissions: isConfined() });
    await drill(job, { ...registries, clock, channel, signal: gone.signal });
  } catch (thrown) {
    giveUp(channel, thrown);
  }
  process.exit(0);
}

function giveUp(channel: Channel, thrown: unknown): never {
  // Only the kind of the error: its message may quote what was being read.
  try {
    const trouble = { code: "internal", message: `The drill failed unexpectedly (${nameOf(thrown)}).` };
    channel.send({ t: "done", trouble, resources: { cpuMs: 0, peakRssBytes: 0, readBytes: 0, diskBytes: 0 } });
  } finally {
    process.exit(1);
  }
}

/** @param onEnd called when stdin closes after the job */
function readJob(onEnd: () => void): Promise<DrillJob> {
  return new Promise((resolve, reject) => {
    let text = "";
    let got = false;
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", (chunk: string) => {
      if (got) return;
      text += chunk;
      const end = text.indexOf("\n");
      if (end < 0) return;
      got = true;
      try {
        resolve(JSON.parse(text.slice(0, end)) as DrillJob);
      } catch (thrown) {
        reject(thrown instanceof Error ? thrown : new Error("no job"));
      }
    });
    process.stdin.on("end", onEnd);
    process.stdin.on("error", onEnd);
  });
}

/** Whether Node's permission model keeps this process from writing wherever it likes. */
function isConfined(): boolean {
  const { permission } = process as { permission?: { has(scope: string, reference?: string): boolean } };
  return permission !== undefined && !permission.has("fs.write", "/");
}
