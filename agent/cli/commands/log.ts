/** Commands over the evidence log and the state. */
import { openStateForReading, readConfig, readApplied, readEntries, rebuildFromEvidence, verifyEvidence } from "../../app.ts";
import { evidenceShowCommand, evidenceVerifyCommand } from "../evidence.ts";
import { stateInfoCommand, stateRebuildCommand } from "../state.ts";
import type { Shell } from "../program.ts";
import { quiet } from "./quiet.ts";
import { configPath, type How } from "./world.ts";

export async function evidenceVerify(options: { config?: string; head?: string; output: How }, shell: Shell): Promise<number> {
  const { evidenceDir: directory } = await readConfig(configPath(options.config ?? null, shell), shell.env);
  return evidenceVerifyCommand(
    { head: options.head ?? null, output: options.output },
    { out: shell.out, verify: (head) => verifyEvidence({ directory, ...(head === null ? {} : { head }) }) },
  );
}

export async function evidenceShow(
  options: { config?: string; since?: string; source?: string; type?: string; last?: string; output: How },
  shell: Shell,
): Promise<number> {
  const { evidenceDir } = await readConfig(configPath(options.config ?? null, shell), shell.env);
  const { since = null, source = null, type = null, last = null, output } = options;
  return evidenceShowCommand({ since, source, type, last, output }, { out: shell.out, read: () => readEntries(evidenceDir, 0) });
}

export async function stateInfo(options: { config?: string; output: How }, shell: Shell): Promise<number> {
  const config = await readConfig(configPath(options.config ?? null, shell), shell.env);
  return stateInfoCommand(options.output, {
    out: shell.out,
    async info() {
      const state = await openStateForReading(config, quiet(shell).clock);
      try {
        const { seq: follows } = await readApplied(state.repositories);
        return { path: state.path, bytes: await state.size(), schemaVersion: state.schemaVersion, rows: await state.counts(), follows };
      } finally {
        await state.close();
      }
    },
  });
}

export async function stateRebuild(options: { config?: string; output: How }, shell: Shell): Promise<number> {
  const config = await readConfig(configPath(options.config ?? null, shell), shell.env);
  return stateRebuildCommand(options.output, { out: shell.out, rebuild: () => rebuildFromEvidence(config, quiet(shell)) });
}
