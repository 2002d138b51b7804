/** From a restore that was measured to what is told of the full one. */
import { describe, expect, test } from "vitest";
import type { StepCost } from "../../../agent/core/forecasting/costs.ts";
import type { RestoreSet } from "../../../agent/core/platform-ports.ts";
import type { DrillRecord } from "../../../agent/core/values.ts";
import { readForecast, rememberRestore, restoreCost } from "../../../agent/engine/forecasts.ts";
import { sourceSamples } from "../../../agent/engine/project.ts";
import { readSource } from "../../../agent/engine/read-state.ts";
import { applyEntry } from "../../../agent/engine/recorder/apply.ts";
import { costedStep, loadCosts } from "../../../agent/engine/scratch/load-costs.ts";
import { collection, field, memoryContent, record } from "../../doubles/content.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { someDrill } from "../../doubles/values.ts";

const READING = { fetchMs: 30, phases: { open: 1, decrypt: 2, parse: 3, load: 50 }, loaded: 200 };
const ENTRY = { path: "p", kind: "file", bytes: 5000, modifiedAt: 0, immutableUntil: null, checksum: null } as const;

function set(): RestoreSet {
  const link = { collection: "city", many: false, reciprocal: null };
  return {
    ...memoryContent({
      collections: [
        collection("people", [field("name"), field("city", "link", { link }), field("photo", "files")]),
        collection("city", [field("name")]),
      ],
    }),
    originals: { people: { id: 1 } },
    records: new Map([
      ["people", [record("1", ["Ann", "7", ["f1"]]), record("2", ["Bob", "8", []])]],
      ["city", [record("7", ["Bern"])]],
    ]),
    fileBytes: new Map([["f1", new Uint8Array(100)]]),
    cut: new Set(),
  };
}

function meter() {
  let at = 0;
  const use = { requests: 0, retries: 0, waitMs: 0 };
  return {
    clock: { monotonic: () => at },
    use: () => ({ ...use, perSecond: 5 }),
    spend: (ms: number, requests: number, waitMs = 0, retries = 0): void => {
      at += ms;
      use.requests += requests;
      use.waitMs += waitMs;
      use.retries += retries;
    },
  };
}

describe("a load", () => {
  test("is told step by step, with how much each brought", () => {
    const { clock, use, spend } = meter();
    spend(1000, 9);
    const costs = loadCosts(set(), clock, use);
    spend(40, 2);
    costs.turn({ step: "records", collection: "people" });
    spend(10, 1);
    costs.turn({ step: "records", collection: "city" });
    spend(5, 1);
    costs.turn({ step: "records", collection: "people" });
    spend(20, 3, 8, 1);
    costs.turn({ step: "links", collection: "people" });
    spend(7, 1);
    expect(costs.end()).toEqual([
      { step: "structure", collection: null, items: 2, bytes: 8, ms: 40, requests: 2, waitMs: 0, retries: 0 },
      // With its file, since files are put in with their records here.
      { step: "records", collection: "people", items: 2, bytes: 10 + 100, ms: 30, requests: 4, waitMs: 8, retries: 1 },
      { step: "records", collection: "city", items: 1, bytes: 4, ms: 5, requests: 1, waitMs: 0, retries: 0 },
      // Bob's city is not restored.
      { step: "links", collection: "people", items: 1, bytes: 0, ms: 7, requests: 1, waitMs: 0, retries: 0 },
    ]);
  });

  test("whose files go in by themselves counts them there", () => {
    const { clock, use, spend } = meter();
    const costs = loadCosts(set(), clock, use);
    costs.turn({ step: "records", collection: "people" });
    costs.turn({ step: "files", collection: "people" });
    spend(9, 1);
    const [, records, files] = costs.end();
    expect(records).toMatchObject({ bytes: 10 });
    expect(files).toMatchObject({ step: "files", items: 1, bytes: 100, ms: 9, requests: 1 });
  });

  test("and what comes before it is a step of its own", async () => {
    const { clock, use, spend } = meter();
    spend(5, 5);
    const { value, cost } = await costedStep("provision", clock, use, () => {
      spend(12, 2);
      return Promise.resolve("place");
    });
    expect([value, cost]).toEqual([
      "place",
      { step: "provision", collection: null, items: 1, bytes: 0, ms: 12, requests: 2, waitMs: 0, retries: 0 },
    ]);
  });
});

