/** The build as it would be published: beside production dependencies alone, run by plain Node. RESTOREWATCH_NODES names more Nodes to try. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formats } from "../../agent/formats/api.ts";
import { temporaryDirectory } from "../doubles/temporary.ts";
import { writeLibrary } from "../fixtures/bag/library.ts";
import { template } from "../fixtures/baserow/build.ts";
import { writeShop } from "../fixtures/csv/write.ts";
import { buildLibrary } from "../fixtures/grist/build.ts";
import { writeUserDir } from "../fixtures/node-red/user-dir.ts";
import { agentCommand, type RunningAgent, runCommand, startListening, until } from "../integration/agent/running.ts";
import { build, ENTRY, modules, NODE_FLAGS, OLDEST_NODE } from "./build.ts";
import { installProduction } from "./production.ts";
import { ROOT } from "./sources.ts";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies?: unknown;
  readonly bin: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly type: string;
}

const nodes = [process.execPath, ...(process.env["RESTOREWATCH_NODES"] ?? "").split(delimiter).filter((path) => path !== "")];
const { path: home, dispose } = await temporaryDirectory();
const dist = join(home, "dist");
const entry = join(dist, ENTRY);
let written: readonly string[] = [];

beforeAll(async () => {
  // Whether the types are right is asked by `npm run types`; here it is asked whether the outcome runs.
  written = await build({ outDir: dist, checkTypes: false });
  await installProduction(dist);
});
afterAll(dispose);

describe("what the build writes", () => {
  test("every module of the agent, and everything the agent reads beside its code", () => {
    const assets = [
      "agent/http/assets/app.css",
      "agent/http/assets/app.js",
      "agent/http/assets/icon.svg",
      "agent/config/restorewatch.schema.json",
    ];
    for (const path of [...modules(), ...assets, "package.json", "LICENSE", "README.md"]) expect(written).toContain(path);
    expect(written.filter((path) => !existsSync(join(dist, path)))).toEqual([]);
    expect(written.filter((path) => path.endsWith(".ts"))).toEqual([]);
  });

  test("its imports are there: modules by the name they now have, packages among the dependencies", () => {
    const { dependencies } = manifest();
    const missing = written
      .filter((path) => path.endsWith(".js") && !path.includes("/assets/"))
      .flatMap((path) =>
        specifiers(readFileSync(join(dist, path), "utf8"))
          .filter((to) =>
            to.startsWith(".")
              ? !existsSync(resolve(dist, dirname(path), to))
              : !to.startsWith("node:") && !(packageOf(to) in dependencies),
          )
          .map((to) => `${path}: ${to}`),
      );
    expect(missing).toEqual([]);
  });

  test("a package of its own: the production dependencies as pinned here, a bin that is executable, the oldest Node", () => {
    const { dependencies, devDependencies, bin, engines, type } = manifest();
    const own = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;
    expect({ dependencies, devDependencies, bin, engines, type }).toEqual({
      dependencies: own.dependencies,
      devDependencies: undefined,
      bin: { restorewatch: "agent/main.js" },
      engines: { node: `>=${OLDEST_NODE}` },
      type: "module",
    });
    expect(readFileSync(entry, "utf8")).toMatch(new RegExp(`^#!/usr/bin/env -S node ${NODE_FLAGS.join(" ")}\n`, "u"));
    const scripts = (text: string): Readonly<Record<string, string>> => (JSON.parse(text) as { scripts: Record<string, string> }).scripts;
    expect(scripts(readFileSync(join(ROOT, "package.json"), "utf8"))["start"]).toBe(`node ${NODE_FLAGS.join(" ")} agent/main.ts start`);
    expect(scripts(readFileSync(join(dist, "package.json"), "utf8"))["start"]).toBe(`node ${NODE_FLAGS.join(" ")} ${ENTRY} start`);
    expect(statSync(entry).mode & 0o111).toBe(0o111);
  });

  test("is made anew over an earlier one, and over nothing else", async () => {
    const again = join(home, "again");
    await build({ outDir: again, checkTypes: false });
    await writeFile(join(again, "agent/gone.js"), "");
    await build({ outDir: again, checkTypes: false });
    expect(existsSync(join(again, "agent/gone.js"))).toBe(false);
    const other = join(home, "other");
    await mkdir(other);
    await writeFile(join(other, "letters.txt"), "dear");
    await expect(build({ outDir: other, checkTypes: false })).rejects.toThrow("nothing was touched");
    expect(readFileSync(join(other, "letters.txt"), "utf8")).toBe("dear");
  });
});

describe.each(nodes)("run by %s", (node) => {
  test("says of a document of each format what the sources say", { timeout: 120_000 }, async () => {
    const documents = await oneOfEach(join(home, `documents-${nodes.indexOf(node)}`));
    const [sources, own] = agentCommand();
    for (const [format, path] of documents) {
      const expected = await verified([sources, ...own, "verify", path, "--output", "json"]);
      const seen = await verified([node, ...NODE_FLAGS, entry, "verify", path, "--output", "json"]);
      expect(seen.artifact.format).toBe(format);
      expect([format, seen.verdict, answers(seen)]).toEqual([format, expected.verdict, answers(expected)]);
      expect(Object.keys(answers(seen))).toContain("restore.loads");
    }
  });

  test("runs the quickstart to its verdicts, with pages, assets and metrics, and stops when told", { timeout: 90_000 }, async () => {
    const cwd = join(home, `quickstart-${nodes.indexOf(node)}`);
    await mkdir(cwd);
    const agent = await startListening(cwd, [node, ...NODE_FLAGS, entry, "start", "--log", "json", "--listen", "127.0.0.1:0"]);
    try {
      const verdicts = await until(
        () => verdictsOf(agent),
        (seen) => seen.length === 5 && seen.every(([, verdict]) => ["verified", "failed"].includes(verdict)),
        60_000,
      );
      expect(Object.fromEntries(verdicts)).toEqual({
        healthy: "verified",
        late: "verified",
        collapsed: "verified",
        broken: "failed",
        locked: "failed",
      });
      const page = await (await fetch(`${agent.url}/`)).text();
      const assets = [...page.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/gu)].map((match) => match[1] ?? "");
      expect(assets.length).toBeGreaterThan(1);
      for (const path of ["/", "/sources/healthy", "/checks", "/api/v1/openapi.json", "/metrics", "/readyz", ...assets])
        expect([path, (await fetch(`${agent.url}${path}`)).status]).toEqual([path, 200]);
      expect(await (await fetch(`${agent.url}/metrics`)).text()).toMatch(
        /^restore_drills_total\{source="healthy".*verdict="verified"\} [1-9]/mu,
      );
      expect((await agent.stop("SIGTERM")).code).toBe(0);
    } finally {
      await agent.stop("SIGKILL");
    }
  });
});

interface Verified {
  readonly verdict: string;
  readonly artifact: { readonly format: string };
  readonly checks: readonly { readonly id: string; readonly status: string; readonly observed: string }[];
}

async function verified(command: readonly string[]): Promise<Verified> {
  const { stdout, stderr } = await runCommand(home, command);
  expect([stderr, stdout]).toEqual(["", expect.stringMatching(/^\{/u)]);
  return JSON.parse(stdout) as Verified;
}

/** What each check said; how long a restore took is never the same twice. */
function answers({ checks }: Verified): Readonly<Record<string, string>> {
  return Object.fromEntries(checks.map(({ id, status, observed }) => [id, id === "restore.time" ? status : `${status}: ${observed}`]));
}

