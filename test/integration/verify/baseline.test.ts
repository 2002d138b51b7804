/** `verify --baseline` on a real document: what was planted into a copy is told, record by record, and the document itself differs in nothing. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { ROOT } from "../../meta/sources.ts";
import { runAgent } from "../agent/running.ts";

const DATA = resolve(ROOT, "../shared/data");
const WORLD = join(DATA, "grist/World-v39.grist");
const home = mkdtempSync(join(tmpdir(), "rw-verify-baseline-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Result {
  readonly verdict: string;
  readonly reasons: readonly string[];
  readonly checks: readonly {
    readonly id: string;
    readonly status: string;
    readonly observed: string;
    readonly examples: readonly { readonly item: string }[];
    readonly differences?: readonly {
      readonly kind: string;
      readonly collection: string | null;
      readonly what: string;
      readonly count: number;
    }[];
  }[];
  readonly fidelity: readonly { readonly aspect: string; readonly included: boolean; readonly reason: string | null }[];
}

function planted(name: string, ...statements: readonly string[]): string {
  const path = join(home, `${name}.grist`);
  copyFileSync(WORLD, path);
  const database = new DatabaseSync(path);
  for (const statement of statements) database.exec(statement);
  database.close();
  return path;
}

async function verify(path: string, baseline = WORLD): Promise<{ readonly code: number | null; readonly result: Result }> {
  const { code, stdout, stderr } = await runAgent(home, "verify", path, "--baseline", baseline, "--output", "json");
  expect(stderr).toBe("");
  return { code, result: JSON.parse(stdout) as Result };
}

const diffOf = (result: Result) => result.checks.find((check) => check.id === "baseline.diff");
const kinds = (result: Result) => diffOf(result)?.differences?.map((one) => `${one.kind} ${one.collection ?? ""}.${one.what} ${one.count}`);

describe("what was planted into a copy is told", () => {
  test("nothing differs from itself, and what the format cannot hold is said", async () => {
    const { code, result } = await verify(planted("same"));
    expect({ code, verdict: result.verdict, diff: diffOf(result) }).toMatchObject({
      code: 0,
      verdict: "verified",
      diff: { status: "pass", differences: [] },
    });
    expect(result.fidelity.find((one) => one.aspect === "records")).toEqual({ aspect: "records", included: true, reason: null });
    expect(result.fidelity.filter((one) => !one.included && (one.reason ?? "").length < 10)).toEqual([]);
    expect(result.fidelity.some((one) => !one.included)).toBe(true);
  });

  test("ordinary life is changed, and the verdict stays", async () => {
    const { code, result } = await verify(
      planted(
        "life",
        "DELETE FROM City WHERE id = 100",
        "UPDATE City SET Population = 5 WHERE id IN (7, 8)",
        "INSERT INTO City (id, Name) VALUES (9000, 'New')",
      ),
    );
    expect(code).toBe(0);
    expect(diffOf(result)?.status).toBe("changed");
    expect(kinds(result)).toEqual(["records-removed City.City 1", "records-added City.City 1", "records-edited City.City 2"]);
    expect(diffOf(result)?.examples.map((one) => one.item)).toEqual(["100", "7", "8"]);
  });

  test.each([
    ["rows", ["DELETE FROM City WHERE id % 3 = 0"], "records-lost City.City 1359"],
    ["cut", ["UPDATE City SET Name = substr(Name, 1, 3) WHERE id % 5 = 0"], /^records-damaged City\.Name \d+$/u],
    ["emptied", ["UPDATE City SET District = ''"], /^records-damaged City\.District \d+$/u],
    ["views", ["DELETE FROM _grist_Views_section WHERE id = 12"], /^view-lost /u],
    ["collection", ["DROP TABLE CountryLanguage", "DELETE FROM _grist_Tables WHERE tableId = 'CountryLanguage'"], /^collection-lost /u],
  ] as const)("losses fail: %s", async (name, statements, first) => {
    const { code, result } = await verify(planted(name, ...statements));
    expect(code).toBe(1);
    expect(diffOf(result)?.status).toBe("fail");
    expect(kinds(result)?.some((one) => (typeof first === "string" ? one === first : first.test(one)))).toBe(true);
  });
});

describe("a baseline that is none", () => {
  test("one that is not there is a mistake of the caller", async () => {
    const { code, stderr, stdout } = await runAgent(home, "verify", WORLD, "--baseline", join(home, "nope"));
    expect({ code, text: stderr + stdout }).toMatchObject({ code: 2, text: expect.stringContaining("There is nothing at") as unknown });
  });

  test.each([
    ["damaged", () => WORLD_HALF],
    ["of no known format", () => NOTHING],
  ])("one that is %s says nothing about the backup: inconclusive", async (_, path) => {
    const { code, result } = await verify(WORLD, path());
    expect({ code, verdict: result.verdict }).toEqual({ code: 3, verdict: "inconclusive" });
    expect(result.reasons.join(" ")).toContain("The baseline could not be read");
  });
});

const NOTHING = join(home, "words.txt");
writeFileSync(NOTHING, "once upon a time there was a backup\n");
const WORLD_HALF = join(home, "half.grist");
writeFileSync(WORLD_HALF, Buffer.alloc(50_000, "SQLite format 3\0"));
