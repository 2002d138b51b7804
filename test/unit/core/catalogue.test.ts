import { describe, expect, test } from "vitest";
import {
  catalogue,
  type CatalogueConfig,
  type Claim,
  claimOf,
  FINDING_KINDS,
  FINDINGS,
  foldersToLookInto,
  overlaps,
  type Sighting,
  SEVERITIES,
  unclaimedIn,
  type VaultLook,
} from "../../../agent/core/catalogue.ts";
import type { DrillCalendar, SourcePolicy, UncoveredSource } from "../../../agent/core/policy.ts";
import type { VaultName } from "../../../agent/core/ports.ts";
import { policy } from "../../doubles/policy.ts";

const NEWEST = Date.UTC(2026, 1, 20, 2);
const CALENDARS: readonly DrillCalendar[] = (["smoke", "deep"] as const).map((kind) => ({
  kind,
  schedule: "0 6 1 * *",
  timezone: "UTC",
  rotate: "all",
}));
const OWNER = { team: "sales-ops", contact: "#sales-ops" };
const SEEN: Sighting = { looked: true, newestAt: NEWEST, concluded: [] };

function sound(id: string, more: Parameters<typeof policy>[1] = {}): SourcePolicy {
  return policy(id, { owner: OWNER, ...more });
}

function at(id: string, path: string, pattern = "*", vaultId = "nightly"): SourcePolicy {
  return sound(id, { backups: { ...policy().backups, path, pattern, vaultId } });
}

function uncovered(id: string, more: Partial<UncoveredSource> = {}): UncoveredSource {
  const { backups: _, ...rest } = sound(id);
  return { ...rest, ...more };
}

function config(more: Partial<CatalogueConfig> = {}): CatalogueConfig {
  return {
    sources: [],
    uncovered: [],
    vaults: ["nightly"],
    calendars: CALENDARS,
    formats: [
      { id: "bag", platform: "any" },
      { id: "csv", platform: "any" },
      { id: "grist", platform: "grist" },
    ],
    connectors: new Map(),
    ...more,
  };
}

function look(folders: Readonly<Record<string, readonly string[]>>, problems: readonly string[] = []): VaultLook {
  const names = (list: readonly string[]): VaultName[] =>
    list.map((name) => (name.endsWith("/") ? { name: name.slice(0, -1), kind: "directory" } : { name, kind: "file" }));
  return { vaultId: "nightly", folders: new Map(Object.entries(folders).map(([folder, list]) => [folder, names(list)])), problems };
}

const sightings = (...ids: string[]): Map<string, Sighting> => new Map(ids.map((id) => [id, SEEN]));

