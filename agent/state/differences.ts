/**
 * Where the differences of the last comparison of each source lie: one small file a source beside the state, readable by the agent's user
 * alone. The next comparison writes over it, time removes it, and so can a person.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Differences } from "../core/differences.ts";
import { asAgentError } from "../core/errors.ts";
import { idOf } from "../core/ids.ts";
import type { Clock } from "../core/ports.ts";

const document = z.looseObject({
  version: z.literal(1),
  sourceId: z.string(),
  drillId: z.string(),
  expiresAt: z.number(),
  items: z.array(z.looseObject({ key: z.string(), fields: z.array(z.looseObject({ field: z.string() })) })),
});

export interface DifferencesStore {
  keep(differences: Differences): Promise<void>;
  /** Null where none are kept of it, or no longer. */
  of(sourceId: string): Promise<Differences | null>;
  forget(sourceId: string): Promise<void>;
  /** Removes what has expired; returns how many. */
  sweep(): Promise<number>;
}

export function differencesStore(directory: string, clock: Pick<Clock, "now">): DifferencesStore {
  const pathOf = (sourceId: string): string => join(directory, `${idOf("differences", sourceId)}.json`);

  async function read(path: string): Promise<Differences | null> {
    try {
      const parsed = document.safeParse(JSON.parse(await readFile(path, "utf8")));
      return parsed.success ? (parsed.data as unknown as Differences) : null;
    } catch (thrown) {
      // Nothing follows from it: what cannot be read is as good as gone.
      if (thrown instanceof SyntaxError || asAgentError(thrown).kind === "not_found") return null;
      throw asAgentError(thrown);
    }
  }

  return {
    async keep(differences) {
      const path = pathOf(differences.sourceId);
      if (differences.items.length === 0 || differences.expiresAt <= clock.now()) return rm(path, { force: true });
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(`${path}.new`, JSON.stringify(differences), { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
    async of(sourceId) {
      const found = await read(pathOf(sourceId));
      if (found === null || found.expiresAt > clock.now()) return found;
      await rm(pathOf(sourceId), { force: true });
      return null;
    },
    forget: (sourceId) => rm(pathOf(sourceId), { force: true }),
    async sweep() {
      let removed = 0;
      const names = await readdir(directory).catch(() => []);
      for (const name of names) {
        const path = join(directory, name);
        const found = name.endsWith(".json") ? await read(path) : null;
        if (found !== null && found.expiresAt > clock.now()) continue;
        await rm(path, { force: true });
        removed += 1;
      }
      return removed;
    },
  };
}
