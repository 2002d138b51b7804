import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type LoadedConfig, loadConfig } from "../../../agent/config/load.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import { encode, testRegistries } from "./registries.ts";

export const FIXTURES = fileURLToPath(new URL("../../fixtures/config/", import.meta.url));

/** Loads a file of test/fixtures/config under its bare name, as if it lay in the current folder. */
export function loadFixture(name: string, env: Record<string, string> = {}): Promise<LoadedConfig> {
  return loadConfig({ path: name, readFile: (path) => readFile(`${FIXTURES}${path}`), env, registries: testRegistries });
}

export function loadText(text: string, env: Record<string, string> = {}): Promise<LoadedConfig> {
  return loadConfig({ path: "restorewatch.yaml", readFile: async () => encode(text), env, registries: testRegistries });
}

/** The error a load ends with, whole; fails the test when it loads. */
export async function errorOf(loading: Promise<unknown>): Promise<AgentError> {
  const outcome = await loading.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof AgentError) return outcome;
  throw new Error("expected an AgentError", { cause: outcome });
}
