/** Coverage over API and pages: no row that looks like 0 or 100 % for a layer that never ran. */
import { expect, test } from "vitest";
import { sourceCoverageSchema } from "../../../agent/http/api/coverage-schemas.ts";
import { sourceSchema } from "../../../agent/http/api/schemas.ts";
import { sampledWorld } from "./sampled-world.ts";
import { NOW } from "./world.ts";

const DAY = 86_400_000;

test("the API tells coverage by layer and stratum, why it is behind, and whether the promise is kept", async () => {
  const { app } = await sampledWorld();
  const told = sourceCoverageSchema.parse(await (await app.request("/api/v1/sources/hasty/coverage")).json());
  const [scratch, live] = told.layers;
  expect(scratch).toMatchObject({
    layer: "scratch",
    withinSeconds: 2_592_000,
    badRateUpper: 0.0123,
    plan: { kept: false, breaksInSeconds: 0 },
  });
  expect(scratch?.coverage).toMatchObject({
    population: 2000,
    covered: 1899,
    ratio: 0.9495,
    oldestUnverifiedAt: new Date(NOW - 35 * DAY).toISOString(),
    behind: { never: 101 },
  });
  expect(scratch?.coverage?.strata.map((one) => [one.collection, one.covered])).toEqual([
    ["Deals", 900],
    ["<b>People</b>", 999],
  ]);
  expect(scratch?.why[0]).toMatch(/^the budget of items is too small/u);
  // Never ran: no number, not 0 and not 1.
  expect(live).toMatchObject({ layer: "live", coverage: null, badRateUpper: null });
  const { coverage } = sourceSchema.parse(await (await app.request("/api/v1/sources/hasty")).json());
  expect(coverage).toEqual([
    {
      layer: "scratch",
      ratio: 0.9495,
      oldestUnverifiedAt: new Date(NOW - 35 * DAY).toISOString(),
      withinSeconds: 2_592_000,
      promiseKept: false,
    },
    { layer: "live", ratio: null, oldestUnverifiedAt: null, withinSeconds: 2_592_000, promiseKept: false },
  ]);
  expect((await app.request("/api/v1/sources/nobody/coverage")).status).toBe(404);
});

test("sources that cannot keep their promise come first; what samples nothing is not there", async () => {
  const { app } = await sampledWorld();
  const body = (await (await app.request("/api/v1/coverage")).json()) as { items: { source: string }[] };
  expect(body.items.map((one) => one.source)).toEqual(["hasty", "calm"]);
  const page = await (await app.request("/coverage")).text();
  expect(page).toContain("1 source of 2 cannot keep the promise.");
  expect(page.indexOf(">hasty<")).toBeLessThan(page.indexOf(">calm<"));
  expect(page).not.toContain(">whole<");
});

test("the page of a source shows each layer, and says never ran where one never did", async () => {
  const { app } = await sampledWorld();
  const page = await (await app.request("/sources/hasty")).text();
  const section = page.slice(page.indexOf('id="coverage"'), page.indexOf('id="points"'));
  const [scratch = "", live = ""] = section.split('id="coverage-live"');
  expect(scratch).toContain("94.9 % in time");
  expect(scratch).toContain("fewer than 1.23 %, with 95 % confidence");
  expect(scratch).toContain("Cannot be kept");
  expect(live.slice(0, live.indexOf("</section>"))).toContain("never ran");
  expect(live.slice(0, live.indexOf("</section>"))).not.toMatch(/\d % in time|in time/u);
  expect(section).toContain("&lt;b&gt;People&lt;/b&gt;");
  expect(section).not.toContain("<b>People");
  expect(await (await app.request("/sources/whole")).text()).not.toContain('id="coverage"');
});
