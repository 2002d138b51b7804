/** What an installation without development dependencies holds, by the lock file, made out of the node_modules that is here. */
import { cp, link, mkdir, readdir } from "node:fs/promises";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./sources.ts";

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean; readonly devOptional?: boolean }>>;
}

/** Paths such as `node_modules/hono`; packages for other machines are not among them. */
export function productionPackages(): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as Lock;
  return Object.entries(packages)
    .filter(([path, { dev, devOptional }]) => path !== "" && dev !== true && devOptional !== true)
    .filter(([path, { optional }]) => optional !== true || existsSync(join(ROOT, path)))
    .map(([path]) => path);
}

/** As `npm ci --omit=dev` would leave it in `directory`, but by hard links, and copies where those cannot be. */
export async function installProduction(directory: string): Promise<void> {
  for (const path of productionPackages()) await linkFolder(join(ROOT, path), join(directory, path));
}

/** Nested node_modules are packages of their own. */
async function linkFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      if (entry.name !== "node_modules") await linkFolder(source, target);
    } else await link(source, target).catch(() => cp(source, target));
  }
}
