/** `restorewatch discover` over vaults in memory: what it says, what it exits with, and that not having looked is never "nothing missing". */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { discoverCommand } from "../../../agent/cli/discover.ts";
import { createOutput } from "../../../agent/cli/output.ts";
import type { CatalogueConfig } from "../../../agent/core/catalogue.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import type { SourcePolicy, UncoveredSource } from "../../../agent/core/policy.ts";
import type { Vault } from "../../../agent/core/ports.ts";
import type { ProductsToAsk } from "../../../agent/engine/ask-products.ts";
import { discoverNow } from "../../../agent/engine/discover.ts";
import { asking, seeing } from "../../doubles/discovery.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { policy } from "../../doubles/policy.ts";
import { faultyVault, memoryVault } from "../../doubles/vault.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const HOUR = 3_600_000;
const OWNER = { team: "sales-ops", contact: "#sales-ops" };
const CALENDARS = (["smoke", "deep"] as const).map((kind) => ({ kind, schedule: "0 6 1 * *", timezone: "UTC", rotate: "all" as const }));

async function filled(...paths: string[]): Promise<Vault> {
  const memory = memoryVault("nightly");
  for (const [index, path] of paths.entries()) await memory.put(path, "x", NOW - (index + 2) * HOUR);
  return memory.vault;
}

interface Setup {
  readonly sources?: readonly SourcePolicy[];
  readonly uncovered?: readonly UncoveredSource[];
  readonly vault: Vault;
  readonly calendars?: CatalogueConfig["calendars"];
  readonly columns?: number;
  readonly all?: boolean;
  readonly products?: ProductsToAsk;
}

async function run(
  setup: Setup,
  output: "text" | "json" = "text",
): Promise<{ readonly code: number; readonly text: string; readonly errors: string }> {
  const {
    sources = [policy("crm", { owner: OWNER })],
    uncovered = [],
    vault,
    calendars = CALENDARS,
    columns = 120,
    all = false,
    products,
  } = setup;
  let text = "";
  let errors = "";
  const out = createOutput({
    write: (part) => {
      text += part;
    },
    writeError: (part) => {
      errors += part;
    },
    isTty: false,
    errorIsTty: false,
    colour: false,
    columns,
  });
  const clock = fakeClock(NOW);
  const config: CatalogueConfig = {
    sources,
    uncovered,
    calendars,
    vaults: ["nightly"],
    formats: [{ id: "grist", platform: "grist" }],
    connectors: new Map(),
  };
  const code = await discoverCommand(
    { output, all },
    {
      out,
      now: () => NOW,
      discover: () =>
        discoverNow(
          {
            config,
            vault: () => vault,
            ...(products === undefined ? {} : { products }),
            clock,
            concluded: new Map(),
            deadlineMs: 1000,
            onProgress: () => undefined,
          },
          new AbortController().signal,
        ),
    },
  );
  return { code, text, errors };
}

function uncovered(id: string): UncoveredSource {
  const { backups: _, ...rest } = policy(id, { owner: OWNER, tier: "critical" });
  return rest;
}

