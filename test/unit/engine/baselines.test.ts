/** Kinds of difference the configuration accepts: each acceptance is evidence of its own, says what it accepted, and fails nothing. */
import { beforeEach, describe, expect, test } from "vitest";
import { baselineDiff } from "../../../agent/checks/baseline-diff.ts";
import type { DifferenceKind } from "../../../agent/core/baseline.ts";
import type { EvidenceEntry } from "../../../agent/core/evidence.ts";
import type { CheckView } from "../../../agent/core/ports.ts";
import type { PointFacts } from "../../../agent/core/values.ts";
import { baselineEntries, baselineExpectation } from "../../../agent/engine/baselines.ts";
import { applyEntry } from "../../../agent/engine/recorder/apply.ts";
import { memoryContent } from "../../doubles/content.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { someDrill } from "../../doubles/values.ts";
import { expectation, facts } from "../../fixtures/checks/build.ts";

const shape = (...fields: string[]): PointFacts =>
  facts({
    collections: [{ id: "c", name: "Orders", records: 10, fields: fields.map((id) => ({ id, name: id, type: "text", computed: false })) }],
  });
const accepting = (...accept: DifferenceKind[]) =>
  policy("crm", { verify: { ...policy().verify, baseline: { accept, removedShare: 0.05 } } });
const drill = (id: string, of: PointFacts) =>
  someDrill(id, { pointId: `p-${id}`, facts: of, layers: { artifact: "verified", content: "verified" }, finishedAt: 1000 });

let state = memoryState();
const record = async (entries: readonly EvidenceEntry[]): Promise<void> => {
  for (const entry of entries) await applyEntry(state.repositories, entry);
};
beforeEach(async () => {
  state = memoryState();
  const first = drill("d1", shape("a", "b"));
  await state.repositories.drills.put(first);
  await record(await baselineEntries(accepting(), first, state.repositories, 1));
  const [proposed] = await state.repositories.baselines.list({ sourceId: "crm" });
  await record([
    {
      type: "decision.made",
      at: 2,
      decision: {
        id: "x",
        about: "baseline",
        subject: proposed?.id ?? "",
        sourceId: "crm",
        answer: "approved",
        at: 2,
        actor: "~1",
        reason: "ok",
        via: "cli",
      },
    },
  ]);
});

test("what is accepted without a person is told entry by entry, with its kinds and no name of a field", async () => {
  const entries = await baselineEntries(
    accepting("field-added", "field-lost"),
    drill("d2", shape("a", "secret-1", "secret-2", "x")),
    state.repositories,
    50,
  );
  expect(entries.map((entry) => entry.type)).toEqual(["baseline.proposed", "decision.made"]);
  expect(entries[1]).toMatchObject({
    at: 50,
    decision: {
      answer: "approved",
      actor: "configuration",
      via: "config",
      reason: "verify.baseline.accept names every difference: field-lost (1), field-added (3)",
    },
  });
  expect(JSON.stringify(entries)).not.toContain("secret");
});

test("one kind that is not named leaves it all to a person", async () => {
  const entries = await baselineEntries(accepting("field-added"), drill("d2", shape("a", "x", "y")), state.repositories, 50);
  expect(entries.map((entry) => entry.type)).toEqual(["baseline.proposed"]);
});

describe("the check", () => {
  const view = (now: PointFacts) => ({ facts: now, content: memoryContent(), sandbox: null, load: null }) as unknown as CheckView;
  const run = async (now: PointFacts, ...accept: DifferenceKind[]) => {
    const given = await baselineExpectation(accepting(...accept), state.repositories);
    return baselineDiff.run(view(now), expectation(given));
  };

  test("a loss that is accepted is told as changed, one that is not fails", async () => {
    expect(await run(shape("a", "b"))).toMatchObject({ status: "pass" });
    expect(await run(shape("a"))).toMatchObject({ status: "fail" });
    expect(await run(shape("a"), "field-lost")).toMatchObject({ status: "changed", count: 1 });
    expect(await run({ ...shape("a"), views: [] }, "field-added")).toMatchObject({ status: "fail" });
  });

  test("another version of the platform alone is no difference", async () => {
    expect(await run({ ...shape("a", "b"), formatVersion: "99.0" })).toMatchObject({ status: "pass" });
  });
});
