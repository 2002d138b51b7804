/** The child's half in this process, with formats and sandboxes that fail where we want it. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FormatDefinition, SandboxDefinition } from "../../../agent/core/definitions.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import type { Check, Clock, Content } from "../../../agent/core/ports.ts";
import { drill } from "../../../agent/drill/drill.ts";
import { type ChildMessage, childMessageSchema, type DrillJob } from "../../../agent/drill/protocol.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { duckdb } from "../../../agent/sandboxes/duckdb/index.ts";
import { collection, field, memoryContent, record } from "../../doubles/content.ts";
import { faultySandbox, type SandboxFault } from "../../doubles/sandbox.ts";

const cities = collection("City", [
  field("name"),
  field("country", "link", { link: { collection: "Country", many: false, reciprocal: null } }),
]);
const countries = collection("Country", [
  field("name"),
  field("cities", "links", { link: { collection: "City", many: true, reciprocal: "country" } }),
  field("looked-up", "links", { computed: true }),
]);
const summary = collection("Summary", [field("of", "link", { link: { collection: "City", many: false, reciprocal: null } })], {
  computed: true,
});

function world(more: Partial<Content> = {}): Content & { readonly closed: boolean } {
  const content = memoryContent({
    format: "memory",
    collections: [cities, countries, summary],
    rows: {
      City: [record("1", ["Bonn", "10"]), record("2", ["Lyon", "11"]), record("3", ["Nowhere", null])],
      Country: [record("10", ["Germany", ["1", "2"], ["1"]]), record("11", ["France", null, null])],
      Summary: [record("1", ["1"])],
    },
    access: [{ kind: "role", id: "r", digest: "d", broken: null }],
  });
  return Object.assign(content, more);
}

function formatOf(content: Content | Error, confidence = 1): FormatDefinition {
  return {
    id: "memory",
    summary: "",
    platform: "other",
    create: () => ({
      id: "memory",
      recognise: () => Promise.resolve({ confidence, formatVersion: "7", because: "" }),
      open: () => (content instanceof Error ? Promise.reject(content) : Promise.resolve(content)),
    }),
  };
}

const asks: Check = {
  id: "test.asks",
  layer: "artifact",
  question: "",
  needs: "artifact",
  aspect: null,
  pitfalls: [],
  limits: "",
  run: (view) => Promise.resolve({ status: view.damage === null ? "pass" : "fail", observed: view.damage?.code ?? "whole" }),
};
const loads: Check = {
  ...asks,
  id: "test.loads",
  layer: "content",
  needs: "sandbox",
  run: () => Promise.resolve({ status: "pass", observed: "loaded" }),
};

let base = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "rw-unit-drill-"));
  await mkdir(join(base, "work"));
  await writeFile(join(base, "artifact"), "bytes");
});
afterEach(() => rm(base, { recursive: true, force: true }));

interface Options {
  readonly formats?: readonly FormatDefinition[];
  readonly faults?: readonly SandboxFault[];
  readonly job?: Partial<DrillJob>;
  readonly checks?: readonly Check[];
  readonly clock?: Clock;
}

async function run({ formats = [formatOf(world())], faults = [], job = {}, checks = [asks, loads], clock = systemClock() }: Options = {}) {
  const messages: ChildMessage[] = [];
  const sandboxes: SandboxDefinition[] = [
    { id: "faulty", summary: "", create: (options) => faultySandbox(duckdb.create(options), faults) },
  ];
  const limits = { memoryMb: 64, diskMb: 32, threads: 1, timeMs: 10_000, maxBytes: 1e6, maxEntries: 100, maxRatio: 10, maxDepth: 5 };
  await drill(
    {
      drillId: "d",
      artifactPath: join(base, "artifact"),
      artifactName: "artifact",
      workDir: join(base, "work"),
      format: "auto",
      key: null,
      expectation: {
        now: 0,
        sourceId: "s",
        point: null,
        run: null,
        checksum: null,
        previous: null,
        previousAt: null,
        points: null,
        objectives: { rpoMs: null, rtoMs: null, retentionMs: null, minPoints: null, immutableMs: null },
        critical: [],
      },
      sample: { strategy: "all", count: 0, rate: 1, seed: "", always: [] },
      limits,
      digestKey: null,
      ...job,
    },
    {
      formats,
      sandboxes,
      checks,
      clock,
      channel: {
        send: (message) => {
          childMessageSchema.parse(JSON.parse(JSON.stringify(message)));
          messages.push(message);
        },
      },
      signal: new AbortController().signal,
    },
  );
  const done = messages.at(-1);
  const facts = messages.find((message) => message.t === "facts");
  const results = messages.flatMap((message) =>
    message.t === "check" ? [`${message.result.id} ${message.result.status}: ${message.result.observed}`] : [],
  );
  const open = new Set<number>();
  for (const message of messages) {
    if (message.t === "span-start") open.add(message.id);
    if (message.t === "span-end") open.delete(message.id);
  }
  return {
    messages,
    trouble: done?.t === "done" ? done.trouble : undefined,
    facts,
    results,
    open: open.size,
    left: await readdir(join(base, "work")),
  };
}

describe("a drill", () => {
  test("counts stored items only: no computed collections, no computed links", async () => {
    const { facts, trouble, results, open, left } = await run();
    expect(trouble).toBeNull();
    expect(facts?.facts.inventory).toEqual({
      collections: 2,
      records: 5,
      links: 4,
      automations: 0,
      credentials: 0,
      files: 0,
      views: 0,
      roles: 1,
    });
    expect(facts?.facts.collections.map((one) => [one.name, one.records])).toEqual([
      ["City", 3],
      ["Country", 2],
    ]);
    expect(results).toEqual(["test.asks pass: whole", "test.loads pass: loaded"]);
    expect([open, left]).toEqual([0, []]);
  });

  test("counts links while reading when only a sample is loaded", async () => {
    const { facts } = await run({ job: { sample: { strategy: "count", count: 1, rate: 0, seed: "ab", always: [] } } });
    expect(facts?.sample).toMatchObject({ population: 5, checked: 1, strategy: "random" });
    expect(facts?.facts.inventory).toMatchObject({ records: 5, links: 4 });
  });

  test("damage found on opening is a finding: the checks of the artifact are asked, and there is no trouble", async () => {
    const { trouble, results } = await run({ formats: [formatOf(new AgentError("damaged", "cut-short", "It is cut short."))] });
    expect(trouble).toBeNull();
    expect(results).toEqual(["test.asks fail: cut-short", "test.loads skip: the artifact was not opened: It is cut short."]);
  });

  test("damage found while loading is a finding too", async () => {
    const broken = world({
      async *records() {
        yield [record("1", ["x", null])];
        throw new AgentError("damaged", "page-broken", "A page is broken.");
      },
    });
    const { trouble, results, facts, left } = await run({ formats: [formatOf(broken)] });
    expect(trouble).toBeNull();
    expect(results).toEqual(["test.asks fail: page-broken", "test.loads skip: nothing was loaded: A page is broken."]);
    expect([facts, left]).toEqual([undefined, []]);
    expect(broken.closed).toBe(true);
  });

  test.each([
    ["a limit", new AgentError("limit", "zip-ratio", "It unpacks to too much."), { code: "zip-ratio", message: "It unpacks to too much." }],
    [
      "a missing permission",
      new AgentError("auth", "no-permission", "It may not be read."),
      { code: "no-permission", message: "It may not be read." },
    ],
    [
      "a bug in a reader",
      new SyntaxError("secret-value in JSON"),
      { code: "internal", message: "Something failed unexpectedly (SyntaxError)." },
    ],
  ])("%s is trouble, never a finding", async (_, error, expected) => {
    const { trouble, results } = await run({ formats: [formatOf(error)] });
    expect(trouble).toEqual(expected);
    expect(results.some((line) => line.includes(" fail:"))).toBe(false);
  });

  test.each([
    ["provision", 1, "provision-failed"],
    ["load", 1, "load-failed"],
    ["dispose", 1, "sandbox-leak"],
  ] as const)("a sandbox whose %s fails is trouble", async (method, call, code) => {
    const error = new AgentError("internal", `${method}-failed`, "Planned.");
    const { trouble, open, left } = await run({ faults: [{ method, call, error }] });
    expect(trouble?.code).toBe(code);
    expect([open, left]).toEqual([0, []]);
  });

  test("facts that cannot be counted are trouble", async () => {
    const { trouble, facts } = await run({
      faults: [{ method: "query", call: 1, error: new AgentError("limit", "sandbox-memory", "Used up.") }],
    });
    expect(trouble?.code).toBe("sandbox-memory");
    expect(facts).toBeUndefined();
  });

  test("its time limit is trouble with what to do about it, and everything is closed", async () => {
    const slow = world({
      async *records(_, signal) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        yield [];
      },
    });
    const job = {
      limits: { memoryMb: 64, diskMb: 32, threads: 1, timeMs: 150, maxBytes: 1e6, maxEntries: 100, maxRatio: 10, maxDepth: 5 },
    };
    const { trouble, open, left } = await run({ formats: [formatOf(slow)], job });
    expect(trouble).toEqual({ code: "time-limit", message: "The drill reached its time limit of 0.2 s; raise verify.limits.time" });
    expect([open, left, slow.closed]).toEqual([0, [], true]);
  });

  test("the most confident format wins, and half confidence is not less than enough", async () => {
    const { trouble } = await run({ formats: [formatOf(new Error("the wrong one"), 0.5), formatOf(world(), 0.6)] });
    expect(trouble).toBeNull();
    expect((await run({ formats: [formatOf(world(), 0.49)] })).trouble?.code).toBe("unknown-format");
    expect((await run({ formats: [formatOf(world(), 0.5)] })).trouble).toBeNull();
  });

  test("a format named by a person needs less, but not nothing", async () => {
    expect((await run({ formats: [formatOf(world(), 0.1)], job: { format: "memory" } })).trouble).toBeNull();
    const wrong = await run({ formats: [formatOf(world(), 0)], job: { format: "memory" } });
    expect([wrong.trouble, wrong.results[0]]).toEqual([null, "test.asks fail: wrong-format"]);
    expect((await run({ job: { format: "no-such" } })).trouble?.code).toBe("unknown-format-name");
  });

  test("names of any length fit into what may be told", async () => {
    const long = collection("c".repeat(3000), [field("f".repeat(3000))]);
    const { trouble, facts } = await run({ formats: [formatOf(memoryContent({ collections: [long], format: "memory" }))] });
    expect(trouble).toBeNull();
    expect(facts?.facts.collections[0]?.name).toHaveLength(500);
  });
});
