/** `restorewatch diff`: reads, or removes, what the last comparison left on this machine. */
import { differencesOf, readConfig } from "../../app.ts";
import { diffCommand } from "../diff.ts";
import type { Shell } from "../program.ts";
import { quiet } from "./quiet.ts";
import { configPath, type How, requireSource } from "./world.ts";

export async function diff(
  source: string,
  flags: { readonly config?: string; readonly output: How; readonly forget: boolean },
  shell: Shell,
): Promise<number> {
  const config = await readConfig(configPath(flags.config ?? null, shell), shell.env);
  requireSource(
    source,
    config.sources.map((one) => one.id),
  );
  const store = differencesOf(config, quiet(shell).clock);
  return diffCommand(source, flags, { out: shell.out, read: () => store.of(source), forget: () => store.forget(source) });
}
