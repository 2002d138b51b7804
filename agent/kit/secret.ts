/**
 * Secrets by reference. A configuration only ever says where a secret lies; the value is read when it is used,
 * and nothing that prints a Secret prints more than `[redacted]`.
 */
import { spawn } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { inspect } from "node:util";
import { z } from "zod";

const REDACTED = "[redacted]";
const MAX_BYTES = 64 * 1024;
const LITERAL =
  "a secret is never written here; mend: use {env: NAME}, {file: PATH} or {command: [PROGRAM, …]}, and replace this one if others have seen it";
const SHAPE = "a secret is exactly one of {env: NAME}, {file: PATH} or {command: [PROGRAM, …]}; mend: keep one of the three";
const ENV_NAME = "env takes the name of an environment variable: letters, digits and _; mend: write its name, not its value";

/** Where a secret lies. */
export type SecretSource =
  | { readonly env: string }
  | { readonly file: string }
  | { readonly command: readonly [string, ...(readonly string[])] };

export interface SecretDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute folder a relative `file` starts from, and the working directory of a `command`. */
  readonly baseDir: string;
  /** Makes the error that `reveal` throws, so that its owner decides on the class. */
  readonly fail?: (code: string, message: string, mend: string) => Error;
  /** How long a command may take, in milliseconds; 10,000 unless told. */
  readonly deadlineMs?: number;
}

export class Secret {
  readonly #source: SecretSource;
  readonly #deps: SecretDeps | null;

  /** @param deps null for a secret read from a schema that nobody has bound yet: it cannot be revealed */
  constructor(source: SecretSource, deps: SecretDeps | null = null) {
    this.#source = source;
    this.#deps = deps;
  }

  /** The same reference with the world it is looked up in. */
  bind(deps: SecretDeps): Secret {
    return new Secret(this.#source, deps);
  }

  /** Where it lies, in words safe to print: never the value, nor a command's arguments. */
  describe(): string {
    const source = this.#source;
    if ("env" in source) return `environment variable ${source.env}`;
    if ("file" in source) return `file ${source.file}`;
    return `command ${source.command[0]}`;
  }

  /** True when `other` is a secret that lies in the same place; says nothing of the values. */
  sameAs(other: unknown): boolean {
    return other instanceof Secret && JSON.stringify(other.#source) === JSON.stringify(this.#source);
  }

  /**
   * Reads the value afresh.
   * @throws what `deps.fail` makes, with code `secret-unset`, `secret-unreadable`, `secret-empty`, `secret-too-long` or `secret-command`
   */
  async reveal(): Promise<string> {
    const deps = this.#deps;
    if (deps === null) throw new Error("This secret was never bound to an environment.");
    const source = this.#source;
    const fail = (code: string, message: string, mend: string): Error =>
      (deps.fail ?? ((_code, text, how) => new Error(`${text}; mend: ${how}`)))(code, message, mend);
    const value = await ("env" in source
      ? fromEnv(source.env, deps, fail)
      : "file" in source
        ? fromFile(source.file, deps, fail)
        : fromCommand(source.command, deps, fail));
    const trimmed = value.replace(/[\r\n]+$/u, "");
    if (trimmed === "") throw fail("secret-empty", `${this.describe()} is empty`, "put the secret there");
    return trimmed;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

type Fail = (code: string, message: string, mend: string) => Error;

async function fromEnv(name: string, deps: SecretDeps, fail: Fail): Promise<string> {
  const value = deps.env[name];
  if (value === undefined) throw fail("secret-unset", `environment variable ${name} is not set`, `set ${name} where the agent is started`);
  return value;
}

async function fromFile(file: string, deps: SecretDeps, fail: Fail): Promise<string> {
  const absolute = path.resolve(deps.baseDir, file);
  let data: Buffer;
  try {
    // Asked before reading, so that a huge file or an endless device is never read.
    const facts = await stat(absolute);
    if (facts.isDirectory()) throw Object.assign(new Error("directory"), { code: "EISDIR" });
    if (facts.size > MAX_BYTES)
      throw fail("secret-too-long", `file ${file} is longer than 64 KiB`, "point at the file that holds only the secret");
    data = await readFile(absolute);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== "string" || code.startsWith("secret-")) throw error;
    throw fail("secret-unreadable", `file ${file} cannot be read: ${unreadable(code)}`, `make ${absolute} a file the agent may read`);
  }
  return data.toString("utf8");
}

function unreadable(code: string): string {
  if (code === "ENOENT" || code === "ENOTDIR") return "it does not exist";
  if (code === "EACCES" || code === "EPERM" || code === "ERR_ACCESS_DENIED") return "no permission";
  return code === "EISDIR" ? "it is a folder" : code;
}

/** Runs the program without a shell, in a process group of its own, and takes what it prints; stderr is thrown away unseen. */
function fromCommand(command: readonly [string, ...(readonly string[])], deps: SecretDeps, fail: Fail): Promise<string> {
  const [program, ...rest] = command;
  const deadlineMs = deps.deadlineMs ?? 10_000;
  const mend = `run ${program} by hand as the agent's user and see that it prints the secret`;
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd: deps.baseDir,
      env: { ...deps.env },
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
      shell: false,
    });
    const chunks: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(() => {
      end(fail("secret-command", `command ${program} took longer than ${deadlineMs / 1000} s`, mend));
    }, deadlineMs);
    child.stdout.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BYTES) end(fail("secret-too-long", `command ${program} printed more than 64 KiB`, mend));
      else chunks.push(chunk);
    });
    child.on("error", (error) => {
      end(fail("secret-command", `command ${program} could not be started (${(error as NodeJS.ErrnoException).code ?? "error"})`, mend));
    });
    child.on("close", (code, signal) => {
      if (code === 0) end(Buffer.concat(chunks).toString("utf8"));
      else end(fail("secret-command", `command ${program} ended with ${code === null ? `signal ${signal}` : `exit code ${code}`}`, mend));
    });

    function end(outcome: string | Error): void {
      clearTimeout(timer);
      if (typeof outcome === "string") {
        resolve(outcome);
        return;
      }
      reject(outcome);
      child.stdout.destroy();
      killGroup(child.pid);
    }
  });
}

