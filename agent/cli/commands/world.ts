/** What commands have in common: the world they are run in, the agent that may be running already. */
import { openApp } from "../../app.ts";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { Shell } from "../program.ts";
import { quiet } from "./quiet.ts";

export type How = "text" | "json";

export function configPath(given: string | null): string {
  return given === null ? "restorewatch.yaml" : given;
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
