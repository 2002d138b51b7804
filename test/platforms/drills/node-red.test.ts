/** The whole way on two real Node-RED: captured, drilled into an instance of its own, compared with production that was broken. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runAgent, startAgentProcess } from "../../integration/agent/running.ts";
import { type NodeRed, startNodeRed } from "../../servers/node-red.ts";
import { type Admin, adminOf, BROKER_SECRET, type Document, production, startSink, until } from "../node-red/flows.ts";
import { expectSweptAfterKill } from "./killed-restore.ts";

let live: NodeRed;
let scratch: NodeRed;
let sink: Awaited<ReturnType<typeof startSink>>;
let admin: Admin;
let home = "";

beforeAll(async () => {
  [live, scratch, sink] = await Promise.all([startNodeRed(), startNodeRed({ secret: "another-secret" }), startSink()]);
  admin = await adminOf(live);
  await admin.deploy(production(sink.url));
  // The positive control: in production these flows do call the sink.
  await until(() => sink.take() > 0);
  home = await mkdtemp(join(tmpdir(), "rw-drill-node-red-"));
  await mkdir(join(home, "vault"));
  await writeFile(join(home, "password"), live.password);
  await writeFile(
    join(home, "restorewatch.yaml"),
    `vaults:
  nightly: { type: dir, path: ./vault }
sources:
  - id: flows
    platform: { type: node-red, url: "${live.url}", user: admin, password: { file: ./password } }
    scratch: { url: "${scratch.url}", user: admin, password: { file: ./password } }
    capture: { schedule: "0 3 * * *", keep: 35d }
    owner: { team: plant }
    backups: { vault: nightly, path: flows, settle: 0s }
    verify: { layers: [artifact, content, scratch, live], sample: { records: 60, most: 300 } }
`,
  );
});
afterAll(async () => {
  await Promise.all([live.stop(), scratch.stop(), sink.stop()]);
  await rm(home, { recursive: true, force: true });
});

interface Drilled {
  readonly verdict: string;
  readonly layers: Readonly<Record<string, string>>;
  readonly checks: readonly { readonly id: string; readonly layer: string; readonly status: string; readonly observed: string }[];
  readonly compared?: Readonly<Record<string, number>>;
}

interface Cost {
  readonly restoreCost?: { readonly steps: readonly { readonly step: string; readonly requests: number }[] };
}

async function drill(): Promise<Drilled> {
  const { stdout, stderr } = await runAgent(home, "drill", "flows", "--output", "json");
  expect(stderr).not.toContain("    at ");
  for (const secret of [live.password, BROKER_SECRET]) expect(stdout).not.toContain(secret);
  const document = JSON.parse(stdout) as { drill?: Drilled } & Drilled;
  return document.drill ?? document;
}

const bad = (drilled: Drilled): string[] =>
  drilled.checks.filter((check) => check.status === "fail" || check.status === "error").map((check) => `${check.id}: ${check.observed}`);

describe("flows on Node-RED", () => {
  test("are captured whole", async () => {
    const { code, stdout } = await runAgent(home, "capture", "flows", "--output", "json");
    expect(code, stdout).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ records: production("").length, changed: [] });
    expect((await readdir(join(home, "vault", "flows"))).length).toBe(2);
  });

  test("are verified on every layer, restored without one of them running, and nothing of them is left", async () => {
    sink.take();
    const drilled = await drill();
    expect(bad(drilled)).toEqual([]);
    expect(drilled.layers).toMatchObject({ artifact: "verified", content: "verified", scratch: "verified", live: "verified" });
    expect(drilled.compared).toMatchObject({ changed: 0, mismatch: 0 });
    expect(drilled.compared?.["match"]).toBe(production("").length);
    expect(sink.take(), "no side effect").toBe(0);
    expect((await (await adminOf(scratch)).flows()).flows).toEqual([]);
  });

  test("production was broken: what was deleted and edited there shows per item, and the backup still restores", async () => {
    const { flows } = await admin.flows();
    const edited = (node: Document): Document => (node.id === "in1" ? { ...node, name: "edited since" } : node);
    await admin.deploy(flows.filter((node) => !/^note/u.test(node.id)).map(edited));
    await until(() => sink.take() > 0);
    const drilled = await drill();
    expect(drilled.layers["scratch"]).toBe("verified");
    // Fifteen notes are gone since; Node-RED keeps no times, so whether one node was edited since or never captured right cannot be told.
    const gone = flows.filter((node) => /^note/u.test(node.id)).length;
    expect(drilled.compared).toEqual({ match: flows.length - gone - 1, changed: gone, mismatch: 0, unverifiable: 1 });
    expect(drilled.layers["live"]).not.toBe("failed");
    expect(sink.take(), "no side effect of the restore").toBe(0);
  });

  test("a third drill, and it is foretold how long the full restore would take", async () => {
    await drill();
    const { stdout } = await runAgent(home, "report", "--output", "json");
    const [source] = (JSON.parse(stdout) as { sources: { forecast: Readonly<Record<string, unknown>>; drills: readonly Cost[] }[] })
      .sources;
    expect(source?.forecast).toMatchObject({ basis: "product", drills: 3 });
    expect(source?.forecast["upperMs"]).toBeGreaterThan(Number(source?.forecast["expectedMs"]));
    const steps = source?.drills[0]?.restoreCost?.steps ?? [];
    // Flows are put in all together.
    expect(steps.map(({ step }) => step)).toEqual(["fetch", "read", "sandbox", "provision", "structure"]);
    expect(steps.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThan(0);
    expect((await runAgent(home, "report")).stdout).toMatch(
      /A full restore is expected to take \S+ m?s \(90 %: up to \S+ m?s\), no RTO is set/u,
    );
  });

  test("what was read is told as coverage, also after a restart: every node there was; the one nobody can judge is not", async () => {
    const agent = await startAgentProcess(home);
    try {
      const metrics = await (await fetch(`${agent.url}/metrics`)).text();
      const value = (name: string, layer: string): number =>
        Number(new RegExp(`^${name}\\{[^}]*layer="${layer}"[^}]*\\} (\\S+)`, "mu").exec(metrics)?.[1] ?? Number.NaN);
      for (const layer of ["scratch", "live"]) {
        expect(value("restore_coverage_ratio", layer), layer).toBeCloseTo(layer === "scratch" ? 1 : 1 - 1 / production("").length, 10);
        expect(value("restore_oldest_unverified_timestamp_seconds", layer)).toBeGreaterThan(Date.now() / 1000 - 600);
      }
      expect(value("restore_bad_items_upper_ratio", "scratch")).toBe(0);
      for (const bound of ["expected", "upper"])
        expect(metrics).toMatch(new RegExp(`^restore_forecast_seconds\\{[^}]*bound="${bound}"[^}]*\\} [\\d.e-]+`, "mu"));
    } finally {
      await agent.stop("SIGTERM");
    }
  });

  test("discover asks the instance: nothing of it is without a source", async () => {
    const { stdout } = await runAgent(home, "discover", "--output", "json");
    const found = JSON.parse(stdout) as { unseen: unknown[]; counts: { findings: { unprotected: number } } };
    expect(found).toMatchObject({ unseen: [], counts: { findings: { unprotected: 0 } } });
  });

  test("an agent killed in the middle of a restore leaves flows behind: the next one finds them by their tag and removes them", async () => {
    const place = await adminOf(scratch);
    await expectSweptAfterKill(home, "flows", async () => (await place.flows()).flows.length);
    expect(sink.take(), "no side effect of what was left").toBe(0);
  });

  test("a password that was changed is inconclusive, never a failure", async () => {
    await writeFile(join(home, "password"), "no-longer-0123456789");
    const drilled = await drill();
    expect(drilled.verdict).toBe("inconclusive");
    expect(Object.values(drilled.layers)).not.toContain("failed");
    const refused = await runAgent(home, "capture", "flows", "--output", "json");
    expect(refused.code).toBe(3);
  });
});
