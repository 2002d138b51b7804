/** Backups that others made of a real Directus: verified offline, restored into another Directus, held against the one they are of, and broken. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runAgent } from "../../integration/agent/running.ts";
import { type DirectusHarness, directusOnThisMachine } from "../directus/harness.ts";
import { FLOW_SECRET, NOTES, UUID } from "../directus/seed.ts";
import { exportAsTemplate, exportByButton, exportByRest, tablesOf } from "./directus-exports.ts";

interface Told {
  readonly verdict: string;
  readonly reasons: readonly string[];
  readonly layers: Readonly<Record<string, string>>;
  readonly artifact: { readonly format: string; readonly formatVersion: string | null };
  readonly inventory: Readonly<Record<string, number>> | null;
  readonly checks: readonly { readonly id: string; readonly status: string; readonly observed: string }[];
  readonly compared?: Readonly<Record<string, number>>;
}

let product: DirectusHarness;
let home = "";
let whole = "";

beforeAll(async () => {
  product = await directusOnThisMachine();
  home = await mkdtemp(join(tmpdir(), "rw-exports-directus-"));
  // Beyond the hundredth, so that a first page alone leaves it hanging.
  await product.call("POST", "/items/articles_blocks", { articles_id: 7, collection: "notes", item: "120" });
});
afterAll(async () => {
  await product?.dispose();
  await rm(home, { recursive: true, force: true });
});

async function verify(path: string): Promise<Told> {
  const { stdout, stderr } = await runAgent(home, "verify", path, "--output", "json");
  expect(stderr).toBe("");
  expect(stdout).not.toContain(FLOW_SECRET);
  return JSON.parse(stdout) as Told;
}

const bad = (told: Told): readonly string[] =>
  told.checks.filter(({ status }) => status === "fail" || status === "error").map(({ id, observed }) => `${id}: ${observed}`);
const observed = (told: Told, id: string): string => told.checks.find((check) => check.id === id)?.observed ?? "";

async function changed(name: string, change: (directory: string) => Promise<void>): Promise<string> {
  const directory = join(home, name);
  await cp(whole, directory, { recursive: true });
  await change(directory);
  return directory;
}

interface Row {
  [field: string]: unknown;
}

async function edit(directory: string, table: string, change: (rows: Row[]) => unknown): Promise<void> {
  const path = join(directory, "items", `${table}.json`);
  const answer = JSON.parse(await readFile(path, "utf8")) as { data: Row[]; meta: { total_count: number; filter_count: number } };
  const data = change(answer.data);
  const count = Array.isArray(data) ? data.length : 1;
  await writeFile(path, JSON.stringify({ meta: { total_count: count, filter_count: count }, data }));
}

describe("exports of a real Directus", () => {
  test("a token in clear in a flow is told; without it the export is verified", async () => {
    const clear = join(home, "clear");
    await exportByRest(product.production, clear);
    const told = await verify(clear);
    expect(bad(told)).toEqual(["artifact.no-secrets: 1 entry of operations holds a token, a key or a header in clear."]);
    const { options } = (await product.call("GET", `/operations/${UUID.send}`)) as { options: Row };
    await product.call("PATCH", `/operations/${UUID.send}`, { options: { ...options, headers: [] } });
    whole = join(home, "whole");
    await exportByRest(product.production, whole);
    const again = await verify(whole);
    expect([again.verdict, bad(again)]).toEqual(["verified", []]);
    expect([again.artifact.format, again.artifact.formatVersion]).toEqual(["directus", "12.4.0"]);
  });

  /** Asked of Directus, not of the agent's own connector. */
  async function counted(): Promise<Readonly<Record<string, number>>> {
    const count = async (path: string): Promise<number> => {
      const [row] = (await product.call("GET", `${path}?aggregate[count]=*`)) as [{ count: number | string }];
      return Number(row.count);
    };
    const tables = await tablesOf(product.production);
    const items = await Promise.all(tables.map(async (table) => (table === "site" ? 1 : count(`/items/${table}`))));
    const filled = async (table: string, field: string): Promise<number> =>
      Number(((await product.call("GET", `/items/${table}?aggregate[count]=${field}`)) as [{ count: Row }])[0].count[field]);
    const links = await Promise.all([
      ...["author", "parent"].map((field) => filled("articles", field)),
      filled("authors", "country"),
      ...["articles_id", "tags_id"].map((field) => filled("articles_tags", field)),
      ...["articles_id", "item"].map((field) => filled("articles_blocks", field)),
    ]);
    return {
      collections: tables.length,
      records: items.reduce((sum, one) => sum + one, 0),
      links: links.reduce((sum, one) => sum + one, 0),
      files: await count("/files"),
      automations: await count("/flows"),
    };
  }

  test("it holds what Directus itself counts", async () => {
    expect((await verify(whole)).inventory).toMatchObject(await counted());
  });

  test.each([
    ["the export button's JSON", (path: string) => exportByButton(product.production, path, "json")],
    ["downloads in CSV", (path: string) => exportByButton(product.production, path, "csv")],
    ["directus-template-cli's layout", (path: string) => exportAsTemplate(product.production, path)],
  ])("%s is verified with the same counts", async (what, make) => {
    const path = join(home, what.replaceAll(/\W+/gu, "-"));
    await make(path);
    const told = await verify(path);
    expect([told.verdict, bad(told)]).toEqual(["verified", []]);
    const { collections, records, links } = await counted();
    expect(told.inventory).toMatchObject({ collections, records, links });
  });

  test("a snapshot alone is no backup of records, and is not called one", async () => {
    const told = await verify(join(whole, "snapshot.yaml"));
    expect(told.verdict).toBe("inconclusive");
    expect(told.reasons.join()).toContain("only the structure was exported");
  });

  test("without a limit Directus gives a hundred: told by its own count, by a link beyond them, and else as a doubt", async () => {
    const counts = join(home, "page-counted");
    await exportByRest(product.production, counts, "meta=*");
    expect(bad(await verify(counts))).toContainEqual(expect.stringContaining(`notes: 100 there, ${NOTES} declared`));
    const page = join(home, "page");
    await exportByRest(product.production, page, "");
    const told = await verify(page);
    expect(bad(told)).toEqual([expect.stringMatching(/^links\.resolve: 1 dangling reference in articles_blocks\.item:notes/u)]);
    expect(observed(told, "artifact.complete")).toContain("Of notes there are exactly 100 items");
  });

  test.each<readonly [string, (directory: string) => Promise<void>, RegExp]>([
    [
      "a row that others point to is gone",
      (directory) => edit(directory, "authors", (rows) => rows.filter((row) => row["id"] !== UUID.ada)),
      /^links\.resolve: 1 dangling reference in articles\.author/u,
    ],
    [
      "a row that any may point to is gone",
      (directory) => edit(directory, "quotes", () => []),
      /^links\.resolve: 1 dangling reference in articles_blocks\.item:quotes/u,
    ],
    [
      "a field is gone",
      (directory) => edit(directory, "articles", (rows) => rows.map(({ price: _price, ...row }) => row)),
      /^artifact\.complete: The items of articles have no price/u,
    ],
    ["a collection is gone", (directory) => rm(join(directory, "items", "tags.json")), /^artifact\.complete: There are no items of tags/u],
    [
      "a number became text",
      (directory) => edit(directory, "articles", (rows) => rows.map((row) => ({ ...row, pages: "many" }))),
      /^records\.types: /u,
    ],
    ["a key is there twice", (directory) => edit(directory, "tags", (rows) => [...rows, ...rows.slice(0, 1)]), /^records\.duplicates: /u],
    [
      "the bytes of a file are cut",
      (directory) => writeFile(join(directory, "files", UUID.file), "what is kept"),
      /^files\.digest: 1 attachment of other bytes than stated/u,
    ],
    ["the bytes of a file are gone", (directory) => rm(join(directory, "files", UUID.file)), /^files\.present: 1 attachment/u],
    [
      "operations are gone that flows begin with",
      (directory) => writeFile(join(directory, "directus_operations.json"), '{"data":[]}'),
      /^automations\.references: /u,
    ],
    [
      "an error was saved in the place of items",
      (directory) => writeFile(join(directory, "items", "notes.json"), '{"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}]}'),
      /^artifact\.readable: "items\/notes\.json" is an error that Directus answered with \(FORBIDDEN\)/u,
    ],
  ])("%s: failed, and why", async (what, change, says) => {
    const told = await verify(await changed(what.replaceAll(/\W+/gu, "-"), change));
    expect(told.verdict).toBe("failed");
    expect(bad(told)).toContainEqual(expect.stringMatching(says));
  });
});

