/** When a point proposes itself as baseline, and what of a difference is a person's to judge. */
import { describe, expect, test } from "vitest";
import { type Baseline, baselineStep, forReview } from "../../../agent/core/decisions.ts";
import type { CheckResult, DrillRecord, PointFacts } from "../../../agent/core/values.ts";
import { facts } from "../../fixtures/checks/build.ts";

const shape = (fields: readonly string[], records = 10): PointFacts =>
  facts({
    collections: [{ id: "c", name: "Orders", records, fields: fields.map((id) => ({ id, name: id, type: "text", computed: false })) }],
  });
const drill = (pointId: string, of: PointFacts | null, more: Partial<DrillRecord> = {}) => ({
  id: `d-${pointId}`,
  sourceId: "crm",
  pointId,
  facts: of,
  layers: { content: "verified" } as DrillRecord["layers"],
  checks: [] as CheckResult[],
  ...more,
});
const baseline = (pointId: string, of: PointFacts): Baseline => ({
  id: `b-${pointId}`,
  sourceId: "crm",
  pointId,
  drillId: `d-${pointId}`,
  proposedAt: 0,
  status: "approved",
  decidedAt: 1,
  facts: of,
});
const failing = (...ids: string[]): CheckResult[] =>
  ids.map((id) => ({ id, layer: "content", status: "fail", observed: "", expected: null, count: 1, examples: [], durationMs: 0 }));
const none: ReadonlySet<never> = new Set();

describe("a point proposes itself", () => {
  test("the first that is verified, once", () => {
    expect(baselineStep(drill("p1", shape(["a"])), null, null, none).propose).toMatchObject({ pointId: "p1", drillId: "d-p1" });
    expect(baselineStep(drill("p2", shape(["a"])), null, baseline("p1", shape(["a"])), none).propose).toBeNull();
    expect(baselineStep(drill("p1", null), null, null, none).propose).toBeNull();
    expect(
      baselineStep(drill("p1", shape(["a"]), { layers: { content: "failed" }, checks: failing("links.resolve") }), null, null, none)
        .propose,
    ).toBeNull();
  });

  test("a later one where something differs that a person has to look at", () => {
    const approved = baseline("p1", shape(["a"]));
    expect(baselineStep(drill("p2", shape(["a"], 99)), approved, null, none).propose, "records come and go").toBeNull();
    const step = baselineStep(drill("p2", shape(["a", "b"])), approved, null, none);
    expect(step).toMatchObject({ propose: { pointId: "p2" }, accepted: false });
    expect(step.differences.map((one) => one.kind)).toEqual(["field-added"]);
    expect(
      baselineStep(drill("p3", shape(["a", "b"], 20)), approved, baseline("p2", shape(["a", "b"])), none).propose,
      "the same again",
    ).toBeNull();
    expect(baselineStep(drill("p3", shape(["a", "b", "c"])), approved, baseline("p2", shape(["a", "b"])), none).propose).toMatchObject({
      pointId: "p3",
    });
  });

  test("also where only the comparison itself failed: a field dropped on purpose has to be approvable", () => {
    const approved = baseline("p1", shape(["a", "b"]));
    const dropped = drill("p2", shape(["a"]), { layers: { content: "failed" }, checks: failing("baseline.diff") });
    expect(baselineStep(dropped, approved, null, none).propose).toMatchObject({ pointId: "p2" });
    const broken = drill("p2", shape(["a"]), { layers: { content: "failed" }, checks: failing("baseline.diff", "records.count") });
    expect(baselineStep(broken, approved, null, none).propose).toBeNull();
  });

  test("the configuration accepts kinds it names, and only where nothing else differs", () => {
    const approved = baseline("p1", shape(["a", "x"]));
    const accept = new Set(["field-added"] as const);
    expect(baselineStep(drill("p2", shape(["a", "x", "b"])), approved, null, accept).accepted).toBe(true);
    expect(baselineStep(drill("p2", shape(["a", "b", "c"])), approved, null, accept).accepted).toBe(false);
  });
});

test("what is for review leaves out records that come and go, and keeps those that are lost", () => {
  expect(forReview(shape(["a"], 100), shape(["a"], 101))).toEqual([]);
  expect(forReview(shape(["a"], 100), shape(["a"], 99))).toEqual([]);
  expect(forReview(shape(["a"], 100), shape(["a"], 50)).map((one) => one.kind)).toEqual(["records-lost"]);
});
