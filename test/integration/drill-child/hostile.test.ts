/** Children that misbehave: each is trouble with a reason, keeps what it found before, and leaves the trace whole. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../agent/kit/clock.ts";
import { type ChildOutcome, type DrillChildDeps, runDrillChild } from "../../../agent/engine/drill-child/index.ts";
import { type IsolationReport, NO_TOOLS, probeIsolation } from "../../../agent/engine/drill-child/isolation.ts";
import type { DrillJob } from "../../../agent/drill/protocol.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { type JobPlace, jobPlace, LIMITS } from "./job.ts";

const places: JobPlace[] = [];
let isolation: IsolationReport;

beforeAll(async () => {
  isolation = await probeIsolation();
});

afterEach(async () => {
  await Promise.all(places.splice(0).map((place) => place.remove()));
});

async function run(name: string, job: Partial<DrillJob> = {}, deps: Partial<DrillChildDeps> = {}) {
  const place = await jobPlace(job);
  places.push(place);
  const telemetry = memoryTelemetry();
  const clock = systemClock();
  const outcome = await telemetry.span("restore.drill", {}, (span) =>
    runDrillChild(place.job, {
      isolation,
      clock,
      span,
      signal: new AbortController().signal,
      childModule: fileURLToPath(new URL(`../../fixtures/hostile-children/${name}.ts`, import.meta.url)),
      graceMs: 0,
      ...deps,
    }),
  );
  return { outcome, telemetry };
}

function observed(outcome: ChildOutcome): Record<string, string> {
  return Object.fromEntries(outcome.checks.map((check) => [check.id, check.observed]));
}

const SHORT = { limits: { ...LIMITS, timeMs: 400 } };

describe("a drill child that misbehaves", () => {
  test.each([
    ["aborts", "child-crashed", /crashed \(SIGABRT\)/, {}],
    ["segfaults", "child-crashed", /crashed \(SIGSEGV\)/, {}],
    ["eats-heap", "child-out-of-memory", /ran out of memory/, {}],
    ["eats-native-memory", "child-out-of-memory", /ran out of memory/, {}],
    ["hangs-busy", "child-hung", /did not end within 0\.4 s/, SHORT],
    ["hangs-silent", "child-hung", /did not end within 0\.4 s/, SHORT],
    ["floods-line", "child-flooded", /said more than it may/, {}],
    ["floods-stderr", "child-flooded", /said more than it may/, {}],
    ["nonsense", "child-nonsense", /no message/, {}],
    ["wrong-schema", "child-nonsense", /no message/, {}],
    ["takes-back", "child-nonsense", /no message/, {}],
    ["exits-early", "child-ended-early", /before it was done \(exit code 0\)/, {}],
    ["writes-too-much", "child-out-of-disk", /wrote more than it may/, { limits: { ...LIMITS, diskMb: 1, maxBytes: 1_000_000 } }],
  ])("%s: %s", async (name, code, sentence, job) => {
    const { outcome, telemetry } = await run(name, job);
    expect(outcome.trouble).toEqual({ code, message: expect.stringMatching(sentence) });
    expect(outcome.checks.map((check) => [check.id, check.observed])).toEqual([["artifact.present", "it is there"]]);
    const [drill] = telemetry.spansNamed("restore.drill");
    const [parse] = telemetry.spansNamed("restore.parse");
    const [check] = telemetry.spansNamed("restore.check");
    expect([parse?.parent, check?.parent]).toEqual([drill, parse]);
    for (const span of [parse, check]) {
      expect(span).toMatchObject({ status: "error", error: { type: code }, endedAt: expect.any(Number) });
      expect(span?.startedAt).toBeGreaterThanOrEqual(drill?.startedAt ?? Infinity);
      expect(span?.endedAt ?? Infinity).toBeLessThanOrEqual(drill?.endedAt ?? 0);
    }
    expect(JSON.stringify([outcome, telemetry.spans.map((span) => [span.attributes, span.error]), telemetry.logs])).not.toContain(
      "secret-value",
    );
  });

  test("floods of true messages are bounded too", async () => {
    const { outcome } = await run("floods-messages", {}, { bounds: { lines: 20_000 } });
    expect(outcome.trouble?.code).toBe("child-flooded");
  });

  test("cannot be loaded: it was not started, and its words are not passed on", async () => {
    const { outcome } = await run("cannot-load");
    expect(outcome.trouble).toEqual({ code: "child-not-started", message: "The drill's process could not be started (exit code 1)." });
    expect(outcome.checks).toEqual([]);
  });

  test("no such Node: it was not started", async () => {
    const { outcome } = await run("aborts", {}, { nodePath: "/no/such/node", isolation: { ...isolation, tools: NO_TOOLS } });
    expect(outcome.trouble).toEqual({ code: "child-not-started", message: "The drill's process could not be started (ENOENT)." });
  });

  test("an abort ends it at once", async () => {
    const controller = new AbortController();
    const started = performance.now();
    setTimeout(() => controller.abort(), 200);
    const { outcome, telemetry } = await run("hangs-busy", {}, { signal: controller.signal });
    expect(outcome.trouble?.code).toBe("aborted");
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(telemetry.spans.every((span) => span.endedAt !== null)).toBe(true);
  });

  test("an abort before it began starts nothing", async () => {
    const { outcome, telemetry } = await run("hangs-busy", {}, { signal: AbortSignal.abort() });
    expect(outcome.trouble?.code).toBe("aborted");
    expect(telemetry.spans).toHaveLength(1);
  });

  test("leaves no process behind, even without the permission model", async () => {
    const { outcome } = await run("forks", {}, { isolation: { ...isolation, tools: NO_TOOLS } });
    expect(outcome.trouble).toBeNull();
    const pid = Number(/started (\d+)/.exec(observed(outcome)["artifact.readable"] ?? "")?.[1]);
    expect(pid).toBeGreaterThan(1);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test("ends with the agent, even when the agent is killed and the child busy", async () => {
    const place = await jobPlace();
    places.push(place);
    const script = fileURLToPath(new URL("../../fixtures/hostile-children/parent.ts", import.meta.url));
    const agent = spawn(process.execPath, [script, JSON.stringify(place.job)], { stdio: "ignore" });
    try {
      const childOf = (): string => commandOfChild(agent.pid ?? 0);
      await expect.poll(childOf, { timeout: 5000 }).toContain("hangs-busy.ts");
      const pid = childrenOf(agent.pid ?? 0).find((one) => commandOf(one).includes("hangs-busy.ts")) ?? 0;
      agent.kill("SIGKILL");
      // Without setpriv a busy child lives on until its time is up; the report says so.
      await expect.poll(() => isAlive(pid), { timeout: 3000 }).toBe(isolation.tools.setpriv === null);
    } finally {
      agent.kill("SIGKILL");
    }
  });

  test("may not start other programs", async () => {
    const { outcome } = await run("forks");
    expect(observed(outcome)["artifact.readable"]).toBe("ERR_ACCESS_DENIED");
  });

  test("gets nowhere: no file, no network, no environment but its own", async () => {
    const server = createServer((_, response) => response.end("secret"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const port = String((server.address() as AddressInfo).port);
      const { outcome } = await run("tries-to-get-out", { artifactName: port });
      expect(outcome.trouble).toBeNull();
      expect(observed(outcome)).toEqual({
        "try.read-system": "ERR_ACCESS_DENIED",
        "try.list-home": "ERR_ACCESS_DENIED",
        "try.write-outside": "ERR_ACCESS_DENIED",
        "try.write-artifact": "ERR_ACCESS_DENIED",
        "try.read-artifact": "it worked",
        "try.write-own": "it worked",
        "try.environment": "empty",
        "try.network": isolation.network ? "ENETUNREACH" : "it worked",
      });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

function commandOfChild(pid: number): string {
  return childrenOf(pid).map(commandOf).join("\n");
}

/** A process that is dead and only waits to be reaped by its parent is gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
