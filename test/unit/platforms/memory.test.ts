/** The memory double keeps the contract that connectors keep; told to lie, it does not. */
import { describe, expect, test } from "vitest";
import { compareReadBack } from "../../../agent/core/compare.ts";
import type { ContentRecord } from "../../../agent/core/content.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { type PlatformHarness, platformContract, restoreSet } from "../../contracts/platform.ts";
import { collection, field, record } from "../../doubles/content.ts";
import { memoryPlatform, type MemoryBase, type MemoryLies } from "../../doubles/platform.ts";

const never = new AbortController().signal;
const T = Date.UTC(2026, 0, 1);
const UNICODE = "e\u0301 \u{1F468}\u{200D}\u{1F469} \u05E9\u05DC\u05D5\u05DD";

function smallBase(): MemoryBase {
  const fields = [
    field("name", "text"),
    field("amount", "integer"),
    field("city", "link", { link: { collection: "city", many: false, reciprocal: null } }),
    field("spare", "text"),
  ];
  const people = Array.from({ length: 30 }, (_, index): ContentRecord => {
    const name = index === 1 ? UNICODE : index === 2 ? "x".repeat(1_000_000) : `person ${index}`;
    return record(String(index * 3 + 1), [name, "9007199254740993", index === 0 ? "7" : null, null], {
      createdAt: T + index,
      updatedAt: T + index,
    });
  });
  return {
    collections: [collection("people", fields), collection("city", [field("name")]), collection("void", [field("name")])],
    records: new Map([
      ["people", people],
      ["city", [record("7", ["Bern"], { createdAt: T, updatedAt: T })]],
      ["void", []],
    ]),
    automations: [{ id: "a1", name: "notify", active: true, trigger: "insert", references: [], bodyDigest: "d" }],
    files: new Map([["f1", new Uint8Array([1, 2, 3])]]),
    instance: "memory-1",
    scope: "base-1",
  };
}

function harness(lies: MemoryLies = {}): PlatformHarness {
  const base = smallBase();
  const memory = memoryPlatform(base, lies);
  const cell = (what: string, key: string, name: string, value: string) => ({ what, collection: "people", key, field: name, value });
  return {
    seed: {
      main: { collection: "people", keys: (base.records.get("people") ?? []).map((one) => one.key) },
      empty: "void",
      types: [cell("text", "10", "name", "person 3"), cell("a big integer", "10", "amount", "9007199254740993")],
      links: [cell("a link", "1", "city", "7")],
      unicode: cell("unicode", "4", "name", UNICODE),
      large: cell("large", "7", "name", "x".repeat(1_000_000)),
      file: { id: "f1", bytes: new Uint8Array([1, 2, 3]) },
      automations: ["a1"],
      views: [],
      roles: [],
    },
    mutate: {
      deleteRecord: async (id, key) => {
        base.records.set(
          id,
          (base.records.get(id) ?? []).filter((one) => one.key !== key),
        );
      },
      editRecord: async (id, key) => {
        base.records.set(
          id,
          (base.records.get(id) ?? []).map((one) => (one.key === key ? { ...one, updatedAt: T + 1000 } : one)),
        );
      },
      changeSchema: async (id) => {
        base.collections = base.collections.map((one) => (one.id === id ? { ...one, fields: one.fields.slice(0, -1) } : one));
      },
    },
    open: ({ token, pageSize, clock } = {}) => {
      memory.token = token === undefined ? "right" : token === "narrow" ? "narrow" : "wrong";
      return memory.open(clock ?? systemClock(), pageSize);
    },
    openScratch: ({ production } = {}) => memory.openScratch(systemClock(), production),
    leftovers: async (prefix) => [...memory.scratch.values()].filter(({ workspace }) => workspace.tag.startsWith(prefix)).length,
    fired: async () => 0,
    secrets: ["planted-token-0123456789"],
    told: () => "the memory double has no transport, and tells nobody anything ".repeat(3),
    dispose: async () => {},
  };
}

platformContract({ name: "memory", create: async () => harness({ renumbers: true }), skips: [] });

describe("a product that lies is found out by what is read back", () => {
  const findings = async (lies: MemoryLies) => {
    const one = harness(lies);
    const set = await restoreSet(one.open());
    const { workspace } = one.openScratch();
    const place = await workspace.provision("restorewatch-lie", { instance: "memory-1", scope: "base-1" }, never);
    const loaded = await workspace.load(place, set, never);
    const back = await workspace.readBack(place, set, loaded, never);
    const ours = set.collections[0];
    if (ours === undefined) throw new Error("no collection");
    const theirs = back.collections.find((other) => other.id === ours.id);
    return {
      claimed: loaded.claimed.get("people"),
      running: back.running,
      compared: compareReadBack(
        { collection: ours, records: set.records.get(ours.id) ?? [] },
        theirs === undefined ? null : { collection: theirs, records: back.records.get(ours.id) ?? [] },
        { cut: new Set(), unrestorable: new Set() },
      ),
    };
  };

  test("nothing imported, success reported", async () => {
    const { claimed, compared } = await findings({ importsNothing: true });
    expect(claimed).toBe(30);
    expect(compared).toMatchObject({ expected: 30, found: 0 });
    expect(compared.missing).toHaveLength(30);
  });

  test("big integers rounded", async () => {
    expect((await findings({ rounds: true })).compared.different).toHaveLength(30);
  });

  test("links not mapped to new keys", async () => {
    expect((await findings({ renumbers: true, keepsOldLinks: true })).compared.different).toEqual([{ key: "1", fields: ["city"] }]);
  });

  test("automations switched on", async () => {
    expect((await findings({ activates: true })).running).toEqual(["a1"]);
  });
});