describe("restorewatch discover", () => {
  test("exits with 0 when nothing is missing, and shows what covers what", async () => {
    const { code, text } = await run({ vault: await filled("crm/a.grist") });
    expect(code).toBe(0);
    expect(text.split("\n")).toEqual([
      "The source has a backup.",
      "",
      "✓ Nothing is missing.",
      "",
      "SOURCE  COVERED  NEWEST  OWNER      CONTACT     TIER      RPO/RTO   PLATFORM  DOMAIN  DATA  BACKUPS        EVERY",
      "crm     ✓ yes    2 h     sales-ops  #sales-ops  standard  24 h/1 h  grist     sales   -     nightly:crm/*  24 h",
      "",
    ]);
  });

  test("exits with 1 when something is missing, worst first, with the mend", async () => {
    const { code, text } = await run({
      vault: await filled("crm/a.grist", "forgotten/b.grist"),
      sources: [policy("crm", { owner: null }), policy("hr", { owner: OWNER })],
      uncovered: [uncovered("wiki")],
    });
    expect(code).toBe(1);
    expect(text.split("\n").slice(0, 10)).toEqual([
      "Of 3 sources: 1 without a backup, 1 whose vault holds none, 1 covered.",
      "",
      "✗ No backup is configured (1)  mend: say under backups where its backups lie, once there are any",
      "    wiki is configured without a backup",
      "✗ No backup was found (1)  mend: look at vault, path and pattern, and at the backup job itself",
      "    Vault nightly holds no backup of hr under hr/*",
      "✗ In a vault, but claimed by no source (1)  mend: add a source for it, or remove it from the vault",
      "    No source claims folder forgotten in vault nightly",
      "! Nobody is named as owner (1)  mend: name a team under owner",
      "    crm has no owner",
    ]);
    expect(
      text
        .split("\n")
        .slice(12, 15)
        .map((line) => line.split(/\s+/u).slice(0, 3).join(" ")),
    ).toEqual(["wiki ✗ none", "hr ✗ empty", "crm ✓ yes"]);
  });

  test("exits with 3 when a vault could not be looked at, names it, and says of its sources that they are not known", async () => {
    const denied = (): AgentError => new AgentError("auth", "no-permission", "the vault: Reading it is not permitted.");
    const vault = faultyVault(await filled("crm/a.grist"), [{ on: "names", error: denied() }]);
    const { code, text } = await run({ vault });
    vault.verifyAllStruck();
    expect(code).toBe(3);
    expect(text).toContain("? vault nightly: Reading it is not permitted");
    expect(text).toContain("Nothing is missing in what could be looked at.");
    expect(text).not.toContain("✓ Nothing is missing");
    expect(text).toContain("Of 1 source: 1 not known.");
  });

  test("a base that two tokens see and no source covers is found once, and exits with 1", async () => {
    const vault = await filled("crm/a.grist");
    const products = asking([seeing("crm", "pcrm", ["pcrm", "phr", "pold"]), seeing("hr", "phr", ["phr", "pold"])]);
    const { code, text } = await run({ vault, products });
    expect(code).toBe(1);
    expect(text.split("\n").slice(2, 5)).toEqual([
      "✗ On a live product, but covered by no source (1)  mend: add a source for it, or take it away from the token that sees it",
      "    No source covers base The pold (pold) on nocodb, which the tokens of crm and hr can see",
      "",
    ]);
    const { text: json } = await run({ vault, products }, "json");
    expect(JSON.parse(json)).toMatchObject({
      counts: { findings: { unprotected: 1 } },
      findings: [{ kind: "unprotected", source: null, product: { platform: "nocodb", scope: "pold", seenBy: ["crm", "hr"] } }],
      unseen: [],
    });
  });

  test("a token that is refused is 3 and said, and its base is not taken for one that nobody covers", async () => {
    const vault = await filled("crm/a.grist");
    const refused = seeing("hr", "phr", ["phr"]);
    refused.memory.token = "wrong";
    const { code, text } = await run({ vault, products: asking([seeing("crm", "pcrm", ["pcrm", "phr"]), refused]) });
    expect(code).toBe(3);
    expect(text).toContain("? what the token of hr sees on nocodb: memory: It refused us; mend: check the token");
    expect(text).toContain("Nothing is missing in what could be looked at.");
    expect(text).not.toContain("No source covers");
  });

  test("a source that could not be listed is 3 and named, even where findings would be 1", async () => {
    const vault = faultyVault(await filled("crm/a.grist"), [
      { on: "list", error: new AgentError("auth", "no-permission", '"crm": Reading it is not permitted.') },
    ]);
    const { code, text } = await run({ vault, uncovered: [uncovered("wiki")] });
    expect(code).toBe(3);
    expect(text).toContain('? source crm: "crm": Reading it is not permitted');
    expect(text).toContain("wiki is configured without a backup");
    expect(text).toMatch(/crm +\? unknown/u);
  });

  test("a vault that cannot be browsed is looked at by its listing", async () => {
    const { names: _, ...plain } = memoryVault("nightly").vault as Vault & { names: unknown };
    const inner = await filled("crm/a.grist", "old.zip");
    const { text } = await run({ vault: { ...plain, list: (prefix, options) => inner.list(prefix, options) } });
    expect(text).toContain("No source claims old.zip in vault nightly");
  });

  test("a vault that never answers is given up after the deadline", async () => {
    const hanging: Vault = { ...(await filled()), list: () => new Promise(() => undefined) };
    const clock = fakeClock(NOW);
    const config: CatalogueConfig = {
      sources: [policy("crm")],
      uncovered: [],
      calendars: [],
      vaults: ["nightly"],
      formats: [],
      connectors: new Map(),
    };
    const never = { ...hanging, names: () => new Promise<never>(() => undefined) };
    const looking = discoverNow(
      { config, vault: () => never, clock, concluded: new Map(), deadlineMs: 1000, onProgress: () => undefined },
      new AbortController().signal,
    );
    await clock.advance(1001);
    expect((await looking).unseen).toEqual([{ vaultId: "nightly", sourceId: null, problem: "vault nightly: It took longer than 1 s" }]);
  });

  test("as JSON holds everything, times as ISO 8601 and durations in seconds", async () => {
    const { code, text } = await run({ vault: await filled("crm/a.grist", "old.zip"), uncovered: [uncovered("wiki")] }, "json");
    expect(code).toBe(1);
    const document = z.looseObject({ schema: z.string(), sources: z.array(z.looseObject({ id: z.string() })) }).parse(JSON.parse(text));
    expect(document).toMatchObject({
      schema: "restorewatch.catalogue/v1",
      at: "2026-11-23T12:00:00.000Z",
      counts: { coverage: { none: 1, empty: 0, unknown: 0, covered: 1 } },
      findings: [
        { kind: "no-backup", source: "wiki", vault: null },
        { kind: "unclaimed", source: null, vault: "nightly", path: "old.zip" },
      ],
      unseen: [],
      sources: [
        { id: "wiki", coverage: "none", backup: null, newestAt: null },
        {
          id: "crm",
          coverage: "covered",
          objectives: { rpoSeconds: 86_400, rtoSeconds: 3600 },
          backup: { vault: "nightly", path: "crm", pattern: "*", format: "auto", everySeconds: 86_400 },
          newestAt: "2026-11-23T10:00:00.000Z",
        },
      ],
    });
  });

  test("a configuration that is not valid is 2", async () => {
    let errors = "";
    const out = createOutput({
      write: () => undefined,
      writeError: (part) => (errors += part),
      isTty: false,
      errorIsTty: false,
      colour: false,
      columns: 80,
    });
    const discover = (): Promise<never> => Promise.reject(new AgentError("config", "config-invalid", "x.yaml: wrong"));
    expect(await discoverCommand({ output: "text", all: false }, { out, now: () => NOW, discover })).toBe(2);
    expect(errors).toContain("x.yaml: wrong");
  });

  test("a thousand sources fit a terminal: the worst fifty, ten of each finding, no line wider than it; --all has every one", async () => {
    const sources = Array.from({ length: 1000 }, (_, index) => policy(`team-with-a-long-name-${index}`, { owner: null }));
    const vault = await filled(...sources.map((source) => `${source.id}/a.grist`));
    for (const columns of [80, 100, 140]) {
      const { code, text } = await run({ vault, sources, columns, calendars: [] });
      const lines = text.trimEnd().split("\n");
      expect(code).toBe(1);
      expect(lines.length).toBeLessThan(90);
      expect(lines).toContain("    and 990 more; --all lists them");
      const table = lines.slice(lines.findIndex((line) => line.startsWith("SOURCE")));
      expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(columns);
      expect(table).toHaveLength(52);
    }
    expect((await run({ vault, sources, all: true })).text.trimEnd().split("\n").length).toBeGreaterThan(2000);
  });

  test("control characters of names never reach the terminal", async () => {
    const { text } = await run({ vault: await filled("crm/a.grist", "evil\u001b[2Jname.zip") });
    expect(text).toContain("No source claims evil");
    expect(text).not.toContain("\u001b");
  });
});
