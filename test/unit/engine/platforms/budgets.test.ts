import { expect, test } from "vitest";
import { storedBudgets } from "../../../../agent/engine/platforms/budgets.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const DAY = 86_400_000;

function memoryMeta() {
  const values = new Map<string, string>();
  return {
    values,
    get: async (key: string) => values.get(key) ?? null,
    set: async (key: string, value: string) => void values.set(key, value),
  };
}

test("a budget ends, begins anew the next day in UTC, and each source has its own", async () => {
  const budgets = storedBudgets(memoryMeta());
  expect(await budgets.spend("crm", 2, NOON)).toEqual({ granted: true, left: 1 });
  expect(await budgets.spend("crm", 2, NOON)).toEqual({ granted: true, left: 0 });
  expect(await budgets.spend("crm", 2, NOON)).toEqual({ granted: false, left: 0 });
  expect((await budgets.spend("erp", 2, NOON)).granted).toBe(true);
  expect((await budgets.spend("crm", 2, NOON + DAY)).granted).toBe(true);
});

test("requests at the same time are counted each, and a restart goes on counting", async () => {
  const meta = memoryMeta();
  const budgets = storedBudgets(meta);
  const spent = await Promise.all(Array.from({ length: 20 }, () => budgets.spend("crm", 15, NOON)));
  expect(spent.filter((one) => one.granted)).toHaveLength(15);
  expect((await storedBudgets(meta).spend("crm", 15, NOON)).granted).toBe(false);
});

test("what is stored and makes no sense is no budget spent", async () => {
  const meta = memoryMeta();
  await meta.set("budget:crm", "nonsense");
  expect(await storedBudgets(meta).spend("crm", 1, NOON)).toEqual({ granted: true, left: 0 });
});
