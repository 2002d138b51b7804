/**
 * Servers for tests are installed once a machine, outside the checkout, each under a name that changes with what is installed.
 * An installation is made beside its place and renamed into it, so a broken one is never found.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";

/** Where installations are kept between runs. */
export function cacheRoot(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "restorewatch");
}

/**
 * @param name unique for what is installed: product, version, digest of a lock file
 * @param install fills the directory it is given; whatever it throws leaves nothing behind
 * @returns absolute path of the installation
 */
export async function installedOnce(name: string, install: (directory: string) => Promise<void>): Promise<string> {
  const place = join(cacheRoot(), name);
  if (existsSync(place)) return place;
  await mkdir(cacheRoot(), { recursive: true });
  const growing = await mkdtemp(join(cacheRoot(), `.${name}-`));
  try {
    await install(growing);
    // Another run may have been faster; its installation is as good as this one.
    await rename(growing, place).catch((thrown: unknown) => {
      if (!existsSync(place)) throw thrown;
    });
    return place;
  } finally {
    await rm(growing, { recursive: true, force: true });
  }
}

/** Runs a command to its end; throws with the end of what it said where it fails. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd: string; env?: Readonly<Record<string, string>> },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString("utf8")).slice(-20_000);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}:\n${said.slice(-3000)}`));
    });
  });
}
