/**
 * `npm run build`: the agent as plain JavaScript in dist/, laid out as a package of its own. What lies beside the code in agent/ and is
 * read at run time comes along, so paths within agent/ hold in both worlds. No source maps: the output is the source without its types,
 * and its lines are readable as they are.
 */
import { spawnSync } from "node:child_process";
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { filesUnder, ROOT } from "./sources.ts";

/** The oldest Node that has everything the built agent uses (Zstandard in node:zlib came with 22.15). */
export const OLDEST_NODE = "22.15.0";
/**
 * How the agent is started, here, as a package and in the image. Young objects get 2 MB halves instead of 16: an agent makes few at a time,
 * and what the greater ones leave resident is a third of its memory (measured: 178 MB by default, 119 to 125 MB so, and no more CPU).
 */
export const NODE_FLAGS = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=2"];
/** What the package and the image start. */
export const ENTRY = "agent/main.js";

export interface BuildOptions {
  /** Replaced if an earlier build lies there; anything else there is an error. */
  readonly outDir: string;
  /** False: emits without asking whether the types are right, which `npm run types` does too. */
  readonly checkTypes?: boolean;
}

/**
 * @returns what was written: paths in `outDir`, sorted
 * @throws where the types are wrong or `outDir` holds something else than a build
 */
export async function build({ outDir, checkTypes = true }: BuildOptions): Promise<readonly string[]> {
  await clear(outDir);
  compile(outDir, checkTypes);
  const assets = runtimeFiles();
  for (const path of assets) await put(path, join(outDir, path));
  for (const path of PAPERS) await put(path, join(outDir, path));
  await writeFile(join(outDir, "package.json"), `${JSON.stringify(await manifest(), null, 2)}\n`);
  await chmod(join(outDir, ENTRY), 0o755);
  return [...modules(), ...assets, ...PAPERS, "package.json"].sort();
}

const PAPERS = ["LICENSE", "README.md"];

/** What the compiler makes of the code. */
export function modules(): string[] {
  return filesUnder("agent")
    .filter((path) => !path.endsWith(".d.ts"))
    .map((path) => path.replace(/\.ts$/, ".js"));
}

/** Everything under agent/ that is neither code nor prose for developers. */
export function runtimeFiles(): string[] {
  return filesUnder("agent", (path) => !/\.(?:ts|md)$/.test(path));
}

function compile(outDir: string, checkTypes: boolean): void {
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  const args = [tsc, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", outDir, ...(checkTypes ? [] : ["--noCheck"])];
  const { status, stdout, error } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`tsc ended with ${status}:\n${stdout}`);
}

/** The package that dist/ is: what it needs to run, and nothing that only development needs. */
async function manifest(): Promise<Record<string, unknown>> {
  const own = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as Record<string, unknown>;
  const { name, version, description, license, private: isPrivate, dependencies } = own;
  return {
    name,
    version,
    description,
    license,
    private: isPrivate,
    type: "module",
    engines: { node: `>=${OLDEST_NODE}` },
    bin: { restorewatch: ENTRY },
    scripts: { start: `node ${NODE_FLAGS.join(" ")} ${ENTRY} start` },
    dependencies,
  };
}

async function put(path: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(join(ROOT, path), to);
}

/** An earlier build goes away whole, or files that are no longer made would stay. */
async function clear(outDir: string): Promise<void> {
  const before = await readFile(join(outDir, "package.json"), "utf8").catch(() => null);
  if (before !== null && (JSON.parse(before) as { bin?: { restorewatch?: unknown } }).bin?.restorewatch === ENTRY)
    await rm(outDir, { recursive: true });
  await mkdir(outDir, { recursive: true });
  if ((await readdir(outDir)).length > 0) throw new Error(`${outDir} holds something else than a build; nothing was touched.`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const outDir = resolve(process.argv[2] ?? join(ROOT, "dist"));
  const began = performance.now();
  try {
    const written = await build({ outDir });
    process.stdout.write(`${outDir}: ${written.length} files in ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exitCode = 1;
  }
}