describe("a source", () => {
  test("with everything said of it has no finding and is covered", () => {
    const made = catalogue(config({ sources: [sound("crm")] }), sightings("crm"), [look({ "": ["crm/"] })]);
    expect(made.findings).toEqual([]);
    expect(made.unseen).toEqual([]);
    expect(made.entries).toEqual([
      {
        sourceId: "crm",
        platform: "grist",
        owner: OWNER,
        domain: "sales",
        tier: "standard",
        classification: null,
        objectives: { rpoMs: 86_400_000, rtoMs: 3_600_000 },
        coverage: "covered",
        backup: { vaultId: "nightly", path: "crm", pattern: "*", format: "auto", everyMs: 86_400_000 },
        newestAt: NEWEST,
        layers: ["artifact", "content"],
        drills: ["smoke", "deep"],
        findings: [],
      },
    ]);
  });

  test("without a backup is covered by none, and that alone is said of its verification", () => {
    const made = catalogue(config({ uncovered: [uncovered("wiki", { platform: "notion" })], calendars: [] }), new Map(), []);
    expect(made.entries).toMatchObject([
      { sourceId: "wiki", coverage: "none", backup: null, layers: [], drills: [], findings: ["no-backup"] },
    ]);
    expect(made.findings).toMatchObject([
      { kind: "no-backup", severity: "high", sourceId: "wiki", sentence: "wiki is configured without a backup" },
    ]);
  });

  const missing: readonly (readonly [string, Partial<SourcePolicy>, Partial<CatalogueConfig>, string])[] = [
    ["no-owner", { owner: null }, {}, "crm has no owner"],
    ["no-contact", { owner: { team: "hr", contact: null } }, {}, "Team hr, which owns crm, has no contact"],
    ["no-rpo", { objectives: { ...policy().objectives, rpoMs: null } }, {}, "crm has no recovery point objective"],
    ["no-rto", { objectives: { ...policy().objectives, rtoMs: null } }, {}, "crm has no recovery time objective"],
    ["no-drill-schedule", {}, { calendars: [] }, "No smoke or deep drill of crm is scheduled"],
    ["no-drill-schedule", {}, { calendars: CALENDARS.slice(0, 1) }, "No deep drill of crm is scheduled"],
  ];
  test.each(missing)("%s is found", (kind, more, settings, sentence) => {
    const made = catalogue(config({ sources: [sound("crm", more)], ...settings }), sightings("crm"), []);
    expect(made.findings.map((finding) => [finding.kind, finding.sourceId, finding.sentence])).toEqual([[kind, "crm", sentence]]);
    expect(made.entries[0]?.findings).toEqual([kind]);
    expect(made.counts.findings[made.findings[0]?.kind ?? "empty"]).toBe(1);
  });

  test("whose vault holds nothing is told from one that was not looked at, and from one that could not be", () => {
    const sources = [sound("empty"), sound("unpolled"), sound("unreachable"), sound("fine")];
    const known = new Map<string, Sighting>([
      ["empty", { looked: true, newestAt: null, concluded: [] }],
      ["unreachable", { looked: false, newestAt: null, concluded: [] }],
      ["fine", SEEN],
    ]);
    const made = catalogue(config({ sources }), known, []);
    expect(Object.fromEntries(made.entries.map((entry) => [entry.sourceId, entry.coverage]))).toEqual({
      empty: "empty",
      unpolled: "unknown",
      unreachable: "unknown",
      fine: "covered",
    });
    expect(made.counts.coverage).toEqual({ none: 0, empty: 1, unknown: 2, covered: 1 });
    expect(made.findings.map((finding) => finding.sentence)).toEqual(["Vault nightly holds no backup of empty under empty/*"]);
  });
});

describe("promised layers", () => {
  const find = (more: Partial<SourcePolicy>, sighting: Sighting = SEEN, connectors: CatalogueConfig["connectors"] = new Map()): string[] =>
    catalogue(config({ sources: [sound("crm", more)], connectors }), new Map([["crm", sighting]]), []).findings.map(
      (finding) => `${finding.kind}: ${finding.sentence}`,
    );
  const format = (name: string): Pick<SourcePolicy, "backups"> => ({ backups: { ...policy().backups, format: name } });
  const layers = (...promised: SourcePolicy["verify"]["layers"]): Pick<SourcePolicy, "verify"> => ({
    verify: { ...policy().verify, layers: promised },
  });

  test("a format of another product cannot give content", () => {
    expect(find({ platform: "nocodb", ...format("grist") })).toEqual([
      "undeliverable: crm promises content, but is on nocodb while format grist reads backups of grist",
    ]);
  });

  test("a product whose own backups no format reads cannot give content, until a drill has", () => {
    expect(find({ platform: "n8n" })).toEqual([
      "undeliverable: crm promises content, but no format here reads the own backups of n8n; only bag or csv would do",
    ]);
    expect(find({ platform: "n8n" }, { ...SEEN, concluded: ["artifact", "content"] })).toEqual([]);
  });

  test.each([
    { platform: "n8n" as const, ...format("csv") },
    { platform: "n8n" as const, ...layers("artifact") },
    { platform: "other" as const },
    { platform: "csv" as const },
    { platform: "grist" as const, ...format("grist") },
  ])("nothing is said where they can be had: %#", (more) => {
    expect(find(more)).toEqual([]);
  });

  test("scratch and live need a connector that gives them", () => {
    const more = layers("artifact", "content", "scratch", "live");
    expect(find(more)).toEqual(["undeliverable: crm promises scratch and live, and there is no connector to grist that can do that"]);
    expect(find(more, SEEN, new Map([["grist", ["live"]]]))).toEqual([
      "undeliverable: crm promises scratch, and there is no connector to grist that can do that",
    ]);
    expect(find(more, SEEN, new Map([["grist", ["scratch", "live"]]]))).toEqual([]);
  });
});

