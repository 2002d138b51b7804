/** Restores into a scratch workspace: what a true product gives, and what each lie of a product is called. */
import { describe, expect, test } from "vitest";
import type { ContentRecord } from "../../../../agent/core/content.ts";
import { AgentError } from "../../../../agent/core/errors.ts";
import type { OpenScratch, RestoreSet } from "../../../../agent/core/platform-ports.ts";
import { judge } from "../../../../agent/core/verdict.ts";
import { scratchDrill, scratchPrefix, type ScratchOutcome, scratchTag } from "../../../../agent/engine/scratch/scratch.ts";
import { systemClock } from "../../../../agent/kit/clock.ts";
import { collection, field, memoryContent, record } from "../../../doubles/content.ts";
import { memoryPlatform, type MemoryBase, type MemoryLies, type MemoryPlatform } from "../../../doubles/platform.ts";
import { memoryTelemetry } from "../../../doubles/telemetry.ts";

const never = new AbortController().signal;
const ORDER = { sourceId: "crm", drillId: "d1", digestKey: "00".repeat(32) };
const PRODUCTION = { instance: "memory-1", scope: "base-1" };
const link = { collection: "city", many: false, reciprocal: null };

function restoreSet(): RestoreSet {
  const people = Array.from({ length: 20 }, (_, index): ContentRecord =>
    record(String(100 + index), [`person ${index}`, "9007199254740993", index % 2 === 0 ? "7" : null]),
  );
  return {
    ...memoryContent({
      collections: [
        collection("people", [field("name"), field("amount", "integer"), field("city", "link", { link })], { keyKind: "natural" }),
        collection("city", [field("name")]),
      ],
      automations: [{ id: "a1", name: "notify", active: true, trigger: "insert", references: [], bodyDigest: "d" }],
    }),
    originals: {},
    records: new Map([
      ["people", people],
      ["city", [record("7", ["Bern"])]],
    ]),
    fileBytes: new Map(),
    cut: new Set(),
  };
}

function product(lies: MemoryLies = {}): MemoryPlatform {
  const base: MemoryBase = {
    collections: [],
    records: new Map(),
    automations: [],
    files: new Map(),
    instance: "memory-1",
    scope: "base-1",
  };
  return memoryPlatform(base, lies);
}

async function drillWith(memory: MemoryPlatform, change: (open: OpenScratch) => OpenScratch = (open) => open, signal = never) {
  const clock = systemClock();
  const telemetry = memoryTelemetry(clock);
  const outcome = await telemetry.span("restore.drill", {}, () =>
    scratchDrill(ORDER, restoreSet(), change(memory.openScratch(clock)), PRODUCTION, { telemetry, clock }, signal),
  );
  return { outcome, telemetry };
}

const statuses = (outcome: ScratchOutcome): Record<string, string> =>
  Object.fromEntries(outcome.checks.map((check) => [check.id, check.status]));
const verdictOf = (outcome: ScratchOutcome): string => judge(["scratch"], outcome.checks, outcome.trouble).verdict;

describe("a product that takes everything back", () => {
  test("is verified, in spans, and nothing is left", async () => {
    const memory = product({ renumbers: true });
    const { outcome, telemetry } = await drillWith(memory);
    expect(verdictOf(outcome)).toBe("verified");
    expect(statuses(outcome)).toMatchObject({
      "restore.loads": "pass",
      "restore.counts": "pass",
      "restore.readback": "pass",
      "automations.inactive-in-sandbox": "pass",
      "automations.present": "pass",
      "restore.session": "pass",
      "restore.access": "pass",
      "restore.reconnects": "skip",
      "audit.continuous": "skip",
      "records.sequence": "pass",
      "restore.rollback": "pass",
    });
    expect(memory.scratch.size).toBe(0);
    const names = telemetry.spans.filter((span) => span.parent?.name === "restore.drill").map((span) => span.name);
    expect(names).toEqual([
      "restore.provision",
      "restore.load",
      "restore.check",
      "restore.readback",
      "restore.compare",
      "restore.checks",
      "restore.dispose",
      "restore.check",
    ]);
    expect(Object.keys(outcome.phases)).toEqual(["provision", "load", "readback", "compare", "checks", "dispose"]);
  });

  test("what it keeps after all is said", async () => {
    const { outcome } = await drillWith(product({ disposeLeaves: "tables stay in the database" }));
    expect(outcome.checks.find((check) => check.id === "restore.rollback")?.observed).toContain("tables stay in the database");
  });
});

describe("a product that lies is failed, and the check that says so is the right one", () => {
  test.each([
    ["imports nothing and says it did", { importsNothing: true }, ["restore.counts", "restore.readback", "automations.present"]],
    ["rounds big integers", { rounds: true }, ["restore.readback"]],
    ["leaves links on old keys", { renumbers: true, keepsOldLinks: true }, ["restore.readback"]],
    ["switches automations on", { activates: true }, ["automations.inactive-in-sandbox"]],
  ] as [string, MemoryLies, string[]][])("%s", async (_, lies, failing) => {
    const memory = product(lies);
    const { outcome, telemetry } = await drillWith(memory);
    expect(outcome.checks.filter((check) => check.status === "fail").map((check) => check.id)).toEqual(expect.arrayContaining(failing));
    expect(verdictOf(outcome)).toBe("failed");
    expect(memory.scratch.size).toBe(0);
    expect(JSON.stringify([outcome, telemetry.spans])).not.toMatch(/person \d|9007199254740993|Bern/u);
    // Natural keys are shown as digests.
    expect(JSON.stringify(outcome)).not.toMatch(/"item":"1\d\d"/u);
  });
});

