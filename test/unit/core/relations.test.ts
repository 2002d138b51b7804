/** Relations between sources: what is kept of either side, against sets of plain values as the oracle. */
import { expect, test } from "vitest";
import { linksCrossSource } from "../../../agent/checks/links-cross-source.ts";
import { bound, levelFor, MOST_KEYS, unpacked } from "../../../agent/core/relations.ts";
import { ask } from "../../contracts/check.ts";
import { collection, field, memoryContent, record } from "../../doubles/content.ts";
import { NOW } from "../../fixtures/checks/build.ts";
import { keySet, pointing, RELATION } from "../../fixtures/checks/relations.ts";

const HOUR = 3_600_000;

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test("digests are packed and unpacked, ascending; a level keeps its share of them", () => {
  const values = Array.from({ length: 5000 }, (_, at) => `k${at}`);
  const all = unpacked(keySet("to", values).digests);
  expect(all).toEqual([...all].sort());
  expect(new Set(all).size).toBe(5000);
  const quarter = unpacked(keySet("to", values, RELATION, 2).digests);
  expect(quarter).toEqual(all.filter((one) => one < (bound(2) ?? "")));
  expect(quarter.length).toBeGreaterThan(1000);
  expect(quarter.length).toBeLessThan(1500);
  expect([levelFor(0), levelFor(MOST_KEYS), levelFor(MOST_KEYS + 1), levelFor(8 * MOST_KEYS)]).toEqual([0, 0, 1, 3]);
});

test("against an oracle: what is old and absent fails, what is young and absent may have come since, what is there is fine", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = mulberry(seed);
    const there = Array.from({ length: Math.floor(random() * 12) }, (_, at) => `c${at}`);
    const rows = Array.from({ length: 1 + Math.floor(random() * 15) }, (_, at) => ({
      key: String(at),
      customer: random() < 0.2 ? null : `c${Math.floor(random() * 14)}`,
      hours: random() < 0.5 ? 100 : 1.2,
    }));
    const content = memoryContent({
      collections: [collection("deals", [field("customer")])],
      rows: { deals: rows.map(({ key, customer, hours }) => ({ ...record(key, [customer]), updatedAt: NOW - hours * HOUR })) },
    });
    const absent = rows.filter(({ customer }) => customer !== null && !there.includes(customer));
    const lost = new Set(absent.filter(({ hours }) => hours === 100).map(({ customer }) => customer)).size;
    const since = new Set(absent.map(({ customer }) => customer)).size - lost;
    const used = new Set(rows.flatMap(({ customer }) => customer ?? [])).size;
    const wanted =
      lost > 0
        ? { status: "fail", count: lost }
        : since > 0
          ? { status: "changed", count: since }
          : used > 0
            ? { status: "pass", count: used }
            : { status: "skip" };
    expect(await ask(linksCrossSource, { content, expectation: pointing(there) }), `seed ${seed}`).toMatchObject(wanted);
  }
});

test("of many keys a share is compared: nothing that is there is ever missed, and the share is told", async () => {
  const keys = Array.from({ length: 3000 }, (_, at) => `c${at}`);
  const content = (more: readonly string[]) =>
    memoryContent({
      collections: [collection("deals", [field("customer")])],
      rows: { deals: [...keys, ...more].map((key, at) => ({ ...record(String(at), [key]), updatedAt: NOW - 100 * HOUR })) },
    });
  const startedAt = NOW - 2 * HOUR;
  const expectation = pointing(null, 1, { other: { keys: keySet("to", keys, RELATION, 4), startedAt } });
  const fine = await ask(linksCrossSource, { content: content([]), expectation });
  expect(fine.status).toBe("pass");
  expect(fine.observed).toContain("one key in 16 was looked at");
  const gone = Array.from({ length: 400 }, (_, at) => `gone${at}`);
  const kept = unpacked(keySet("from", gone, RELATION, 4).digests).length;
  expect(await ask(linksCrossSource, { content: content(gone), expectation })).toMatchObject({ status: "fail", count: kept });
});
