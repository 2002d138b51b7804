import { describe, expect, test } from "vitest";
import type { DrillRecord } from "../../../agent/core/values.ts";
import { drillObservations } from "../../../agent/engine/drill-observations.ts";
import { someDrill, somePoint } from "../../doubles/values.ts";

const inventory = { collections: 2, records: 200, links: 40, automations: 0, credentials: 0, files: 3, views: 0, roles: 0 };
const facts = { format: "bag", formatVersion: null, inventory, collections: [], automations: [], credentials: [], views: [], access: [] };
const point = somePoint("p1", { bytes: 2_000_000 });
const drill = (more: Partial<DrillRecord> = {}): DrillRecord =>
  someDrill("d1", {
    facts,
    phases: { open: 500, load: 1500 },
    artifact: { path: "p", format: "bag", formatVersion: null, bytes: 2_000_000, sha256: null },
    compared: { match: 90, changed: 10, mismatch: 0, unverifiable: 50 },
    ...more,
  });
const NEW = { records: false, contents: false };
const told = (of: DrillRecord, counted = NEW): Readonly<Record<string, number>> =>
  Object.fromEntries(drillObservations(of, point, counted).map(({ signal, value }) => [signal, value]));

describe("what a drill tells", () => {
  test("of its point, at its time, and of itself, when it ended", () => {
    expect(told(drill())).toEqual({
      records: 200,
      bytes_per_record: 10_000,
      links: 40,
      files: 3,
      restore_seconds: 2,
      restore_seconds_per_gb: 1000,
      changed_share: 0.1,
    });
    const refs = new Map(drillObservations(drill(), point, NEW).map(({ signal, ref, at }) => [signal, [ref, at]]));
    expect(refs.get("links")).toEqual(["p1", point.createdAt]);
    expect(refs.get("restore_seconds")).toEqual(["d1", drill().finishedAt]);
  });

  test("a point's numbers once, however often it is drilled", () => {
    expect(Object.keys(told(drill(), { records: true, contents: true }))).toEqual([
      "restore_seconds",
      "restore_seconds_per_gb",
      "changed_share",
    ]);
  });

  test("nothing of a drill that failed, was cut short or belongs to the calendar, but how many records there were", () => {
    const failed = drill({ verdict: "failed", layers: { artifact: "verified", content: "failed" } });
    expect(told(failed)).toEqual({ records: 200 });
    expect(told(drill({ verdict: "inconclusive", layers: { artifact: "inconclusive" }, facts: null }))).toEqual({});
    expect(Object.keys(told(drill({ kind: "deep" })))).toEqual(["records", "bytes_per_record", "links", "files"]);
  });

  test("how long the product made it wait, no longer than each step took, and nothing where no product was asked", () => {
    const step = { step: "records", collection: "c", items: 1, bytes: 1, ms: 2000, requests: 4, waitMs: 500, retries: 0 } as const;
    const asked = drill({ restoreCost: { perSecond: 5, steps: [step, { ...step, collection: "d", ms: 100 }] } });
    expect(told(asked)).toMatchObject({ wait_seconds: 0.6 });
    const calm = drill({ restoreCost: { perSecond: null, steps: [{ ...step, waitMs: 0 }] } });
    expect(told(calm)).toMatchObject({ wait_seconds: 0 });
    const reading = { ...step, step: "read", collection: null, requests: 0, waitMs: 0 } as const;
    expect(told(drill({ restoreCost: { perSecond: null, steps: [reading] } }))).not.toHaveProperty("wait_seconds");
  });

  test("no share of a handful, no pace of a few bytes", () => {
    const few = drill({ compared: { match: 9, changed: 2, mismatch: 0, unverifiable: 900 } });
    expect(told(few)).not.toHaveProperty("changed_share");
    const small = drill({ artifact: { path: "p", format: "bag", formatVersion: null, bytes: 2000, sha256: null } });
    expect(told(small)).not.toHaveProperty("restore_seconds_per_gb");
  });
});
