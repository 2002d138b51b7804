/** The live product of a source on its page and in the API: a refusal and a missing permission with their mend, drift, a clock that is off. */
import { expect, test } from "vitest";
import type { ProbeStatus } from "../../../agent/core/ports.ts";
import { sourceSchema } from "../../../agent/http/api/schemas.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { NOW, world } from "./world.ts";

const PROBE: ProbeStatus = {
  sourceId: "crm",
  platform: "nocodb",
  probedAt: NOW - 60_000,
  reachedAt: NOW - 60_000,
  found: {
    version: "0.301.3",
    permissions: [{ name: "read <webhooks>", neededFor: "capture", granted: false }],
    clockSkewMs: -420_000,
    nativeBackups: { count: 3, newestAt: NOW - 3_600_000, complete: false },
  },
  changed: { from: "0.300.0", at: NOW - 7_200_000 },
  trouble: null,
};

async function shown(probe: ProbeStatus | null) {
  const state = memoryState();
  if (probe !== null) await state.repositories.sources.putProbe(probe);
  const { app } = world({ state, sources: [policy("crm", { platform: "nocodb" })] });
  const html = await (await app.request("/sources/crm", { headers: { accept: "text/html" } })).text();
  const api = sourceSchema.parse(await (await app.request("/api/v1/sources/crm")).json());
  const words = html
    .replaceAll(/<[^>]+>/gu, " ")
    .replaceAll(/\s+/gu, " ")
    .replaceAll(/ ([,.])/gu, "$1");
  return { html, words, product: api.status.product };
}

test("a version that changed, a clock that is off, own backups and a permission that is missing", async () => {
  const { html, words, product } = await shown(PROBE);
  expect(product).toEqual({
    platform: "nocodb",
    reachable: true,
    probedAt: "2026-02-20T11:11:30.000Z",
    reachedAt: "2026-02-20T11:11:30.000Z",
    version: "0.301.3",
    previousVersion: "0.300.0",
    versionChangedAt: "2026-02-20T09:12:30.000Z",
    clockSkewSeconds: -420,
    permissions: [{ name: "read <webhooks>", neededFor: "capture", granted: false }],
    nativeBackups: { count: 3, newestAt: "2026-02-20T10:12:30.000Z", newestComplete: false },
    trouble: null,
    drift: ["nocodb went from version 0.300.0 to 0.301.3"],
    problems: [
      {
        sentence: "The token of crm may not read <webhooks> on nocodb, and a whole capture of it needs that",
        mend: "grant it that on nocodb, or give crm another token",
      },
    ],
  });
  expect(words).toContain("Live product nocodb 0.301.3, was 0.300.0 until 09:12 UTC");
  expect(words).toContain("Its clock 7 min behind ours");
  expect(words).toContain("3 backups, newest 1 h ago, not complete");
  expect(words).toContain(
    "The token of crm may not read &lt;webhooks&gt; on nocodb, and a whole capture of it needs that. Mend: grant it that",
  );
  expect(html).not.toContain("<webhooks>");
});

test("a product that refuses: the reason, and when it last answered", async () => {
  const trouble = { code: "token-refused", message: "nocodb: It refused us.", mend: "give it a valid token" };
  const { words, product } = await shown({ ...PROBE, trouble, reachedAt: NOW - 7_200_000, changed: null });
  expect(product).toMatchObject({ reachable: false, version: "0.301.3", trouble });
  expect(words).toContain(
    "The live product could not be asked nocodb could not be asked: nocodb: It refused us. Mend: give it a valid token.",
  );
  expect(words).toContain("Answered 2 h ago");
  expect(words).not.toContain("may not read");
});

test("a source without a live product says nothing of one", async () => {
  const { words, product } = await shown(null);
  expect(product).toBeNull();
  expect(words).not.toContain("ive product");
});

test("that the platform itself changed is told apart from the baseline, for a month; answers of another shape for as long as they come", async () => {
  const { words } = await shown(PROBE);
  expect(words).toContain("The platform itself changed nocodb went from version 0.300.0 to 0.301.3, noticed 09:12 UTC (2 h ago).");
  const month = 31 * 86_400_000;
  const known = await shown({ ...PROBE, changed: { from: "0.300.0", at: NOW - month } });
  expect(known.words).not.toContain("The platform itself changed");
  const shape = { code: "unexpected-answer", message: "nocodb: It answered with no list of tables.", mend: null };
  const odd = await shown({ ...PROBE, trouble: shape, changed: { from: "0.300.0", at: NOW - month } });
  expect(odd.product?.drift[0]).toBe("nocodb answers in a shape that this agent does not know: nocodb: It answered with no list of tables");
  expect(odd.words).toContain("The platform itself changed nocodb answers in a shape that this agent does not know");
  expect((await shown({ ...PROBE, changed: null })).product?.drift).toEqual([]);
});
