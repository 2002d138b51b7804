/** The contract every Work keeps. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock, Work } from "../../agent/core/ports.ts";
import { fakeClock, type FakeClock } from "../doubles/clock.ts";

export interface WorkSuite {
  readonly name: string;
  /** Two views of one store, as two agents have them (or the same one twice where nothing is shared between processes). */
  create(clock: Clock): Promise<{ readonly one: Work; readonly other: Work; readonly dispose: () => Promise<void> }>;
}

export function workContract(suite: WorkSuite): void {
  describe(`work contract: ${suite.name}`, () => {
    let clock: FakeClock;
    let one: Work;
    let other: Work;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      clock = fakeClock();
      ({ one, other, dispose } = await suite.create(clock));
    });
    afterEach(() => dispose());

    it("gives a drill to one holder only", async () => {
      expect(await one.lease("drill-1", "a", 1000)).toBe(true);
      expect(await other.lease("drill-1", "b", 1000)).toBe(false);
      expect(await other.lease("drill-2", "b", 1000)).toBe(true);
    });

    it("does not give it twice to the same holder either", async () => {
      expect(await one.lease("drill-1", "a", 1000)).toBe(true);
      expect(await one.lease("drill-1", "a", 1000)).toBe(false);
    });

    it("gives it to exactly one of many that ask at once", async () => {
      const asked = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : other).lease("drill-1", `holder-${n}`, 1000));
      expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(1);
    });

    it("gives it away again when its time is over", async () => {
      await one.lease("drill-1", "a", 1000);
      await clock.advance(999);
      expect(await other.lease("drill-1", "b", 1000)).toBe(false);
      await clock.advance(1);
      expect(await other.lease("drill-1", "b", 1000)).toBe(true);
    });

    it("keeps it as long as it is renewed in time", async () => {
      await one.lease("drill-1", "a", 1000);
      await clock.advance(600);
      expect(await one.renew("drill-1", "a", 1000)).toBe(true);
      await clock.advance(600);
      expect(await other.lease("drill-1", "b", 1000)).toBe(false);
    });

    it("does not renew what expired, what someone else took over, or what nobody holds", async () => {
      expect(await one.renew("drill-1", "a", 1000)).toBe(false);
      await one.lease("drill-1", "a", 1000);
      await clock.advance(1000);
      expect(await one.renew("drill-1", "a", 1000)).toBe(false);
      await other.lease("drill-1", "b", 1000);
      expect(await one.renew("drill-1", "a", 1000)).toBe(false);
      expect(await other.renew("drill-1", "b", 1000)).toBe(true);
    });

    it("frees it at release, for the holder only, and twice does no harm", async () => {
      await one.lease("drill-1", "a", 1000);
      await other.release("drill-1", "b");
      expect(await other.lease("drill-1", "b", 1000)).toBe(false);
      await one.release("drill-1", "a");
      await one.release("drill-1", "a");
      expect(await other.lease("drill-1", "b", 1000)).toBe(true);
    });

    it("a late release by the former holder leaves the new holder's lease alone", async () => {
      await one.lease("drill-1", "a", 1000);
      await clock.advance(1000);
      await other.lease("drill-1", "b", 1000);
      await one.release("drill-1", "a");
      expect(await one.lease("drill-1", "a", 1000)).toBe(false);
    });
  });
}
