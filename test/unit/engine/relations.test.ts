/** Which backup of the other side a drill is told of: the newest that is not younger; else the oldest that is. */
import { expect, test } from "vitest";
import type { DrillRecord, RecoveryPoint } from "../../../agent/core/values.ts";
import type { Repositories } from "../../../agent/core/ports.ts";
import { relationsExpectation } from "../../../agent/engine/relations.ts";
import { facts, NOW, point } from "../../fixtures/checks/build.ts";
import { KEY, keySet, RELATION } from "../../fixtures/checks/relations.ts";

const HOUR = 3_600_000;

/** Points by the hour before now at which they began; `null` keys: a drill that told none. */
function kept(drills: readonly { readonly source: "crm" | "shop"; readonly hours: number; readonly keys: readonly string[] | null }[]) {
  const all = drills.map((one, index) => ({ ...one, id: `${one.source}-${one.hours}`, index }));
  const side = (source: string) => (source === "shop" ? ("to" as const) : ("from" as const));
  const points = new Map<string, RecoveryPoint>(
    all.map(({ id, source, hours }) => [id, point({ id, sourceId: source, createdAt: NOW - hours * HOUR })]),
  );
  const record = ({ source, keys }: (typeof all)[number]): Pick<DrillRecord, "facts"> => ({
    facts: facts(keys === null ? {} : { keys: [keySet(side(source), keys)] }),
  });
  return {
    drills: {
      ledger: (source: string) =>
        Promise.resolve(all.filter((one) => one.source === source).map(({ id, index }) => ({ drillId: String(index), pointId: id }))),
      get: (id: string) => Promise.resolve(record(all[Number(id)] ?? { source: "crm", hours: 0, keys: null, id: "", index: 0 })),
    },
    points: { get: (id: string) => Promise.resolve(points.get(id) ?? null) },
    runs: { get: () => Promise.resolve(null) },
  } as unknown as Pick<Repositories, "drills" | "points" | "runs">;
}

const hoursOf = (at: number | undefined): number | null => (at === undefined ? null : (NOW - at) / HOUR);

async function told(drills: Parameters<typeof kept>[0], hours = 10) {
  const policy = { id: "crm", relations: [RELATION] };
  const { relations } = await relationsExpectation(policy, "crm-now", NOW - hours * HOUR, kept(drills), KEY);
  const one = relations?.relations[0];
  return { other: hoursOf(one?.other?.startedAt), earlier: hoursOf(one?.earlier?.startedAt) };
}

test("the newest of the other side that is not younger, whatever the order of drills; none that told no keys", async () => {
  const shop = (hours: number, keys: readonly string[] | null = ["c"]) => ({ source: "shop" as const, hours, keys });
  expect((await told([shop(5), shop(30), shop(12), shop(60)])).other).toBe(12);
  expect((await told([shop(12, null), shop(30)])).other).toBe(30);
  expect((await told([shop(2), shop(5)])).other).toBe(5);
  expect((await told([])).other).toBeNull();
});

test("of this side, the newest backup that began before the other's did", async () => {
  const crm = (hours: number) => ({ source: "crm" as const, hours, keys: ["c"] });
  expect(await told([{ source: "shop", hours: 12, keys: ["c"] }, crm(11), crm(36), crm(60)])).toEqual({ other: 12, earlier: 36 });
  expect(await told([{ source: "shop", hours: 70, keys: ["c"] }, crm(36)])).toEqual({ other: 70, earlier: null });
});

test("nothing is told where nothing is declared", async () => {
  expect(await relationsExpectation({ id: "crm" }, "p", NOW, kept([]), KEY)).toEqual({});
});
