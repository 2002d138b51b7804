/** The catalogue as page and API show it: what is missing comes first, and what could not be looked at is never "nothing missing". */
import { beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import type { ProductLook, VaultLook } from "../../../agent/core/catalogue.ts";
import type { SourcePolicy, UncoveredSource } from "../../../agent/core/policy.ts";
import { catalogueEntrySchema, catalogueSummarySchema, findingSchema, pageOf } from "../../../agent/http/api/schemas.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { catalogueOf, fiveSources, type World, world } from "./world.ts";

const { backups: _, ...bare } = policy("wiki", { platform: "notion", tier: "critical", owner: { team: "docs", contact: "#docs" } });
const WIKI: UncoveredSource = { ...bare, data: { retentionMs: null, classification: "internal" } };
const LOOK: VaultLook = {
  vaultId: "nightly",
  folders: new Map([
    [
      "",
      [
        { name: "healthy", kind: "directory" },
        { name: "forgotten", kind: "directory" },
      ],
    ],
  ]),
  problems: [],
};

async function sixWorld(looks: readonly VaultLook[] = [LOOK]): Promise<World> {
  const state = memoryState();
  const sources = await fiveSources(state);
  return world({ state, sources, uncovered: () => ["wiki"], catalogue: () => catalogueOf(state, { sources, uncovered: [WIKI] }, looks) });
}

let six: World;
beforeAll(async () => {
  six = await sixWorld();
});

async function open(path: string, target: World = six): Promise<string> {
  const response = await target.app.request(path, { headers: { accept: "text/html" } });
  expect([path, response.status]).toEqual([path, 200]);
  return response.text();
}

function words(html: string): string {
  const text = html.replaceAll(/<(script|style|svg)[\s\S]*?<\/\1>/gu, " ").replaceAll(/<[^>]+>/gu, " ");
  return text
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
    .replaceAll(/\s+/gu, " ");
}

function rows(html: string): string[] {
  return [...html.matchAll(/<th scope="row" role="rowheader">\s*(?:<a[^>]*>)?([^<\s]+)/gu)].map((match) => match[1] ?? "");
}

describe("the catalogue page", () => {
  test("says first what is missing, gravest first, and how to mend it", async () => {
    const html = await open("/catalogue");
    const text = words(html);
    expect(text).toContain("Of 6 sources: 1 without a backup, 5 covered.");
    expect(text).toContain("No backup is configured 1 wiki is configured without a backup Mend: say under backups where its backups lie");
    expect(text).toContain("No source claims folder forgotten in vault nightly");
    const order = ["No backup is configured", "claimed by no source", "Nobody is named as owner", "The owner cannot be reached", "Filter"];
    const places = order.map((part) => text.indexOf(part));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    expect(html).toMatch(/<nav aria-label="Main">[\s\S]*href="\/catalogue" aria-current="page"/u);
  });

  test("then every source, worst first, with owner, objectives, backup and promise", async () => {
    const html = await open("/catalogue");
    expect(rows(html)).toEqual(["wiki", "locked", "broken", "healthy", "collapsed", "late"]);
    const text = words(html);
    expect(text).toContain(
      "wiki notion · sales · critical internal data No backup none 24 h / 1 h docs #docs nothing No backup is configured",
    );
    expect(text).toMatch(
      /healthy grist · sales · critical Covered newest 9 h ago healthy\/\* in nightly format recognised, every 24 h 24 h \/ 1 h sales-ops #sales-ops artifact, content smoke drills/u,
    );
    expect(html).not.toContain('href="/sources/wiki"');
  });

  test.each([
    ["?owner=billing", ["broken"]],
    ["?owner=(nobody)", ["locked"]],
    ["?domain=people", ["late"]],
    ["?finding=no-owner", ["locked"]],
    ["?finding=unclaimed", []],
    ["?q=NIGHTLY%20logistics", ["collapsed"]],
    ["?owner=billing&domain=people", []],
    ["?finding=dreadful&page=x", ["wiki", "locked", "broken", "healthy", "collapsed", "late"]],
  ])("%s shows %j", async (query, expected) => {
    const html = await open(`/catalogue${query}`);
    expect(rows(html)).toEqual(expected);
    if (expected.length === 0) expect(words(html)).toContain("No source matches. Show all 6");
  });

  test("keeps what was chosen in the form, and lists all of one kind when asked", async () => {
    const html = await open("/catalogue?finding=no-contact&owner=hr");
    expect(html).toMatch(/<option value="hr" selected>/u);
    expect(html).toMatch(/<option value="no-contact" selected>/u);
    expect(words(html)).toContain("The owner cannot be reached 1 Team hr, which owns late, has no contact");
    expect(words(await open("/catalogue?finding=no-contact"))).toContain("The owner cannot be reached 3 ");
    expect(words(html)).not.toContain("wiki is configured without a backup");
  });

  test("of a vault that could not be looked at says so, and never that nothing is missing", async () => {
    const state = memoryState();
    const lost: VaultLook = { vaultId: "nightly", folders: new Map(), problems: ["vault nightly: Reading it is not permitted"] };
    const crm = policy("crm", { owner: { team: "sales", contact: "#sales" } });
    const [deep] = [{ kind: "deep" as const, schedule: "0 6 1 * *", timezone: "UTC", rotate: "all" as const }];
    const calendars = [deep, { ...deep, kind: "smoke" as const }];
    const at = (looks: readonly VaultLook[]): World =>
      world({ state, sources: [crm], catalogue: () => catalogueOf(state, { sources: [crm], calendars }, looks) });
    const blind = words(await open("/catalogue", at([lost])));
    expect(blind).toContain(
      "Not everything could be looked at; what no source claims or covers there is not known: vault nightly: Reading it is not permitted",
    );
    expect(blind).toContain("Nothing is missing in what could be looked at.");
    expect(blind).toContain("Of 1 source: 1 not known.");
    expect(words(await open("/catalogue", at([])))).toContain("The vaults have not been looked through yet.");
    expect(words(await open("/catalogue", at([{ ...LOOK, folders: new Map([["", []]]) }])))).toContain(
      "Nothing is missing: every source has",
    );
  });

  test("a source without a backup leads there from wherever it is named", async () => {
    const response = await six.app.request("/sources/wiki");
    expect([response.status, response.headers.get("location")]).toEqual([302, "/catalogue?q=wiki"]);
    expect((await six.app.request("/sources/nobody")).status).toBe(404);
  });

  test("the fleet, which shows what has backups, says that there is more", async () => {
    expect(words(await open("/"))).toContain("1 source is configured without a backup , and not counted below: wiki. See the catalogue");
  });

  test("what comes from outside is shown as text", async () => {
    const evil = `"><script>alert(1)</script>`;
    const state = memoryState();
    const hostile: UncoveredSource = {
      ...WIKI,
      domain: evil,
      owner: { team: evil, contact: evil },
      data: { retentionMs: null, classification: evil },
    };
    const target = world({
      state,
      catalogue: () =>
        catalogueOf(state, { uncovered: [hostile] }, [
          { vaultId: "nightly", folders: new Map([["", [{ name: evil, kind: "file" }]]]), problems: [evil] },
        ]),
    });
    expect(await open(`/catalogue?owner=${encodeURIComponent(evil)}&q=${encodeURIComponent(evil)}`, target)).not.toContain("<script>alert");
  });

  test("at a thousand sources and ten thousand findings is small and shows the way to the rest", async () => {
    const state = memoryState();
    const sources: SourcePolicy[] = Array.from({ length: 1000 }, (_each, index) => policy(`source-${index}`, { owner: null }));
    const folders = new Map([
      ["", Array.from({ length: 5000 }, (_each, index) => ({ name: `x${"y".repeat(index % 97)}${index}z`, kind: "directory" as const }))],
    ]);
    const target = world({
      state,
      sources,
      catalogue: () => catalogueOf(state, { sources }, [{ vaultId: "nightly", folders, problems: [] }]),
    });
    const html = await open("/catalogue", target);
    expect(html.length).toBeLessThan(300_000);
    expect(words(html)).toContain("1–50 of 1,000 sources, worst first");
    expect(html).toContain('href="/catalogue?page=2"');
    expect(html).toContain('href="/catalogue?finding=no-owner">and 995 more');
    expect(rows(await open("/catalogue?page=20", target))).toHaveLength(50);
  });
});

describe("/api/v1/catalogue", () => {
  const entries = pageOf(catalogueEntrySchema, "A").extend({ summary: catalogueSummarySchema });
  const findings = pageOf(findingSchema, "B").extend({ summary: catalogueSummarySchema });
  const get = async (path: string, status = 200): Promise<unknown> => {
    const response = await six.app.request(path);
    expect([path, response.status]).toEqual([path, status]);
    return response.json();
  };

  test("gives every source by id, with what covers it and what is missing", async () => {
    const body = entries.parse(await get("/api/v1/catalogue"));
    expect(body.items.map((item) => item.id)).toEqual(["broken", "collapsed", "healthy", "late", "locked", "wiki"]);
    expect(body.summary).toMatchObject({ coverage: { none: 1, empty: 0, unknown: 0, covered: 5 }, unseen: [] });
    expect(body.summary.headline).toBe("Of 6 sources: 1 without a backup, 5 covered.");
    expect(body.items[2]).toMatchObject({
      owner: { team: "sales-ops", contact: "#sales-ops" },
      objectives: { rpoSeconds: 86_400, rtoSeconds: 3600 },
      coverage: "covered",
      backup: { vault: "nightly", path: "healthy", pattern: "*", format: "auto", everySeconds: 86_400 },
      newestAt: expect.stringMatching(/^2026-02-20T02:0\d/u) as string,
      layers: ["artifact", "content"],
      drills: ["smoke"],
      findings: ["no-drill-schedule"],
    });
    expect(body.items[5]).toMatchObject({
      id: "wiki",
      coverage: "none",
      backup: null,
      classification: "internal",
      findings: ["no-backup"],
    });
  });

  test.each([
    ["?coverage=none", ["wiki"]],
    ["?finding=no-owner", ["locked"]],
    ["?owner=hr", ["late"]],
    ["?domain=sales", ["healthy", "wiki"]],
  ])("%s gives %j", async (query, expected) => {
    expect(entries.parse(await get(`/api/v1/catalogue${query}`)).items.map((item) => item.id)).toEqual(expected);
  });

  test("sources and findings come page by page, none twice and none left out", async () => {
    const all = async (schema: z.ZodType<{ items: unknown[]; nextCursor: string | null }>, path: string): Promise<unknown[]> => {
      const items: unknown[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        const page: { items: unknown[]; nextCursor: string | null } = schema.parse(
          await get(`${path}?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`),
        );
        items.push(...page.items);
        cursor = page.nextCursor;
      }
      return items;
    };
    const whole = findings.parse(await get("/api/v1/catalogue/findings"));
    expect(whole.items.map((item) => `${item.kind} ${item.source ?? item.path}`)).toEqual([
      "no-backup wiki",
      "unclaimed forgotten",
      "no-owner locked",
      ...["broken", "collapsed", "healthy", "late", "locked"].map((id) => `no-drill-schedule ${id}`),
      ...["broken", "collapsed", "late"].map((id) => `no-contact ${id}`),
    ]);
    expect(await all(findings, "/api/v1/catalogue/findings")).toEqual(whole.items);
    expect(await all(entries, "/api/v1/catalogue")).toHaveLength(6);
  });

  test("a base that no source covers is told with its product, and one that could not be asked with its source", async () => {
    const state = memoryState();
    const crm = policy("crm", { platform: "nocodb" });
    const shown: ProductLook = {
      sourceId: "crm",
      platform: "nocodb",
      instance: "i1",
      address: "https://noco.example",
      own: ["pcrm"],
      scopes: [{ scope: "pold", kind: "base", name: "<b>Old</b>" }],
      problem: null,
    };
    const lost: ProductLook = {
      ...shown,
      sourceId: "hr",
      own: ["phr"],
      scopes: null,
      problem: "what the token of hr sees on nocodb: It refused us",
    };
    const target = world({ state, sources: [crm], catalogue: () => catalogueOf(state, { sources: [crm] }, [], [shown, lost]) });
    const answer = await target.app.request("/api/v1/catalogue/findings?finding=unprotected");
    const { items, summary } = findings.parse(await answer.json());
    expect(items).toEqual([
      {
        kind: "unprotected",
        severity: "high",
        source: null,
        vault: null,
        path: null,
        product: { platform: "nocodb", scope: "pold", kind: "base", name: "<b>Old</b>", address: "https://noco.example", seenBy: ["crm"] },
        sentence: "No source covers base <b>Old</b> (pold) on nocodb, which the token of crm can see",
        mend: "add a source for it, or take it away from the token that sees it",
      },
    ]);
    expect(summary.unseen).toEqual([{ vault: null, source: "hr", problem: "what the token of hr sees on nocodb: It refused us" }]);
    const page = await open("/catalogue", target);
    expect(page).not.toContain("<b>Old</b>");
    expect(words(page)).toContain("On a live product, but covered by no source 1 No source covers base <b>Old</b> (pold) on nocodb");
    expect(words(page)).toContain("what no source claims or covers there is not known: what the token of hr sees on nocodb: It refused us");
  });

  test("findings can be asked for by kind and by source", async () => {
    expect(findings.parse(await get("/api/v1/catalogue/findings?finding=unclaimed")).items).toEqual([
      {
        kind: "unclaimed",
        severity: "high",
        source: null,
        vault: "nightly",
        path: "forgotten",
        product: null,
        sentence: "No source claims folder forgotten in vault nightly",
        mend: "add a source for it, or remove it from the vault",
      },
    ]);
    expect(findings.parse(await get("/api/v1/catalogue/findings?source=locked")).items.map((item) => item.kind)).toEqual([
      "no-owner",
      "no-drill-schedule",
    ]);
  });

  test.each(["?finding=x", "?coverage=y", "?limit=0", "?cursor=!"])("%s is refused with a reason", async (query) => {
    expect(await get(`/api/v1/catalogue${query}`, 400)).toMatchObject({ error: { code: expect.stringMatching(/^bad-/u) as string } });
  });
});
