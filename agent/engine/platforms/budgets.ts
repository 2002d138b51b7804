/** Requests spent of a day's budget, kept in state, so that a restart does not begin the day anew. Days are UTC. */
import type { MetaRepository } from "../../core/ports.ts";
import type { Budgets } from "./http.ts";

export function storedBudgets(meta: MetaRepository): Budgets {
  /** One after the other for a name: two requests at once are two requests. */
  const turns = new Map<string, Promise<unknown>>();
  return {
    spend(name, perDay, now) {
      const spending = (turns.get(name) ?? Promise.resolve()).then(async () => {
        const day = new Date(now).toISOString().slice(0, 10);
        const spent = spentOn(await meta.get(`budget:${name}`), day);
        if (spent >= perDay) return { granted: false, left: 0 };
        // Counted before it is sent: a request that was killed may have arrived.
        await meta.set(`budget:${name}`, `${day} ${spent + 1}`);
        return { granted: true, left: perDay - spent - 1 };
      });
      turns.set(
        name,
        spending.catch(() => undefined),
      );
      return spending;
    },
  };
}

function spentOn(stored: string | null, day: string): number {
  const [on, count] = (stored ?? "").split(" ");
  const spent = Number(count);
  return on === day && Number.isSafeInteger(spent) && spent >= 0 ? spent : 0;
}
