/**
 * Writes what is generated from the code: the tables of the README, the JSON Schema of the configuration.
 * With --check it writes nothing and fails where what is committed differs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checks } from "../../agent/checks/api.ts";
import { PITFALLS } from "../../agent/checks/pitfalls.ts";
import { checksTable, pitfallsTable } from "../../agent/checks/table.ts";
import { configJsonSchema } from "../../agent/config/json-schema.ts";
import { PLATFORMS } from "../../agent/core/words.ts";
import { formats } from "../../agent/formats/api.ts";
import { metricsTable } from "../../agent/telemetry/table.ts";
import { vaults } from "../../agent/vaults/api.ts";
import { abilities } from "./abilities.ts";
import { ROOT } from "./sources.ts";

/** What each generated file should hold, by path. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const formatsTable = ["| format | reads |", "|---|---|", ...formats.map((format) => `| \`${format.id}\` | ${format.summary} |`)].join(
    "\n",
  );
  return new Map([
    [
      "README.md",
      [
        ["checks", checksTable(checks, await abilities(), formats.length)] as const,
        ["pitfalls", pitfallsTable(PITFALLS)] as const,
        ["metrics", metricsTable()] as const,
        ["formats", formatsTable] as const,
      ].reduce((text, [name, content]) => fill(text, name, content), readme),
    ],
    [
      "agent/config/restorewatch.schema.json",
      `${JSON.stringify(configJsonSchema({ vaults, formats, platforms: [...PLATFORMS] }), null, 2)}\n`,
    ],
  ]);
}

/** Replaces what stands between `<!-- generated: NAME -->` and `<!-- end -->`. */
function fill(text: string, name: string, content: string): string {
  const begin = `<!-- generated: ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf("<!-- end -->", from);
  if (from < 0 || to < 0) throw new Error(`README.md has no place for ${name}`);
  return `${text.slice(0, from + begin.length)}\n${content.trim()}\n${text.slice(to)}`;
}

if (process.argv[1] === import.meta.filename) {
  const check = process.argv.includes("--check");
  for (const [path, content] of await generated()) {
    const full = join(ROOT, path);
    const before = readOr(full);
    if (before === content) continue;
    if (check) {
      console.error(`${path} is not what the code generates; run: npm run generate`);
      process.exitCode = 1;
    } else {
      writeFileSync(full, content);
      console.log(`wrote ${path}`);
    }
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
