/** A decision is checked against what there is, recorded once under an opaque actor, and its reason holds no address and no secret. */
import { beforeEach, describe, expect, test } from "vitest";
import type { EvidenceEntry } from "../../../agent/core/evidence.ts";
import { actorId, decide, type DecisionOrder, plainReason } from "../../../agent/engine/decisions.ts";
import { applyEntry } from "../../../agent/engine/recorder/apply.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { someAlarm, someDrill } from "../../doubles/values.ts";
import { facts } from "../../fixtures/checks/build.ts";

let state = memoryState();
let entries: EvidenceEntry[] = [];
const record = async (more: readonly EvidenceEntry[]): Promise<void> => {
  for (const entry of more) {
    entries.push(entry);
    await applyEntry(state.repositories, entry);
  }
};
const order = (more: Partial<DecisionOrder> = {}): DecisionOrder => ({
  about: "baseline",
  subject: null,
  sourceId: "crm",
  answer: "approved",
  reason: "as agreed with sales",
  actor: "user ada",
  via: "cli",
  ...more,
});
const make = (more: Partial<DecisionOrder> = {}) =>
  decide(order(more), {
    repositories: state.repositories,
    record,
    policies: () => [policy("crm")],
    now: () => 5000,
    digestKey: "00",
  });
const propose = async (id: string, drillId: string): Promise<void> => {
  await state.repositories.drills.put(someDrill(drillId, { facts: facts() }));
  await record([{ type: "baseline.proposed", at: 1, baseline: { id, sourceId: "crm", pointId: `p-${id}`, drillId } }]);
};
const statuses = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await state.repositories.baselines.list({ sourceId: "crm" })).map((one) => [one.id, one.status]));

beforeEach(() => {
  state = memoryState();
  entries = [];
});

describe("baselines", () => {
  test("what is approved takes the place of the one before; what nobody decided on gives way to the next proposal", async () => {
    await propose("b1", "d1");
    await make();
    await propose("b2", "d2");
    await propose("b3", "d3");
    expect(await statuses()).toEqual({ b1: "approved", b2: "retired", b3: "proposed" });
    await make({ reason: "also agreed" });
    expect(await statuses()).toEqual({ b1: "retired", b2: "retired", b3: "approved" });
    await propose("b4", "d4");
    await make({ answer: "rejected" });
    expect(await statuses()).toMatchObject({ b3: "approved", b4: "rejected" });
  });

  test("there has to be one that waits, a source that is configured, and a reason", async () => {
    await expect(make()).rejects.toMatchObject({ kind: "usage", code: "nothing-proposed" });
    await propose("b1", "d1");
    await expect(make({ sourceId: "hr" })).rejects.toMatchObject({ code: "no-such-source" });
    await expect(make({ reason: " \n" })).rejects.toMatchObject({ code: "no-reason" });
    await expect(make({ subject: "b9" })).rejects.toMatchObject({ code: "nothing-proposed" });
    await expect(make({ answer: "expected" })).rejects.toMatchObject({ code: "bad-answer" });
    expect(entries.filter((entry) => entry.type === "decision.made")).toEqual([]);
  });

  test("taken in twice, it is one decision", async () => {
    await propose("b1", "d1");
    const first = await make({ subject: "b1" });
    expect(await make({ subject: "b1" })).toEqual(first);
    expect(entries.filter((entry) => entry.type === "decision.made")).toHaveLength(1);
  });
});

describe("alarms", () => {
  test("one marked as expected ends, found by the beginning of its id", async () => {
    await state.repositories.alarms.put(someAlarm("alarm-77", { since: 10 }));
    await make({ about: "alarm", answer: "expected", subject: "alarm-7" });
    expect(await state.repositories.alarms.list({ sourceId: "crm" })).toEqual([]);
    expect((await state.repositories.alarms.list({ sourceId: "crm", all: true }))[0]?.endedAt).toBe(5000);
  });

  test("none or several of that id are refused", async () => {
    await state.repositories.alarms.put(someAlarm("alarm-77"));
    await state.repositories.alarms.put(someAlarm("alarm-78"));
    for (const subject of ["alarm-7", "other", null])
      await expect(make({ about: "alarm", answer: "expected", subject })).rejects.toMatchObject({ code: "no-such-alarm" });
    await expect(make({ about: "alarm", subject: "alarm-77" })).rejects.toMatchObject({ code: "bad-answer" });
  });
});

describe("who and why", () => {
  test("evidence knows the actor by an opaque id; the name can be forgotten", async () => {
    await propose("b1", "d1");
    const { actor } = await make();
    expect(actor).toBe(actorId("00", "user ada"));
    expect(JSON.stringify(entries)).not.toContain("ada");
    expect((await state.repositories.actors.names()).get(actor)).toBe("user ada");
    await state.repositories.actors.forget(actor);
    expect((await state.repositories.actors.names()).size).toBe(0);
    expect(actorId("11", "user ada")).not.toBe(actor);
  });

  test("a reason is one line without addresses and secrets", () => {
    expect(plainReason("Field dropped\nby ada@example.org, see Bearer abc.def")).toBe("Field dropped by [address], see [secret]");
    expect(plainReason(`token ${"a1".repeat(20)} was used`)).toBe("token [secret] was used");
    expect(plainReason("x".repeat(20).concat(" ").repeat(60))).toHaveLength(500);
  });
});