describe("what a drill's restore cost", () => {
  test("is reading and the product together; what was left in the vault was not read", () => {
    const product: StepCost = { step: "records", collection: "c", items: 3, bytes: 9, ms: 8, requests: 1, waitMs: 0, retries: 0 };
    const opened = { entry: ENTRY, unread: [{ path: "a", bytes: 3000 }] };
    const cost = restoreCost({ ...READING, opened }, { steps: [product], perSecond: 5 });
    expect(cost?.perSecond).toBe(5);
    expect(cost?.steps.map(({ step, ms, items, bytes }) => [step, ms, items, bytes])).toEqual([
      ["fetch", 30, 0, 2000],
      ["read", 6, 0, 2000],
      ["sandbox", 50, 200, 2000],
      ["records", 8, 3, 9],
    ]);
  });

  test("is not told of one that did not come to its end", () => {
    expect(restoreCost({ ...READING, loaded: null, opened: { entry: ENTRY } }, null)).toBeNull();
  });
});

const inventory = { collections: 1, records: 5000, links: 0, automations: 0, credentials: 0, files: 0, views: 0, roles: 0 };
const facts = {
  format: "grist",
  formatVersion: null,
  inventory,
  collections: [{ id: "c", name: "Orders", records: 5000, fields: [] }],
  automations: [],
  credentials: [],
  views: [],
  access: [],
};

function drills(count: number, product: boolean): readonly DrillRecord[] {
  return Array.from({ length: count }, (_, at) => {
    const items = 100 + 10 * at;
    const records: StepCost = {
      step: "records",
      collection: "c",
      items,
      bytes: 10 * items,
      ms: 3 * items,
      requests: 1,
      waitMs: 0,
      retries: 0,
    };
    const cost = restoreCost({ ...READING, opened: { entry: ENTRY } }, product ? { steps: [records], perSecond: null } : null);
    return someDrill(`d${at}`, { finishedAt: 1000 * (at + 1), facts, ...(cost === null ? {} : { restoreCost: cost }) });
  });
}

async function applied(records: readonly DrillRecord[], times = 1) {
  const { repositories } = memoryState();
  for (const drill of records)
    for (let time = 0; time < times; time += 1) await applyEntry(repositories, { type: "drill.finished", at: drill.finishedAt, drill });
  return repositories;
}

describe("the forecast of a source", () => {
  test("follows from the evidence, applied once or again", async () => {
    const once = await readForecast(await applied(drills(4, true)), "crm");
    expect(once).toMatchObject({ basis: "product", drills: 4, dominates: { step: "records", collection: "Orders" } });
    // 5,000 records of 3 ms, and reading.
    expect((once?.expectedMs ?? 0) / 15_036).toBeCloseTo(1, 1);
    const twice = await applied(drills(4, true), 2);
    expect(await readForecast(twice, "crm")).toEqual(once);
    // As after the lights went out between the paper and the drill.
    for (const drill of drills(4, true).slice(-1)) await rememberRestore(twice.papers, drill);
    expect(await readForecast(twice, "crm")).toEqual(once);
  });

  test("is unknown without drills that told their cost", async () => {
    const plain = await applied([someDrill("d1"), someDrill("d2", { finishedAt: 5 }), someDrill("d3", { finishedAt: 6 })]);
    expect(await readForecast(plain, "crm")).toBeNull();
  });

  test("is exported where the product was restored into, and absent where only our own database was", async () => {
    const exported = async (product: boolean): Promise<Readonly<Record<string, number>>> => {
      const repositories = await applied(drills(4, product));
      const samples = sourceSamples(await readSource(policy(), repositories, 0, []), 10_000);
      const own = samples.filter(({ metric }) => metric === "restore_forecast_seconds");
      return Object.fromEntries(own.map(({ labels, value }) => [labels["bound"], value]));
    };
    const { expected = 0, upper = 0 } = await exported(true);
    expect(expected).toBeGreaterThan(14);
    expect(upper).toBeGreaterThan(expected);
    expect(await exported(false)).toEqual({});
  });
});