describe("beside the Directus it is of", () => {
  async function drill(): Promise<Told> {
    const { stdout, stderr } = await runAgent(home, "drill", "press", "--output", "json");
    expect(stderr).not.toContain("    at ");
    const document = JSON.parse(stdout) as { drill?: Told } & Told;
    return document.drill ?? document;
  }

  async function put(name: string, from: string): Promise<void> {
    await mkdir(join(home, "vault", "press"), { recursive: true });
    await cp(from, join(home, "vault", "press", name), { recursive: true });
  }

  test("every item is what production has, and all of it goes into another Directus", async () => {
    await writeFile(join(home, "token"), product.production.token);
    await writeFile(join(home, "scratch-token"), product.scratch.token);
    await mkdir(join(home, "vault"));
    await writeFile(
      join(home, "restorewatch.yaml"),
      `vaults:
  nightly: { type: dir, path: ./vault }
sources:
  - id: press
    platform: { type: directus, url: "${product.production.url}", token: { file: ./token } }
    scratch: { url: "${product.scratch.url}", token: { file: ./scratch-token } }
    owner: { team: press }
    backups: { vault: nightly, path: press, format: directus, settle: 0s }
    verify: { layers: [artifact, content, scratch, live], sample: { records: 5000, most: 5000 } }
`,
    );
    await put("2026-11-22", whole);
    const drilled = await drill();
    expect(bad(drilled)).toEqual([]);
    expect(drilled.layers).toEqual({ artifact: "verified", content: "verified", scratch: "verified", live: "verified" });
    expect(drilled.compared).toMatchObject({ changed: 0, mismatch: 0, unverifiable: 0 });
    expect(drilled.compared?.["match"]).toBeGreaterThan(170);
    expect(await product.leftovers("restorewatch-")).toBe(0);
  });

  test("two links swapped between records, with every count the same, are told", async () => {
    const swapped = await changed("swapped", (directory) =>
      edit(directory, "articles", (rows) => {
        const [first, second] = [rows[0], rows[1]];
        if (first !== undefined && second !== undefined) [first["author"], second["author"]] = [second["author"], first["author"]];
        return rows;
      }),
    );
    const alone = await verify(swapped);
    expect(alone.verdict, "by itself it is as good as the whole one").toBe("verified");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await put("2026-11-23", swapped);
    const drilled = await drill();
    expect(drilled.verdict).toBe("failed");
    expect(bad(drilled).map((one) => one.split(":")[0])).toEqual(["live.mismatch"]);
    expect(drilled.compared).toMatchObject({ mismatch: 2 });
  });
});
