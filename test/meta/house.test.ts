/** The habits of the house that a machine can check. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SIGNALS } from "../../agent/core/words.ts";
import { METRICS } from "../../agent/telemetry/names.ts";
import { filesUnder, importsOf, ROOT, textOf } from "./sources.ts";

const files = [...filesUnder("agent"), ...filesUnder("test")];

/** Without comments and texts, in which words are only words. */
function codeOf(path: string): string {
  return textOf(path).replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, '""');
}

describe("the house", () => {
  test("files are kebab-case and of a size one can read", () => {
    const wrong = files.filter((path) => !/^[a-z0-9-]+(\.test|\.d)?\.ts$/.test(path.split("/").at(-1) ?? ""));
    expect(wrong).toEqual([]);
    const long = filesUnder("agent").filter((path) => textOf(path).split("\n").length > 420);
    expect(long).toEqual([]);
  });

  test("no enums, parameter properties, default exports, any, or tests that are switched off", () => {
    const patterns = [
      /^\s*(?:export\s+)?(?:const\s+)?enum\s/m,
      /constructor\([^)]*\b(?:private|public|protected|readonly)\s/,
      /^export default\b/m,
      /:\s*any\b/,
      /\b(?:test|it|describe)\.(?:only|todo)\b/,
    ];
    const wrong = files
      .filter((path) => !path.endsWith("house.test.ts"))
      .flatMap((path) => patterns.filter((pattern) => pattern.test(codeOf(path))).map((pattern) => `${path}: ${pattern.source}`));
    expect(wrong).toEqual([]);
  });

  test("the top level holds only what design.md names and what a repository cannot do without", () => {
    const allowed = new Set([
      "package.json",
      "package-lock.json",
      "README.md",
      "CHANGELOG.md",
      "CONTRIBUTING.md",
      "LICENSE",
      "Dockerfile",
      "docker-compose.yml",
      "tsconfig.json",
      "vitest.config.ts",
      "agent",
      "collector-config",
      "dashboards",
      "rules",
      "test",
      "node_modules",
      "dist",
      "tsconfig.build.json",
    ]);
    expect(readdirSync(ROOT).filter((name) => !name.startsWith(".") && !allowed.has(name))).toEqual([]);
  });

  test("every dependency is pinned and used", () => {
    const manifest = JSON.parse(textOf("package.json")) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(([, version]) => !/^\d/.test(version));
    expect(loose).toEqual([]);
    const imported = new Set(
      filesUnder("agent")
        .flatMap((path) => importsOf(path))
        .filter((line) => !line.own)
        .map((line) => (line.to.startsWith("@") ? line.to.split("/").slice(0, 2).join("/") : (line.to.split("/")[0] ?? ""))),
    );
    const served = ["uplot"];
    expect(Object.keys(manifest.dependencies).filter((name) => !imported.has(name) && !served.includes(name))).toEqual([]);
    const undeclared = [...imported].filter(
      (name) => !name.startsWith("node:") && name !== "node" && manifest.dependencies[name] === undefined,
    );
    expect(undeclared).toEqual([]);
  });

  test("decisions are numbered without a gap", () => {
    const numbers = readdirSync(join(ROOT, "agent/decisions"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => Number(name.slice(0, 4)))
      .sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(numbers.length).toBeGreaterThan(0);
  });

  test("every check, format, vault and sandbox on disk is registered, and nothing else is", async () => {
    const { checks } = await import("../../agent/checks/api.ts");
    const onDisk = filesUnder("agent/checks")
      .map((path) => path.slice("agent/checks/".length, -3))
      .filter((name) => checks.some((check) => check.id.replace(".", "-") === name));
    expect(onDisk.sort()).toEqual(checks.map((check) => check.id.replace(".", "-")).sort());
    const { formats } = await import("../../agent/formats/api.ts");
    const { vaults } = await import("../../agent/vaults/api.ts");
    const folders = (path: string): string[] =>
      readdirSync(join(ROOT, path))
        .filter((name) => statSync(join(ROOT, path, name)).isDirectory())
        .sort();
    expect(formats.map((format) => format.id).sort()).toEqual(folders("agent/formats"));
    expect(vaults.map((vault) => vault.type).sort()).toEqual(folders("agent/vaults"));
  });

  test("every metric name used anywhere in the agent is in names.ts", () => {
    const pattern = /"((?:backup|restore|restorewatch)_[a-z_]+)"/g;
    const unknown = filesUnder("agent").flatMap((path) =>
      [...textOf(path).matchAll(pattern)]
        .map((match) => match[1] ?? "")
        .filter((name) => !(name in METRICS || (SIGNALS as readonly string[]).includes(name)))
        .map((name) => `${path}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  test("every metric in names.ts is set somewhere", () => {
    const code = filesUnder("agent")
      .filter((path) => path !== "agent/telemetry/names.ts")
      .map(textOf)
      .join("\n");
    expect(Object.keys(METRICS).filter((name) => !code.includes(`"${name}"`))).toEqual([]);
  });
});
