/** The one-way street of design.md: who may import whom, and that nothing goes in a circle. */
import { describe, expect, test } from "vitest";
import { filesUnder, importsOf, textOf } from "./sources.ts";

const files = filesUnder("agent");
const IMPLEMENTATIONS = ["platforms", "vaults", "formats", "sandboxes", "checks", "state", "work", "config", "evidence"];
const COMPOSITION = [
  "agent/app.ts",
  "agent/app-capture.ts",
  "agent/app-world.ts",
  "agent/drill/child.ts",
  "agent/main.ts",
  "agent/cli/program.ts",
  "agent/cli/commands.ts",
  ...["quiet", "world", "verify", "setting-up", "engine", "log", "decisions", "backtest", "plan", "diff"].map(
    (name) => `agent/cli/commands/${name}.ts`,
  ),
  "agent/cli/start.ts",
];

/** What each folder may import besides itself; files are named with their extension. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  kit: [],
  products: ["core", "kit"],
  telemetry: ["core", "kit"],
  ...Object.fromEntries(IMPLEMENTATIONS.map((folder) => [folder, ["core", "kit"]])),
  platforms: ["core", "kit", "products"],
  formats: ["core", "kit", "products"],
  engine: ["core", "kit", "telemetry/names.ts", "drill/protocol.ts"],
  drill: ["core", "kit", "telemetry/names.ts"],
  http: ["core", "kit", "telemetry/names.ts"],
  cli: ["core", "kit", "telemetry/names.ts", "drill/protocol.ts", "engine"],
  quickstart: ["core", "kit"],
};

function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

describe("imports", () => {
  test.each(files.filter((path) => !COMPOSITION.includes(path)))("%s imports only what its folder may", (path) => {
    const folder = folderOf(path);
    const allowed = ALLOWED[folder];
    expect(allowed, `agent/${folder} has no rule here`).toBeDefined();
    const wrong = importsOf(path)
      .filter((line) => line.own)
      .filter((line) => folderOf(line.to) !== folder)
      // Types cross at compile time only: the command line may name the shapes it is handed.
      .filter((line) => !(line.typeOnly && folder === "cli"))
      .filter((line) => !allowed?.some((prefix) => line.to === `agent/${prefix}` || line.to.startsWith(`agent/${prefix}/`)))
      .map((line) => line.to);
    expect(wrong).toEqual([]);
  });

  test("siblings that implement a port know nothing of each other", () => {
    const wrong = files
      .filter((path) => ["platforms", "products", "vaults", "formats", "sandboxes"].includes(folderOf(path)) && path.split("/").length > 3)
      .flatMap((path) =>
        importsOf(path).filter(
          (line) =>
            line.own &&
            line.to.startsWith(`agent/${folderOf(path)}/`) &&
            line.to.split("/").length > 3 &&
            line.to.split("/")[2] !== path.split("/")[2],
        ),
      )
      .map((line) => `${line.from} -> ${line.to}`);
    expect(wrong).toEqual([]);
  });

  test("nothing goes in a circle", () => {
    const graph = new Map(
      files.map((path) => [
        path,
        importsOf(path)
          .filter((line) => line.own && !line.typeOnly)
          .map((line) => line.to),
      ]),
    );
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
        return;
      }
      if (done.has(path)) return;
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    };
    for (const path of files) visit(path, []);
    expect(circles).toEqual([]);
  });

  test("only the composition roots read the environment, the arguments or the real clock", () => {
    const wrong = files
      .filter((path) => !["agent/main.ts", "agent/kit/clock.ts", "agent/kit/random.ts"].includes(path))
      .flatMap((path) => {
        const code = textOf(path).replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
        return [/\bprocess\.(?:env|argv)\b/, /\bDate\.now\(\)/, /\bMath\.random\(\)/, /\bnew Date\(\)/]
          .filter((pattern) => pattern.test(code))
          .map((pattern) => `${path}: ${pattern.source}`);
      });
    expect(wrong).toEqual([]);
  });

  test("nothing of the tests is imported by the agent", () => {
    expect(files.flatMap((path) => importsOf(path)).filter((line) => line.own && !line.to.startsWith("agent/"))).toEqual([]);
  });
});
