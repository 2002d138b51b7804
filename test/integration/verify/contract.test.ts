/** The stable contract of `verify`: exit codes, one document on stdout whatever happens, never a stack trace, never 0 for what was not verified. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ROOT } from "../../meta/sources.ts";
import { runAgent } from "../agent/running.ts";

const DATA = resolve(ROOT, "../shared/data");
const WORLD = join(DATA, "grist/World-v39.grist");
const home = mkdtempSync(join(tmpdir(), "rw-verify-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(home, name);
  writeFileSync(path, content);
  return path;
};
const world = readFileSync(WORLD);
const flipped = Uint8Array.from(world);
for (let at = 200_000; at < 260_000; at += 997) flipped[at] = (flipped[at] ?? 0) ^ 0xff;
const flows = readFileSync(join(DATA, "node-red/03---Link-call.json"));
mkdirSync(join(home, "empty-folder"));
execFileSync("mkfifo", [join(home, "pipe")]);
const sparse = file("sparse", "x");
truncateSync(sparse, 21e9);

interface Case {
  readonly what: string;
  readonly args: readonly string[];
  readonly code: number;
  readonly says: RegExp;
}

const cases: readonly Case[] = [
  { what: "no such path", args: [join(home, "nope")], code: 2, says: /There is nothing at/ },
  { what: "a pipe", args: [join(home, "pipe")], code: 2, says: /neither a file nor a directory/ },
  { what: "a device", args: ["/dev/zero"], code: 2, says: /neither a file nor a directory/ },
  { what: "a format nobody knows", args: [WORLD, "--format", "excel"], code: 2, says: /no format called \\?"excel/ },
  { what: "a sample that is none", args: [WORLD, "--sample", "many"], code: 2, says: /is not a sample/ },
  { what: "a critical record that names none", args: [WORLD, "--critical", "City"], code: 2, says: /does not name a record/ },
  { what: "a key file that is not there", args: [WORLD, "--key", join(home, "nokey")], code: 2, says: /no key file/ },
  { what: "an empty file", args: [file("empty", "")], code: 1, says: /0 bytes|empty/ },
  { what: "an empty folder", args: [join(home, "empty-folder")], code: 1, says: /no file|empty/ },
  {
    what: "half a document",
    args: [file("half.grist", world.subarray(0, 200_000))],
    code: 1,
    says: /malformed|cut|short/i,
  },
  { what: "a document with damaged pages", args: [file("flipped.grist", flipped)], code: 1, says: /damaged|malformed|integrity/i },
  { what: "half a flows file", args: [file("half.json", flows.subarray(0, 3000))], code: 1, says: /ends|cut|stops|JSON/i },
  { what: "a document under another format's name", args: [WORLD, "--format", "node-red"], code: 1, says: /not/ },
  {
    what: "something nobody recognises",
    args: [file("words.txt", "once upon a time there was a backup\n")],
    code: 3,
    says: /No format recognises/,
  },
  { what: "a file larger than our limit", args: [sparse], code: 3, says: /larger|limit/ },
];

describe("verify", () => {
  test.concurrent.each(cases)("$what: $code", async ({ args, code, says }) => {
    const text = await runAgent(home, "verify", ...args);
    expect(`${text.stdout}${text.stderr}`).toMatch(says);
    expect([text.code, /\n\s+at |node:internal/.test(text.stdout + text.stderr)]).toEqual([code, false]);
    const json = await runAgent(home, "verify", ...args, "--output", "json");
    expect(json.code).toBe(code);
    const lines = json.stdout.trim().split("\n");
    expect(lines).toHaveLength(1);
    const document = JSON.parse(lines[0] ?? "") as { verdict?: string; error?: { code: string; message: string } };
    expect(document.error === undefined ? document.verdict : document.error.message.length > 0).toBeTruthy();
  });

  test("a wrong flag is said in a line, without a trace", async () => {
    const { code, stderr } = await runAgent(home, "verify", WORLD, "--nonsense");
    expect(code).toBe(2);
    expect(stderr).toContain("--nonsense");
    expect(stderr).not.toContain("    at ");
  });

  test("a sample is repeatable with a seed, and says that it was one", async () => {
    const run = async (): Promise<{ sample: { population: number; checked: number; strategy: string }; verdict: string }> =>
      JSON.parse((await runAgent(home, "verify", WORLD, "--sample", "500", "--seed", "s", "--output", "json")).stdout) as never;
    const [one, two] = await Promise.all([run(), run()]);
    expect(one.sample).toEqual(two.sample);
    expect(one.sample).toMatchObject({ population: 5302, checked: 500, strategy: "random" });
    expect(one.verdict).toBe("verified");
  });

  test("critical records are looked for", async () => {
    expect((await runAgent(home, "verify", WORLD, "--critical", "City/1042")).code).toBe(0);
    const missing = await runAgent(home, "verify", WORLD, "--critical", "City/999999");
    expect([missing.code, missing.stdout.includes("records.critical")]).toEqual([1, true]);
  });

  test("a person sees at a glance what is wrong and where; NO_COLOR and pipes get no colour", async () => {
    const { stdout } = await runAgent(home, "verify", join(home, "half.grist"));
    expect(stdout.split("\n")[0]).toMatch(/^✗ FAILED {2}\S+half\.grist/);
    expect(stdout).not.toContain("\u001b[");
  });
});
