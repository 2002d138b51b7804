/** What leaves a real agent: one trace a drill across the process boundary, the same series both ways, and no secret and no record value anywhere. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureQuickstart } from "../../../agent/quickstart/index.ts";
import { type OtlpReceiver, otlpReceiver } from "../../doubles/otlp-receiver.ts";
import { logsOf, metricsOf, spansOf } from "../../doubles/otlp-reading.ts";
import { type RunningAgent, startAgentProcess, until } from "./running.ts";

let home: string;
let directory: string;
let receiver: OtlpReceiver;
let agent: RunningAgent;
let metrics = "";
let pages = "";

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-otlp-"));
  receiver = await otlpReceiver();
  const made = ensureQuickstart(home, Date.now());
  ({ directory } = made);
  const config = await readFile(made.configPath, "utf8");
  await writeFile(made.configPath, `${config}telemetry:\n  otlp: { endpoint: "${receiver.endpoint}" }\n`);
  agent = await startAgentProcess(home, ["start", "--log", "json", "--config", made.configPath]);
  const verdicts = async (): Promise<string[]> =>
    ((await (await fetch(`${agent.url}/api/v1/sources?limit=10`)).json()) as { items: { verdict: string }[] }).items.map(
      (item) => item.verdict,
    );
  await until(verdicts, (all) => all.every((verdict) => verdict === "verified" || verdict === "failed"), 40_000);
  metrics = await (await fetch(`${agent.url}/metrics`)).text();
  for (const path of ["/", "/sources/broken", "/sources/locked", "/api/v1/sources?limit=100", "/api/v1/sources/broken/drills?limit=10"])
    pages += await (await fetch(agent.url + path)).text();
  await agent.stop("SIGTERM");
}, 90_000);

afterAll(async () => {
  await agent?.stop("SIGKILL");
  await receiver?.close();
  await rm(home, { recursive: true, force: true });
});

test("one trace a drill, whole across the process boundary", () => {
  const spans = spansOf(receiver.bodies("traces"));
  const roots = spans.filter((span) => span.name === "restore.drill" && span.attributes["error.type"] !== "aborted");
  expect(roots.length).toBeGreaterThanOrEqual(5);
  const polls = new Set(spans.filter((span) => span.name === "backup.poll").map((span) => span.traceId));
  for (const root of roots) {
    expect(root.kind).toBe(1);
    expect(root.parentSpanId).toBeUndefined();
    for (const key of [
      "backup.source",
      "backup.platform",
      "backup.domain",
      "backup.recovery_point.id",
      "restore.drill.id",
      "restore.drill.kind",
      "restore.verdict",
    ])
      expect(root.attributes, key).toHaveProperty([key]);
    expect(root.links.map((link) => polls.has(link.traceId))).toEqual([true]);
    const own = spans.filter((span) => span.traceId === root.traceId);
    const names = own.map((span) => span.name);
    expect(names).toEqual(
      expect.arrayContaining([
        "vault.open",
        "restore.open",
        "restore.parse",
        "restore.provision",
        "restore.load",
        "restore.checks",
        "restore.check",
        "restore.dispose",
      ]),
    );
    const ids = new Set(own.map((span) => span.spanId));
    expect(own.filter((span) => span !== root && !ids.has(span.parentSpanId ?? ""))).toEqual([]);
    for (const span of own) {
      expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), span.name).toBe(true);
      expect(BigInt(span.startTimeUnixNano) + 50_000_000n >= BigInt(root.startTimeUnixNano), span.name).toBe(true);
    }
    const failed = root.attributes["restore.verdict"] === "failed";
    expect(root.status.code).toBe(failed ? 2 : 0);
  }
  const broken = roots.find((root) => root.attributes["backup.source"] === "broken" && root.attributes["restore.verdict"] === "failed");
  const failing = spans.filter(
    (span) => span.traceId === broken?.traceId && span.name === "restore.check" && span.attributes["restore.check.status"] === "fail",
  );
  expect(failing.map((span) => String(span.attributes["restore.check.id"])).sort((one, two) => (one < two ? -1 : 1))).toEqual([
    "links.reciprocal",
    "links.resolve",
  ]);
  const open = spans.find((span) => span.name === "vault.open");
  expect([open?.kind, open?.attributes["service.peer.name"], open?.attributes["peer.service"]]).toEqual([3, "vault:local", "vault:local"]);
});

test("logs carry the trace they belong to", () => {
  const finished = logsOf(receiver.bodies("logs")).filter((log) => log.body.stringValue === "drill finished");
  const traces = new Set(
    spansOf(receiver.bodies("traces"))
      .filter((span) => span.name === "restore.drill")
      .map((span) => span.traceId),
  );
  expect(finished.length).toBeGreaterThanOrEqual(5);
  expect(finished.filter((log) => !traces.has(log.traceId ?? ""))).toEqual([]);
});

test("what is scraped is also pushed", () => {
  const pushed = new Set(
    receiver
      .bodies("metrics")
      .flatMap((body) => metricsOf(body))
      .map((metric) => metric.name),
  );
  for (const name of [
    "backup_last_success_timestamp_seconds",
    "backup_source_info",
    "restore_check_failing",
    "restore_drills",
    "restore_drill_duration_seconds",
    "restorewatch_heartbeat_timestamp_seconds",
  ]) {
    expect(
      [...pushed].some((one) => one === name || one === `${name}_total`),
      name,
    ).toBe(true);
    expect(metrics).toContain(name);
  }
  expect(metrics).toMatch(/restore_drill_duration_seconds_bucket\{[^}]*\} \S+ # \{[^}]*trace_id="[0-9a-f]{32}"/);
});

test("no secret and no record value in anything that leaves it or stays as proof", async () => {
  const evidence = (
    await Promise.all(
      (await readdir(join(directory, "evidence")))
        .filter((name) => name.endsWith(".ndjson"))
        .map((name) => readFile(join(directory, "evidence", name), "utf8")),
    )
  ).join("");
  const everything = JSON.stringify(receiver.requests) + metrics + pages + evidence + agent.stdout() + agent.stderr();
  expect(evidence.length).toBeGreaterThan(10_000);
  for (const planted of ["quickstart-credential-secret", "invented-1", "Harbour", "Bakery", "Kraków", "Starter kit"])
    expect(everything.includes(planted), planted).toBe(false);
});
