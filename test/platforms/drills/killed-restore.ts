/** An agent that dies in the middle of a restore, and the next one, which cleans up behind it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";
import { agentCommand, startAgentProcess } from "../../integration/agent/running.ts";

const TRIES = 3000;

/**
 * @param home where the agent's configuration lies
 * @param leftovers how many things of a restore are in the scratch place, seen without the connector
 * Fails where nothing was left behind by the kill, or anything is after the next agent's start.
 */
export async function expectSweptAfterKill(home: string, source: string, leftovers: () => Promise<number>): Promise<void> {
  const [node, args] = agentCommand("drill", source);
  const killed = spawn(node, args, { cwd: home, stdio: "ignore", env: { PATH: process.env["PATH"] } });
  const ended = once(killed, "exit");
  await until(async () => (await leftovers()) > 0, "nothing was restored");
  killed.kill("SIGKILL");
  await ended;
  expect(await leftovers(), "left behind").toBeGreaterThan(0);
  const agent = await startAgentProcess(home);
  try {
    await until(() => agent.stdout().includes("scratch workspaces of a killed run were found"), "nothing of it was found");
    await until(async () => (await leftovers()) === 0, "it is still there");
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    expect(/^restorewatch_scratch_leaks(?:\{[^}]*\})? (\S+)$/mu.exec(metrics)?.[1], "reported and gone").toBe("0");
  } finally {
    await agent.stop("SIGTERM");
  }
}

async function until(met: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    if (await met()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(otherwise);
}