describe("our own trouble is never a bad backup", () => {
  const failing =
    (step: "provision" | "load" | "readBack", error: Error) =>
    (open: OpenScratch): OpenScratch => ({
      ...open,
      workspace: { ...open.workspace, [step]: () => Promise.reject(error) },
    });

  test.each(["provision", "load", "readBack"] as const)("%s fails", async (step) => {
    const memory = product();
    const limited = new AgentError("rate_limited", "rate-limited", "memory: It limits our requests.", { mend: "wait" });
    const { outcome } = await drillWith(memory, failing(step, limited));
    expect(outcome.trouble).toEqual({ code: "rate-limited", message: "memory: It limits our requests.; wait" });
    expect(verdictOf(outcome)).toBe("inconclusive");
    expect(memory.scratch.size).toBe(0);
  });

  test("it was made, and the answer that said so was lost: it is looked for, or it is said that nobody could", async () => {
    const lost = new AgentError("transient", "answer-cut-short", "memory: The answer broke off.");
    const madeUnheard = (open: OpenScratch, more: Partial<OpenScratch["workspace"]> = {}): OpenScratch => ({
      ...open,
      workspace: {
        ...open.workspace,
        provision: async (...all) => {
          await open.workspace.provision(...all);
          throw lost;
        },
        ...more,
      },
    });
    const memory = product();
    const { outcome } = await drillWith(memory, madeUnheard);
    expect(outcome).toMatchObject({ trouble: { code: "answer-cut-short" }, checks: [], leaks: 0 });
    expect(memory.scratch.size).toBe(0);
    const blind = product();
    const sweep = () => Promise.reject(lost);
    const doubtful = await drillWith(blind, (open) => madeUnheard(open, { sweep }));
    expect(doubtful.outcome.checks.map((check) => `${check.id} ${check.status}`)).toEqual(["restore.rollback error"]);
    expect(verdictOf(doubtful.outcome)).toBe("inconclusive");
  });

  test("the place is production", async () => {
    const memory = product();
    const clock = systemClock();
    const telemetry = memoryTelemetry(clock);
    const outcome = await scratchDrill(ORDER, restoreSet(), memory.openScratch(clock, true), PRODUCTION, { telemetry, clock }, never);
    expect(outcome.trouble?.code).toBe("scratch-is-production");
    expect(outcome.checks).toEqual([]);
  });

  test("it cannot be removed: a leak, told, and swept by its tag later", async () => {
    const memory = product();
    const stuck = (open: OpenScratch): OpenScratch => ({
      ...open,
      workspace: {
        ...open.workspace,
        dispose: () => Promise.reject(new AgentError("transient", "platform-error", "memory: It answered 500.")),
      },
    });
    const { outcome } = await drillWith(memory, stuck);
    expect(outcome).toMatchObject({ leaks: 1, trouble: { code: "scratch-leak" } });
    expect(statuses(outcome)["restore.rollback"]).toBe("error");
    expect(verdictOf(outcome)).toBe("inconclusive");
    expect([...memory.scratch.values()].map(({ workspace }) => workspace.tag)).toEqual([scratchTag("crm", "d1")]);
    expect(await memory.openScratch(systemClock()).workspace.sweep(scratchPrefix("crm"), new Set(), never)).toEqual({
      found: 1,
      removed: 1,
    });
  });

  test("aborted in the middle: it is removed all the same", async () => {
    const memory = product();
    const stop = new AbortController();
    const slow = (open: OpenScratch): OpenScratch => ({
      ...open,
      workspace: {
        ...open.workspace,
        load: async (...args) => {
          const loaded = await open.workspace.load(...args);
          stop.abort();
          stop.signal.throwIfAborted();
          return loaded;
        },
      },
    });
    const { outcome } = await drillWith(memory, slow, stop.signal);
    expect(outcome.trouble?.code).toBe("aborted");
    expect(memory.scratch.size).toBe(0);
  });

  test("a probe that cannot be asked is an error of that check alone", async () => {
    const { outcome } = await drillWith(product(), (open) => ({
      ...open,
      access:
        open.access === null
          ? null
          : { ...open.access, asRestricted: () => Promise.reject(new AgentError("transient", "platform-error", "memory: 500")) },
    }));
    expect(statuses(outcome)).toMatchObject({ "restore.access": "error", "restore.readback": "pass" });
    expect(verdictOf(outcome)).toBe("verified");
  });
});

test("no source's prefix is the beginning of another's tag", () => {
  const ids = ["crm", "crm-test", "crm-1", "c", "crm-test-0123456789abcdef"];
  for (const one of ids)
    for (const other of ids)
      expect(scratchTag(other, "0123456789abcdef").startsWith(scratchPrefix(one)), `${one} ${other}`).toBe(one === other);
});