function manifest(): Manifest {
  return JSON.parse(readFileSync(join(dist, "package.json"), "utf8")) as Manifest;
}

async function verdictsOf({ url }: RunningAgent): Promise<[string, string][]> {
  const { items } = (await (await fetch(`${url}/api/v1/sources?limit=100`)).json()) as {
    readonly items: readonly { readonly id: string; readonly verdict: string }[];
  };
  return items.map(({ id, verdict }) => [id, verdict]);
}

/** Whole backups, one for each format the agent knows. */
async function oneOfEach(directory: string): Promise<readonly (readonly [format: string, path: string])[]> {
  await mkdir(directory);
  const baserow = join(directory, "library.json");
  await writeFile(baserow, JSON.stringify(template()));
  const made: Readonly<Record<string, string>> = {
    bag: await writeLibrary(join(directory, "bag")),
    baserow,
    csv: await writeShop(join(directory, "csv")),
    directus: fileURLToPath(new URL("../fixtures/directus/rest", import.meta.url)),
    grist: buildLibrary(join(directory, "library.grist")),
    n8n: fileURLToPath(new URL("../fixtures/n8n/workflows.json", import.meta.url)),
    "node-red": await writeUserDir(join(directory, "node-red")),
  };
  return formats.map(({ id }) => [id, made[id] ?? `no document of format ${id} is made here`]);
}

/** Of every import, static or not; emitted code has each on a line of its own or in one call. */
function specifiers(code: string): string[] {
  return [
    ...code.matchAll(/^\s*(?:import|export)\s(?:[\w$*{},\s]*?\sfrom\s)?"([^"]+)"|\b(?:import|meta\.url\)\.resolve)\(\s*"([^"]+)"\s*\)/gmu),
  ].map((match) => match[1] ?? match[2] ?? "");
}

function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
