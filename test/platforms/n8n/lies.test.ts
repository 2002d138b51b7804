/** What n8n's own command line says it did, and what is there afterwards: an importer's word is never enough. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type N8n, startN8n } from "../../servers/n8n.ts";
import { type Postgres, startPostgres } from "../../servers/postgres.ts";
import { createOpener, type Opener } from "./opener.ts";
import { type Api, apiOf, SECRET, seedShop, type Shop, startSink } from "./shop.ts";

const never = new AbortController().signal;

describe("n8n's importer", () => {
  let postgres: Postgres;
  let production: N8n;
  let fresh: N8n;
  /** Another one with the key of production. */
  let twin: N8n;
  let sink: Awaited<ReturnType<typeof startSink>>;
  let opener: Opener;
  let api: Api;
  let shop: Shop;
  let place = "";
  let entities = "";

  beforeAll(async () => {
    postgres = await startPostgres();
    // Each is half a minute of one processor.
    [production, fresh] = await Promise.all([startN8n(postgres, "production"), startN8n(postgres, "fresh")]);
    sink = await startSink();
    opener = createOpener();
    api = apiOf(production);
    shop = await seedShop(api, sink.url);
    place = await mkdtemp(join(tmpdir(), "rw-n8n-lies-"));
    entities = join(place, "entities");
    [twin] = await Promise.all([
      startN8n(postgres, "twin", production.encryptionKey),
      production.cli(["export:entities", `--outputDir=${entities}`]),
    ]);
  });
  afterAll(async () => {
    await opener.close();
    await sink.stop();
    await production.stop();
    await fresh.stop();
    await twin.stop();
    await postgres.stop();
    await rm(place, { recursive: true, force: true });
  });

  /** A directory of its own with the same export: an import leaves what it unpacked. */
  async function copied(name: string): Promise<string> {
    const directory = join(place, name);
    await mkdir(directory);
    await copyFile(join(entities, "entities.zip"), join(directory, "entities.zip"));
    return directory;
  }
  const inventory = (n8n: N8n) => opener.open(n8n.url, n8n.key).platform.inventory(never);

  it("takes entities into a new instance, ends well, and imported nothing: what is there says so", async () => {
    expect(await readdir(entities)).toEqual(["entities.zip"]);
    // `cli` throws where a command ends with an error: this one does not.
    expect(await twin.cli(["import:entities", `--inputDir=${entities}`])).toContain("Not all tables are empty");
    expect((await inventory(production)).automations.length).toBe(3);
    expect(await inventory(twin)).toMatchObject({ automations: [], collections: [] });
  });

  it("with another key refuses entities, and says so", async () => {
    const again = await copied("again");
    await expect(fresh.cli(["import:entities", `--inputDir=${again}`])).rejects.toThrow("bad decrypt");
  });

  it("refuses entities with a tag in them, halfway through", async () => {
    const tag = await api<{ id: string }>("POST", "/tags", { name: "important" });
    await api("PUT", `/workflows/${shop.child}/tags`, [{ id: tag.id }]);
    const tagged = join(place, "tagged");
    await production.cli(["export:entities", `--outputDir=${tagged}`]);
    await api("DELETE", `/tags/${tag.id}`);
    await expect(twin.cli(["import:entities", `--inputDir=${tagged}`, "--truncateTables"])).rejects.toThrow(
      /workflows_tags|duplicate|unique/iu,
    );
    // It goes on running, healthy to look at; our key is not the one it knew.
    expect((await fetch(`${twin.url}/healthz`)).status).toBe(200);
    const found = await inventory(twin).then(
      (one) => one.automations.length,
      (thrown: { kind?: string }) => thrown.kind ?? "unknown",
    );
    expect([0, "auth"]).toContain(found);
  });

  it("takes credentials that were encrypted under another key, successfully: only trying them shows it", async () => {
    const file = join(place, "credentials.json");
    await production.cli(["export:credentials", "--all", `--output=${file}`]);
    expect(await readFile(file, "utf8")).not.toContain(SECRET);
    const said = await fresh.cli(["import:credentials", `--input=${file}`]);
    expect(said).toContain("Successfully imported 1 credential");
    const there = await inventory(fresh);
    expect(there.credentials.map((one) => one.id)).toEqual([shop.credential]);
    const decrypted = fresh.cli(["export:credentials", "--all", "--decrypted", `--output=${join(place, "clear.json")}`]);
    await expect(decrypted).rejects.toThrow(/decrypt/iu);
    // n8n has no test for this kind: the connector then says that it cannot be told, never that it works.
    const tried = await fetch(`${fresh.url}/api/v1/credentials/${shop.credential}/test`, {
      method: "POST",
      headers: { "x-n8n-api-key": fresh.key },
    });
    expect(((await tried.json()) as { status: string }).status).not.toBe("OK");
  });

  it("switches every workflow off and overwrites what has the same id: never into production", async () => {
    const folder = join(place, "workflows");
    await production.cli(["export:workflow", "--backup", `--output=${folder}/`]);
    await fresh.cli(["import:workflow", "--separate", `--input=${folder}`]);
    const theirs = await inventory(fresh);
    expect(theirs.automations.map((one) => `${one.id} ${one.active}`).sort()).toEqual(
      [shop.child, shop.listener, shop.parent].map((id) => `${id} false`).sort(),
    );
    // The same ids are there now: such a place is refused as scratch.
    const ours = opener.open(production.url, production.key);
    const { workspace } = opener.openScratch(fresh.url, fresh.key);
    const { identity } = await ours.platform.probe(never);
    const made = await workspace.provision("restorewatch-lies-copy", identity, never);
    const set = { ...(await ours.platform.inventory(never)), records: new Map(), fileBytes: new Map(), cut: new Set<string>() };
    await expect(workspace.load(made, set, never)).rejects.toMatchObject({ code: "scratch-is-production" });
    await workspace.dispose(made, never);
  });
});