describe("what lies in a vault", () => {
  const claims = (...sources: SourcePolicy[]): Claim[] => sources.map(claimOf);

  test("is looked at above every claim and beside partial ones, nowhere else", () => {
    const own = claims(at("crm", "nocode/crm"), at("hr", "nocode/hr/json", "*.json"), at("far", "x/y", "*", "cloud"));
    expect(foldersToLookInto(own, "nightly")).toEqual(["", "nocode", "nocode/hr", "nocode/hr/json"]);
    expect(foldersToLookInto(own, "cloud")).toEqual(["", "x"]);
    expect(foldersToLookInto(own, "unused")).toEqual([""]);
    expect(foldersToLookInto(claims(at("all", "")), "nightly")).toEqual([""]);
  });

  test("under no source's path is found at the highest folder that nobody claims", () => {
    const own = claims(at("crm", "nocode/crm"), at("file", "single/latest.json"));
    const seen = look({ "": ["nocode/", "single/", "old/", "wiki.zip"], nocode: ["crm/", "hr/"], single: ["latest.json", "other.json"] });
    expect(unclaimedIn(seen, own).map(({ path, kind }) => [path, kind])).toEqual([
      ["nocode/hr", "directory"],
      ["old", "directory"],
      ["single/other.json", "file"],
      ["wiki.zip", "file"],
    ]);
  });

  test("sidecars, checksums, hidden and unfinished files are nobody's backup", () => {
    const seen = look({ "": ["crm/", "crm.run.json", "SHA256SUMS", "a.json.sha256", ".cache/", "b.json.part"] });
    expect(unclaimedIn(seen, claims(at("crm", "crm")))).toEqual([]);
  });

  test("in a flat vault shared by patterns, what no pattern takes in is told once for all its nights", () => {
    const nights = (name: string): string[] => Array.from({ length: 45 }, (_, night) => `${name}-2026-01-${night}.json`);
    const seen = look({ "": [...nights("crm"), ...nights("hr"), ...nights("wiki"), "readme.txt"] });
    const made = catalogue(config({ sources: [at("crm", "", "crm-*"), at("hr", "", "hr-*.json")] }), sightings("crm", "hr"), [seen]);
    expect(made.findings.map((finding) => [finding.kind, finding.sentence])).toEqual([
      ["unclaimed", "No source claims readme.txt in vault nightly"],
      ["unclaimed", "No source claims wiki-*-*-*.json (45 files) in vault nightly"],
    ]);
  });

  test("beside the backups of one source, where others have their folders too, is nobody's", () => {
    const own = claims(at("wiki", "", "wiki-*"), at("crm", "crm"));
    expect(unclaimedIn(look({ "": ["wiki-1.zip", "crm/", "old/"] }), own)).toMatchObject([{ path: "old", beside: null }]);
  });

  test("beside the backups of one source is that source's affair", () => {
    const made = catalogue(config({ sources: [at("crm", "crm", "*.json")] }), sightings("crm"), [
      look({ "": ["crm/"], crm: ["a.json", "notes.txt"] }),
    ]);
    expect(made.findings.map((finding) => [finding.kind, finding.severity, finding.sentence])).toEqual([
      ["unmatched", "low", "The pattern of crm leaves out crm/notes.txt in vault nightly"],
    ]);
    expect(made.entries[0]?.findings).toEqual(["unmatched"]);
  });

  test("few folders that differ in digits are told one by one, many as one", () => {
    const folders = (count: number): string[] => Array.from({ length: count }, (_, index) => `team${index}/`);
    expect(unclaimedIn(look({ "": folders(3) }), []).map(({ path }) => path)).toEqual(["team0", "team1", "team2"]);
    expect(unclaimedIn(look({ "": folders(12) }), [])).toMatchObject([{ path: "team*", count: 12 }]);
  });

  test("of a vault that could not be looked at is not told, and the vault is named", () => {
    const made = catalogue(config({ sources: [sound("crm")] }), sightings("crm"), [
      look({}, ["vault nightly: Reading it is not permitted"]),
    ]);
    expect(made.findings).toEqual([]);
    expect(made.unseen).toEqual([{ vaultId: "nightly", sourceId: null, problem: "vault nightly: Reading it is not permitted" }]);
    expect(made.seen).toEqual([]);
  });
});

