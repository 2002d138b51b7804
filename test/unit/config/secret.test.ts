import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { format, inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bindSecrets, Secret, type SecretDeps, secretSchema } from "../../../agent/kit/secret.ts";

class Told extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

let folder = "";
let deps: SecretDeps;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rw-secret-"));
  deps = {
    env: { KEY: "from-env", EMPTY: "", PATH: process.env["PATH"] },
    baseDir: folder,
    fail: (code, message) => new Told(code, message),
    deadlineMs: 5000,
  };
  await writeFile(join(folder, "key"), "from-file\r\n\n");
  await writeFile(join(folder, "blank"), "\n\n");
  await writeFile(join(folder, "big"), "x".repeat(65 * 1024));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const node = (script: string): Secret => new Secret({ command: [process.execPath, "-e", script] }, deps);

describe("a secret is read from", () => {
  test("the environment handed in, not the process", async () => {
    expect(await new Secret({ env: "KEY" }, deps).reveal()).toBe("from-env");
    await expect(new Secret({ env: "HOME" }, deps).reveal()).rejects.toMatchObject({
      code: "secret-unset",
      message: "environment variable HOME is not set",
    });
  });

  test("a file beside the configuration, without its trailing newlines, afresh each time", async () => {
    const secret = new Secret({ file: "key" }, deps);
    expect(await secret.reveal()).toBe("from-file");
    await writeFile(join(folder, "key"), "rotated\n");
    expect(await secret.reveal()).toBe("rotated");
  });

  test("a program run without a shell", async () => {
    const secret = new Secret({ command: [process.execPath, "-e", "process.stdout.write(process.argv[1])", "$HOME; `id`"] }, deps);
    expect(await secret.reveal()).toBe("$HOME; `id`");
    expect(await node("console.log(process.env.KEY)").reveal()).toBe("from-env");
  });
});

describe("a secret that cannot be had says why, and nothing else", () => {
  test.each([
    ["an empty variable", { env: "EMPTY" }, "secret-empty", "environment variable EMPTY is empty"],
    ["a blank file", { file: "blank" }, "secret-empty", "file blank is empty"],
    ["a missing file", { file: "nowhere" }, "secret-unreadable", "file nowhere cannot be read: it does not exist"],
    ["a folder", { file: "." }, "secret-unreadable", "file . cannot be read: it is a folder"],
    ["a file that is no secret", { file: "big" }, "secret-too-long", "file big is longer than 64 KiB"],
    ["a missing program", { command: ["/no/such/program"] }, "secret-command", "command /no/such/program could not be started (ENOENT)"],
  ] as const)("%s", async (_name, source, code, message) => {
    await expect(new Secret(source, deps).reveal()).rejects.toMatchObject({ code, message });
  });

  test("what a failing program prints is in no error", async () => {
    const failing = node("console.log('hunter2'); console.error('hunter2'); process.exit(3)");
    const error: unknown = await failing.reveal().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "secret-command", message: `command ${process.execPath} ended with exit code 3` });
    expect(inspect(error, { depth: 9 }).replaceAll(folder, "")).not.toContain("hunter2");
  });

  test("a program that floods is ended", async () => {
    await expect(node("for (;;) require('fs').writeSync(1, 'x'.repeat(65536))").reveal()).rejects.toMatchObject({
      code: "secret-too-long",
    });
  });

  test("a program that hangs is ended at the deadline, and what it started with it", async () => {
    const started = `const c = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
      require('fs').writeFileSync('pid', String(c.pid)); setInterval(() => {}, 1000);`;
    const hanging = new Secret({ command: [process.execPath, "-e", started] }, { ...deps, deadlineMs: 3000 });
    await expect(hanging.reveal()).rejects.toMatchObject({ code: "secret-command", message: expect.stringContaining("longer than 3 s") });
    const { readFile } = await import("node:fs/promises");
    const pid = Number(await readFile(join(folder, "pid"), "utf8"));
    await expect.poll(() => isRunning(pid), { timeout: 5000 }).toBe(false);
  });
});

/** A killed process that nobody has waited for yet still has a pid; on Linux its state tells. */
async function isRunning(pid: number): Promise<boolean> {
  const { readFile } = await import("node:fs/promises");
  try {
    const status = await readFile(`/proc/${pid}/stat`, "utf8");
    return !/\) Z /u.test(status);
  } catch {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  }
}

describe("printing a secret", () => {
  test("shows [redacted] whatever way it is printed", () => {
    const secret = new Secret({ env: "KEY" }, deps);
    const printed = [
      String(secret),
      "".concat(secret as unknown as string),
      JSON.stringify(secret),
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ a: [secret] }, { depth: 9, showHidden: true }),
      format("%s %o %j", secret, secret, secret),
    ];
    for (const text of printed) expect(text).toContain("[redacted]");
    expect(inspect(secret, { customInspect: false, showHidden: true, getters: true })).not.toMatch(/KEY|from-env/u);
    expect(Object.keys(secret)).toEqual([]);
  });

  test("a command is described without its arguments", () => {
    expect(new Secret({ command: ["op", "read", "token=hunter2"] }, deps).describe()).toBe("command op");
  });
});

describe("the schema", () => {
  test.each([
    ["a literal", "hunter2"],
    ["a number", 4711],
    ["two ways at once", { env: "A", file: "b" }],
    ["no way", {}],
    ["a value as a name", { env: "hunter2 !" }],
    ["an empty command", { command: [] }],
    ["a command line", { command: "op read hunter2" }],
    ["more than it takes", { env: "A", default: "hunter2" }],
    ["an unknown way", { hunter2: "hunter2" }],
  ])("refuses %s with the mend and without repeating it", (_name, written) => {
    const { error } = secretSchema.safeParse(written);
    const messages = error?.issues.map((issue) => issue.message) ?? [];
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(/; mend: /u);
    expect(messages[0]).not.toMatch(/hunter2|4711/u);
  });

  test("names the three ways when a literal is written", () => {
    expect(secretSchema.safeParse("hunter2").error?.issues[0]?.message).toContain(
      "a secret is never written here; mend: use {env: NAME}, {file: PATH} or {command: [PROGRAM, …]}",
    );
  });

  test("gives a reference that cannot be revealed before it is bound, and is found by bindSecrets", async () => {
    const parsed = { list: [secretSchema.parse({ env: "KEY" })], other: 1 };
    await expect(parsed.list[0]?.reveal()).rejects.toThrow("never bound");
    const bound = bindSecrets(parsed, deps);
    expect(await bound.value.list[0]?.reveal()).toBe("from-env");
    expect(bound.found.map((found) => found.at)).toEqual([["list", 0]]);
    expect(bound.value.other).toBe(1);
  });
});
