/** Reads the tree as the meta tests see it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Paths relative to the repository, sorted. */
export function filesUnder(folder: string, matches: (path: string) => boolean = (path) => path.endsWith(".ts")): string[] {
  const found: string[] = [];
  const walk = (directory: string): void => {
    for (const name of readdirSync(directory).sort()) {
      if (name === "node_modules" || name.startsWith(".")) continue;
      const path = join(directory, name);
      if (statSync(path).isDirectory()) walk(path);
      else if (matches(path)) found.push(relative(ROOT, path));
    }
  };
  walk(join(ROOT, folder));
  return found;
}

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export interface ImportLine {
  readonly from: string;
  /** Repository path for our own files, the bare specifier otherwise. */
  readonly to: string;
  readonly own: boolean;
  readonly typeOnly: boolean;
}

const IMPORT =
  /^\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\b(?:import|createRequire\(import\.meta\.url\))\(\s*"([^"]+)"\s*\)/gm;

export function importsOf(path: string): ImportLine[] {
  return [...textOf(path).matchAll(IMPORT)].flatMap((match) => {
    const specifier = match[2] ?? match[3];
    if (specifier === undefined) return [];
    const own = specifier.startsWith(".");
    return [
      { from: path, to: own ? relative(ROOT, resolve(ROOT, dirname(path), specifier)) : specifier, own, typeOnly: match[1] !== undefined },
    ];
  });
}
