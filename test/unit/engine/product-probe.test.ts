/** The live product beside a poll: what is kept of it, when it is asked again, and that nothing of the poll hangs on it. */
import { describe, expect, test } from "vitest";
import { AgentError } from "../../../agent/core/errors.ts";
import type { PlatformProbe, SourceProducts } from "../../../agent/core/platform-ports.ts";
import { pollSource } from "../../../agent/engine/poller.ts";
import { PROBE_AGAIN_MS, PROBE_EVERY_MS } from "../../../agent/engine/product-probe.ts";
import { sourceSamples } from "../../../agent/engine/project.ts";
import { readSource } from "../../../agent/engine/read-state.ts";
import { applyEntry } from "../../../agent/engine/recorder/apply.ts";
import { readStatuses } from "../../../agent/engine/statuses.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { connectionTo } from "../../doubles/discovery.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { memoryVault } from "../../doubles/vault.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 23, 12);
const FOUND: PlatformProbe = {
  version: "0.301.3",
  identity: { instance: "i1", scope: "pcrm" },
  permissions: [
    { name: "read records", neededFor: "capture", granted: true },
    { name: "make bases", neededFor: "scratch", granted: null },
  ],
  nativeBackups: [
    { id: "b2", createdAt: NOW - HOUR, complete: true },
    { id: "b1", createdAt: NOW - 2 * HOUR, complete: true },
  ],
  clockSkewMs: 1200,
};

type Answer = () => Promise<PlatformProbe>;

async function world(first: Answer = async () => FOUND) {
  const clock = fakeClock(NOW);
  const telemetry = memoryTelemetry(clock);
  const state = memoryState();
  const memory = memoryVault("nightly");
  await memory.put("crm/a", "abc", NOW - HOUR);
  const source = policy("crm", { platform: "nocodb" });
  let answer: Answer | null = first;
  let asked = 0;
  const probe: Answer = () => {
    asked += 1;
    return answer === null ? Promise.reject(new Error("nobody should ask")) : answer();
  };
  const unused = (): never => {
    throw new Error("a poll only probes");
  };
  const products = (): SourceProducts | null =>
    answer === null
      ? null
      : {
          connection: connectionTo("crm", {}),
          open: { platform: { probe, inventory: unused, listKeys: unused, readItems: unused }, discoverer: null, capturer: null },
          scratch: null,
        };
  const poll = (signal = new AbortController().signal) =>
    pollSource(
      source,
      {
        vault: () => memory.vault,
        products,
        repositories: state.repositories,
        record: async (entries) => {
          for (const entry of entries) await applyEntry(state.repositories, entry);
        },
        telemetry,
        clock,
        settled: () => true,
        random: { next: () => 0.5, bytes: (n) => new Uint8Array(n) },
        deadlineMs: 30_000,
      },
      signal,
    );
  return {
    clock,
    telemetry,
    poll,
    asked: () => asked,
    answers: (next: Answer | null) => {
      answer = next;
    },
    kept: () => state.repositories.sources.probe("crm"),
    polled: () => state.repositories.sources.poll("crm"),
    gauge: async () =>
      sourceSamples(await readSource(source, state.repositories, NOW, []), clock.now()).find(
        (sample) => sample.metric === "backup_product_reachable",
      )?.value,
    status: async () => (await readStatuses([source], state.repositories, clock.now()))[0],
    logs: () => telemetry.logs.map((log) => log.message),
  };
}

const refusal: Answer = () =>
  Promise.reject(new AgentError("auth", "token-refused", "nocodb: It refused us.", { mend: "give it a token that is valid" }));