/** What a program started goes with it; a group that is already gone is fine. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * What a configuration may say for a secret; gives an unbound `Secret`, which `bindSecrets` brings to life.
 * Its messages never repeat what was written.
 */
export const secretSchema = z
  .union(
    [
      z.strictObject(
        {
          env: z
            .string()
            .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/u, { error: ENV_NAME })
            .describe("Name of an environment variable of the agent."),
        },
        { error: SHAPE },
      ),
      z.strictObject(
        {
          file: z
            .string()
            .min(1, { error: SHAPE })
            .max(4096, { error: SHAPE })
            .describe("Path of a file that holds only the secret, relative to this file."),
        },
        { error: SHAPE },
      ),
      z.strictObject(
        {
          command: z
            .tuple([z.string().min(1, { error: SHAPE })], z.string())
            .describe("Program and arguments; run without a shell, its output is the secret."),
        },
        { error: SHAPE },
      ),
    ],
    {
      error: (issue) => {
        if (issue.input === undefined) return undefined;
        return typeof issue.input === "object" && issue.input !== null ? SHAPE : LITERAL;
      },
    },
  )
  .meta({ examples: [{ env: "NAME" }] })
  .transform((source) => new Secret(source as SecretSource))
  .describe("A secret by reference: {env: NAME}, {file: PATH} or {command: [PROGRAM, …]}. Never the secret itself.");

export interface FoundSecret {
  /** Keys and indices that lead to it. */
  readonly at: readonly (string | number)[];
  readonly secret: Secret;
}

/** @returns a copy of the plain lists and objects of `value` with every Secret bound to `deps`, and where they were found */
export function bindSecrets<T>(value: T, deps: SecretDeps): { readonly value: T; readonly found: readonly FoundSecret[] } {
  const found: FoundSecret[] = [];
  const walk = (node: unknown, at: readonly (string | number)[]): unknown => {
    if (node instanceof Secret) {
      const secret = node.bind(deps);
      found.push({ at, secret });
      return secret;
    }
    if (Array.isArray(node)) return node.map((item, index) => walk(item, [...at, index]));
    if (typeof node !== "object" || node === null || Object.getPrototypeOf(node) !== Object.prototype) return node;
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, [...at, key])]));
  };
  return { value: walk(value, []) as T, found };
}
