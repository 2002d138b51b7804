/** People's data on a page: on the agent's own machine, or for an operator; never in the API. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Differences } from "../../../agent/core/differences.ts";
import type { HttpDeps } from "../../../agent/http/app.ts";
import { fiveWorld, NOW, type World } from "./world.ts";

const SECRET = "<b>anna@example.org</b>";

function differences(drillId: string): Differences {
  return {
    version: 1,
    sourceId: "healthy",
    drillId,
    pointId: "healthy-45",
    startedAt: NOW - 7_200_000,
    comparedAt: NOW - 3_600_000,
    expiresAt: NOW + 86_400_000,
    items: [
      {
        collection: "People",
        key: "17",
        result: "mismatch",
        because: "edited before the backup began",
        backupUpdatedAt: null,
        productionUpdatedAt: NOW - 86_400_000,
        productionCreatedAt: null,
        fields: [{ field: "Mail", backup: null, production: SECRET }],
        more: 2,
      },
    ],
    more: 3,
  };
}

async function compared(more: Partial<HttpDeps> = {}): Promise<World> {
  const made = await fiveWorld({
    differences: (id) => Promise.resolve(id === "healthy" ? differences("drill-healthy-45") : null),
    ...more,
  });
  const { drills } = made.state.repositories;
  for (const id of ["drill-healthy-44", "drill-healthy-45"]) {
    const drill = await drills.get(id);
    if (drill !== null) await drills.put({ ...drill, compared: { match: 40, changed: 2, mismatch: 1, unverifiable: 0 } });
  }
  return made;
}

const PAGE = "/drills/drill-healthy-45/differences";
const DECLARED = { name: "ada", role: "operator", sha256: createHash("sha256").update("operator-token-0123456789").digest("hex") } as const;
const VIEWER = { name: "eve", role: "viewer", sha256: createHash("sha256").update("viewer-token-0123456789").digest("hex") } as const;
const auth: HttpDeps["auth"] = () => ({ reading: "open", tokens: [DECLARED, VIEWER], proxy: null });
const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test("the drill's page tells how many and leads to the values, which are field by field and escaped", async () => {
  const { app } = await compared();
  const drill = await (await app.request("/drills/drill-healthy-45")).text();
  expect(drill).toContain("40 records are the same");
  expect(drill).toContain(`href="${PAGE}"`);
  expect(drill).not.toContain("anna@example.org");
  const response = await app.request(PAGE);
  expect(response.headers.get("cache-control")).toBe("no-store");
  const page = await response.text();
  expect(page).toContain("Wrong in the backup");
  expect(page).toContain("&lt;b&gt;anna@example.org&lt;/b&gt;");
  expect(page).not.toContain(SECRET);
  expect(page).toContain("And 2 more fields.");
  expect(page).toContain("And 3 further records.");
});

test("of an older drill nothing is kept, and a drill that compared nothing says nothing", async () => {
  const { app } = await compared();
  expect(await (await app.request("/drills/drill-healthy-44/differences")).text()).toContain("not kept any more");
  expect(await (await app.request("/drills/drill-broken-45")).text()).not.toContain('id="compared"');
});

test("on an address others reach, without http.auth, nobody sees values", async () => {
  const { app } = await compared({ host: "0.0.0.0" });
  const response = await app.request(PAGE);
  expect(response.status).toBe(403);
  expect(await response.text()).not.toContain("anna@");
});

test("with http.auth only an operator does, even where reading is open and the address is local", async () => {
  for (const host of ["0.0.0.0", "127.0.0.1"]) {
    const { app } = await compared({ host, auth });
    expect((await app.request(PAGE)).status).toBe(401);
    expect((await app.request(PAGE, as("viewer-token-0123456789"))).status).toBe(403);
    expect((await app.request(PAGE, as("wrong"))).status).toBe(401);
    const seen = await app.request(PAGE, as("operator-token-0123456789"));
    expect(await seen.text()).toContain("anna@example.org");
  }
});

test("no answer of the API holds a value", async () => {
  const { app } = await compared();
  for (const path of ["/api/v1/drills/drill-healthy-45", "/api/v1/sources/healthy", "/api/v1/sources/healthy/coverage", "/metrics"])
    expect(await (await app.request(path)).text()).not.toContain("anna@");
  expect((await app.request("/api/v1/drills/drill-healthy-45/differences")).status).toBe(404);
});
