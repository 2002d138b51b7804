/** What commands have in common: the world they are run in, the agent that may be running already. */
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { openApp, quickstartDirectory } from "../../app.ts";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { Shell } from "../program.ts";
import { quiet } from "./quiet.ts";

export type How = "text" | "json";

/** Where nobody wrote a configuration and the quickstart was started here, commands are about the quickstart. */
export function configPath(given: string | null, shell: Pick<Shell, "cwd">): string {
  if (given !== null) return given;
  const [usual, quickstart] = ["restorewatch.yaml", join(relative(shell.cwd, quickstartDirectory(shell.cwd)), "restorewatch.yaml")];
  const there = (path: string): boolean => existsSync(resolve(shell.cwd, path));
  return !there(usual) && there(quickstart) ? quickstart : usual;
}

export function noVault(id: string): never {
  throw new AgentError("internal", "no-vault", `vault ${id} was not opened`);
}

/** Null when another process holds the evidence: an agent is running. */
export async function appUnlessRunning(path: string, shell: Shell): Promise<Awaited<ReturnType<typeof openApp>> | null> {
  try {
    return await openApp(path, quiet(shell));
  } catch (thrown) {
    if (asAgentError(thrown).code === "evidence-locked") return null;
    throw thrown;
  }
}

export function requireSource(source: string | null, known: readonly string[]): void {
  if (source !== null && !known.includes(source))
    throw new AgentError("usage", "no-such-source", `The configuration has no source "${source}".`, { mend: `it has ${known.join(", ")}` });
}
