/** What reading may cost, and an account of it that outlives drills, restarts and agents. */

export const BUDGETS = ["items", "bytes", "calls", "seconds"] as const;
export type BudgetName = (typeof BUDGETS)[number];
export type Cost = Readonly<Record<BudgetName, number>>;
/** Null: no limit. */
export type Budget = Readonly<Record<BudgetName, number | null>>;

export const NOTHING: Cost = { items: 0, bytes: 0, calls: 0, seconds: 0 };
export const NO_LIMIT: Budget = { items: null, bytes: null, calls: null, seconds: null };

export function sum(a: Cost, b: Cost): Cost {
  return { items: a.items + b.items, bytes: a.bytes + b.bytes, calls: a.calls + b.calls, seconds: a.seconds + b.seconds };
}

/** @returns the budget that a cost would break, or null; a rounding error breaks none */
export function exceeded(cost: Cost, budget: Budget): BudgetName | null {
  return BUDGETS.find((name) => cost[name] > (budget[name] ?? Number.POSITIVE_INFINITY) * (1 + 1e-9)) ?? null;
}

export function share(budget: Budget, part: number): Budget {
  const of = (limit: number | null): number | null => (limit === null ? null : limit * part);
  return { items: of(budget.items), bytes: of(budget.bytes), calls: of(budget.calls), seconds: of(budget.seconds) };
}

/** What drills took: reserved before they read, so that one that is killed has spent it; settled by what it really was. */
export interface Account {
  readonly spent: readonly { readonly drillId: string; readonly at: number; readonly cost: Cost }[];
}

/** @returns what is left of a limit a window, in the window that ends now */
export function remaining(account: Account, limit: Budget, windowMs: number, now: number): Budget {
  const used = account.spent.filter((one) => one.at > now - windowMs).reduce<Cost>((all, one) => sum(all, one.cost), NOTHING);
  const left = (name: BudgetName): number | null => {
    const most = limit[name];
    return most === null ? null : Math.max(0, most - used[name]);
  };
  return { items: left("items"), bytes: left("bytes"), calls: left("calls"), seconds: left("seconds") };
}

/** @param windowMs what is older counts no more and is dropped */
export function reserve(account: Account, drillId: string, cost: Cost, windowMs: number, now: number): Account {
  return { spent: [...account.spent.filter((one) => one.at > now - windowMs && one.drillId !== drillId), { drillId, at: now, cost }] };
}

export function settle(account: Account, drillId: string, cost: Cost): Account {
  return { spent: account.spent.map((one) => (one.drillId === drillId ? { ...one, cost } : one)) };
}