describe("two sources that claim the same", () => {
  const met = (sources: readonly SourcePolicy[], ...looks: VaultLook[]): string[] =>
    overlaps(sources.map(claimOf), looks).map(({ sources: [one, other], path, how }) => `${how} ${one} ${other} at ${path}`);

  test("one pattern takes in everything, the other a part", () => {
    expect(met([at("a", "crm"), at("b", "crm", "*.json")])).toEqual(["pattern a b at crm"]);
  });

  test("the very same place", () => {
    expect(met([at("b", "crm", "x*"), at("a", "crm", "x*")])).toEqual(["pattern a b at crm"]);
  });

  test("two patterns that meet in a name that is there, and only then", () => {
    const sources = [at("a", "", "crm-*"), at("b", "", "*.json"), at("c", "", "hr-*")];
    expect(met(sources)).toEqual([]);
    expect(met(sources, look({ "": ["crm-1.csv", "x.json"] }))).toEqual([]);
    expect(met(sources, look({ "": ["crm-1.json"] }))).toEqual(["pattern a b at "]);
  });

  test("a folder of one is a backup to the other", () => {
    expect(met([at("inner", "nocode/crm"), at("outer", "nocode")])).toEqual(["nested outer inner at nocode/crm"]);
    expect(met([at("inner", "nocode/crm"), at("outer", "nocode", "*.json")])).toEqual([]);
    expect(met([at("inner", "nocode/crm"), at("other", "nocode/crm-2"), at("far", "nocode", "*", "cloud")])).toEqual([]);
  });

  test("is a finding of both", () => {
    const made = catalogue(config({ sources: [at("inner", "all/crm"), at("outer", "all")] }), sightings("inner", "outer"), []);
    expect(made.entries.map((entry) => [entry.sourceId, entry.findings])).toEqual([
      ["inner", ["overlap"]],
      ["outer", ["overlap"]],
    ]);
    expect(made.findings).toMatchObject([
      {
        kind: "overlap",
        sentence: "outer takes the whole of all/crm in vault nightly for a backup of its own, and inner has its backups there",
      },
    ]);
  });
});

test("the worst comes first: by kind, then by tier, then by name", () => {
  const made = catalogue(
    config({
      sources: [
        sound("z-fine"),
        sound("b-open", { owner: null }),
        sound("a-open", { owner: null }),
        sound("c-open", { owner: null, tier: "critical" }),
      ],
      uncovered: [uncovered("wiki")],
    }),
    sightings("z-fine", "a-open", "b-open", "c-open"),
    [look({ "": ["z-fine/", "old/"] })],
  );
  expect(made.entries.map((entry) => entry.sourceId)).toEqual(["wiki", "c-open", "a-open", "b-open", "z-fine"]);
  expect(made.findings.map((finding) => `${finding.kind} ${finding.sourceId ?? finding.path}`)).toEqual([
    "no-backup wiki",
    "unclaimed old",
    "no-owner c-open",
    "no-owner a-open",
    "no-owner b-open",
  ]);
});

test("kinds are in order of their gravity", () => {
  const ranks = FINDING_KINDS.map((kind) => SEVERITIES.indexOf(FINDINGS[kind].severity));
  expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
});

test("a thousand sources, also in one flat folder of 45,000 files, take well under a second", () => {
  const sources = Array.from({ length: 1000 }, (_, index) => at(`s${index}`, "", `s${index}-*.json`));
  const files = sources.flatMap(({ id }) => Array.from({ length: 45 }, (_, night) => `${id}-${night}.json`));
  const before = performance.now();
  const made = catalogue(config({ sources }), new Map(), [look({ "": [...files, "other.json"] })]);
  expect(performance.now() - before).toBeLessThan(5000);
  expect(made.findings.map((finding) => finding.path)).toEqual(["other.json"]);
});