describe("the live product beside a poll", () => {
  test("is asked, and what it said is kept and shown with the source", async () => {
    const it = await world();
    expect(await it.gauge()).toBeUndefined();
    expect((await it.poll()).ok).toBe(true);
    expect(await it.gauge()).toBe(1);
    const { permissions } = FOUND;
    expect(await it.kept()).toEqual({
      sourceId: "crm",
      platform: "nocodb",
      probedAt: NOW,
      reachedAt: NOW,
      found: { version: "0.301.3", permissions, clockSkewMs: 1200, nativeBackups: { count: 2, newestAt: NOW - HOUR, complete: true } },
      changed: null,
      trouble: null,
    });
    expect((await it.status())?.product).toMatchObject({ reachable: true, problems: [], found: { version: "0.301.3" } });
    expect(it.telemetry.spans.find((span) => span.name === "platform.probe")?.parent?.name).toBe("backup.poll");
  });

  test("is not asked at every poll: hourly, and sooner while it does not answer", async () => {
    const it = await world();
    await it.poll();
    await it.clock.advance(PROBE_EVERY_MS - 1);
    await it.poll();
    expect(it.asked()).toBe(1);
    await it.clock.advance(1);
    it.answers(refusal);
    await it.poll();
    expect(it.asked()).toBe(2);
    await it.clock.advance(PROBE_AGAIN_MS - 1);
    await it.poll();
    expect(it.asked()).toBe(2);
    await it.clock.advance(1);
    it.answers(async () => FOUND);
    await it.poll();
    expect(it.asked()).toBe(3);
    expect((await it.kept())?.trouble).toBeNull();
    expect(it.logs()).toEqual(["a live product could not be asked", "a live product answers again"]);
  });

  test("that refuses is told with its reason; it moves no success and makes no poll fail", async () => {
    const it = await world();
    await it.poll();
    await it.clock.advance(PROBE_EVERY_MS);
    it.answers(refusal);
    const outcome = await it.poll();
    expect(outcome).toMatchObject({ ok: true, trouble: null });
    expect(await it.gauge()).toBe(0);
    expect(await it.polled()).toMatchObject({ failures: 0, trouble: null, lastOkAt: NOW + PROBE_EVERY_MS });
    expect(await it.kept()).toMatchObject({
      probedAt: NOW + PROBE_EVERY_MS,
      reachedAt: NOW,
      found: { version: "0.301.3" },
      trouble: { code: "token-refused", message: "nocodb: It refused us.", mend: "give it a token that is valid" },
    });
    expect((await it.status())?.product?.problems).toEqual([
      { sentence: "nocodb could not be asked: nocodb: It refused us", mend: "give it a token that is valid" },
    ]);
  });

  test("that never answers is given up at the poll's deadline", async () => {
    const it = await world(() => new Promise(() => undefined));
    const polling = it.poll();
    await expect.poll(it.asked).toBe(1);
    await it.clock.advance(30_001);
    expect((await polling).ok).toBe(true);
    expect(await it.kept()).toMatchObject({ reachedAt: null, found: null, trouble: { code: "timeout" } });
  });

  test("that changed its version is logged once, and what it was before stays known", async () => {
    const it = await world();
    await it.poll();
    it.answers(async () => ({ ...FOUND, version: "0.302.0" }));
    await it.clock.advance(PROBE_EVERY_MS);
    await it.poll();
    const at = it.clock.now();
    expect(await it.kept()).toMatchObject({ found: { version: "0.302.0" }, changed: { from: "0.301.3", at } });
    it.answers(async () => ({ ...FOUND, version: null }));
    await it.clock.advance(PROBE_EVERY_MS);
    await it.poll();
    expect(await it.kept()).toMatchObject({ found: { version: "0.302.0" }, changed: { from: "0.301.3", at } });
    expect(it.logs()).toEqual(["a live product changed its version"]);
    expect(it.telemetry.logs[0]?.fields).toMatchObject({ from: "0.301.3", to: "0.302.0" });
  });

  test("a permission that is missing is one sentence with its mend, before anything fails on it", async () => {
    const missing = ["read webhooks", "read records"].map((name) => ({ name, neededFor: "capture" as const, granted: false }));
    const it = await world(async () => ({ ...FOUND, permissions: missing }));
    await it.poll();
    const status = await it.status();
    expect(status?.product?.problems).toEqual([
      {
        sentence: "The token of crm may not read webhooks, nor read records on nocodb, and a whole capture of it needs that",
        mend: "grant it that on nocodb, or give crm another token",
      },
    ]);
    expect(status?.level).toBe("attention");
    expect(status?.headline).toBe(status?.product?.problems[0]?.sentence);
    expect(it.logs()).toEqual(["a token lacks permissions"]);
  });

  test("that left the configuration is forgotten", async () => {
    const it = await world();
    await it.poll();
    it.answers(null);
    await it.poll();
    expect(await it.kept()).toBeNull();
    expect((await it.status())?.product).toBeNull();
  });

  test("a poll that was stopped keeps nothing of it", async () => {
    const it = await world(() => new Promise(() => undefined));
    const stop = new AbortController();
    const polling = it.poll(stop.signal);
    await expect.poll(it.asked).toBe(1);
    stop.abort();
    await polling;
    expect(await it.kept()).toBeNull();
  });
});
