/** The peers' repositories over the same files: made, checked, damaged and mended again. */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Measured, measure } from "../measure.ts";

export interface Check {
  readonly name: string;
  run(): Promise<{ readonly sound: boolean; readonly measured: Measured }>;
}

export interface Repository {
  readonly name: "restic" | "borg";
  readonly version: string;
  /** The quick one reads no data, the thorough one all. */
  readonly quick: Check;
  readonly thorough: Check;
  /** Files that hold data, the largest first, and files of the index. */
  files(): Promise<{ readonly data: readonly string[]; readonly index: readonly string[] }>;
  backup(folder: string, name: string): Promise<void>;
}

export interface Damage {
  readonly name: string;
  readonly of: "data" | "index";
  act(path: string): Promise<void>;
}

export const DAMAGES: readonly Damage[] = [
  { name: "1 byte flipped in stored data", of: "data", act: flipMiddle },
  { name: "stored data cut short by 1 %", of: "data", act: async (path) => truncate(path, Math.floor((await stat(path)).size * 0.99)) },
  { name: "a file of stored data missing", of: "data", act: (path) => rm(path) },
  { name: "1 byte flipped in the repository's index", of: "index", act: flipMiddle },
];

export async function flipMiddle(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

/** @returns whether the check said so; the file is what it was before */
export async function damaged(repository: Repository, damage: Damage): Promise<{ readonly quick: boolean; readonly thorough: boolean }> {
  const [path] = (await repository.files())[damage.of];
  if (path === undefined) throw new Error(`${repository.name} has no file of ${damage.of}`);
  const before = await readFile(path);
  await damage.act(path);
  try {
    const quick = await repository.quick.run();
    const thorough = await repository.thorough.run();
    return { quick: !quick.sound, thorough: !thorough.sound };
  } finally {
    await writeFile(path, before, { mode: 0o600 });
  }
}

/** @param home an empty directory */
export async function resticIn(home: string): Promise<Repository> {
  const place = join(home, "restic");
  const env = { RESTIC_REPOSITORY: place, RESTIC_PASSWORD: "bench", RESTIC_CACHE_DIR: join(home, "restic-cache") };
  await measure("restic", ["init", "--quiet"], { env });
  const check = (name: string, args: readonly string[]): Check => ({
    name,
    // Without the cache: what is checked is what lies in the repository.
    run: () => sound("restic", ["check", "--quiet", ...args], env),
  });
  return {
    ...{
      name: "restic",
      version: await versionOf("restic", "version"),
      quick: check("restic check", []),
      thorough: check("restic check --read-data", ["--read-data"]),
    },
    async files() {
      return { data: await bySize(join(place, "data")), index: await bySize(join(place, "index")) };
    },
    backup: async (folder) => void (await measure("restic", ["backup", "--quiet", folder], { env })),
  };
}

/** @param home an empty directory */
export async function borgIn(home: string): Promise<Repository> {
  const place = join(home, "borg");
  const base = join(home, "borg-base");
  await mkdir(base);
  const env = { BORG_REPO: place, BORG_PASSPHRASE: "bench", BORG_BASE_DIR: base };
  await measure("borg", ["init", "--encryption", "repokey"], { env });
  const check = (name: string, args: readonly string[]): Check => ({ name, run: () => sound("borg", ["check", ...args], env) });
  return {
    ...{
      name: "borg",
      version: await versionOf("borg", "--version"),
      quick: check("borg check", []),
      thorough: check("borg check --verify-data", ["--verify-data"]),
    },
    async files() {
      const index = (await readdir(place)).filter((name) => name.startsWith("index.")).map((name) => join(place, name));
      return { data: await bySize(join(place, "data")), index };
    },
    backup: async (folder, name) => void (await measure("borg", ["create", `::${name}`, folder], { env })),
  };
}

async function sound(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ sound: boolean; measured: Measured }> {
  try {
    return { sound: true, measured: await measure(file, args, { env }) };
  } catch (thrown) {
    // It was run and ended with something else than 0: it says that something is wrong.
    if (!(thrown instanceof Error) || !/ ended with \d+/u.test(thrown.message)) throw thrown;
    return { sound: false, measured: { wallMs: 0, cpuMs: null, peakBytes: null, stdout: thrown.message } };
  }
}

async function bySize(folder: string): Promise<string[]> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const sized = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path, bytes: (await stat(path)).size };
    }),
  );
  return sized.sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1)).map((one) => one.path);
}

function versionOf(file: string, flag: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, [flag], (error, stdout) => (error === null ? resolve(stdout.trim().split(" compiled")[0] ?? "") : reject(error)));
  });
}
