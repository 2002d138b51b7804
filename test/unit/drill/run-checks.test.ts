import { describe, expect, test } from "vitest";
import { AgentError } from "../../../agent/core/errors.ts";
import { keyDigest } from "../../../agent/core/ids.ts";
import type { Check, CheckOutcome, CheckView, Sandbox } from "../../../agent/core/ports.ts";
import { type ChecksContext, runChecks } from "../../../agent/drill/run-checks.ts";
import type { ChildMessage } from "../../../agent/drill/protocol.ts";
import { childMessageSchema } from "../../../agent/drill/protocol.ts";
import { spanTeller } from "../../../agent/drill/spans.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { collection, field, memoryContent } from "../../doubles/content.ts";

const DIGEST_KEY = "ab".repeat(32);
const people = collection("people", [field("name")], { keyKind: "natural" });
const things = collection("things", [field("name")]);

function check(id: string, run: Check["run"], more: Partial<Check> = {}): Check {
  return { id, layer: "content", question: "", needs: "artifact", aspect: null, pitfalls: [], limits: "", run, ...more };
}

const passing = (): Promise<CheckOutcome> => Promise.resolve({ status: "pass", observed: "fine" });

function setting(more: Partial<ChecksContext> = {}, view: Partial<CheckView> = {}) {
  const clock = fakeClock();
  const messages: ChildMessage[] = [];
  const spans = spanTeller({ send: (message) => messages.push(message) }, clock);
  const parent = spans.start("restore.checks", null);
  const context: ChecksContext = {
    view: {
      artifact: { path: "a", kind: "file", bytes: 1, sha256: null, files: 1 },
      damage: null,
      content: memoryContent({ collections: [people, things], without: { automations: "This format holds none." } }),
      load: { tables: [], population: 0, checked: 0 },
      sandbox: { query: () => Promise.resolve([]) },
      elapsedMs: () => 0,
      encryption: null,
      facts: null,
      told: () => [],
      ...view,
    },
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
    because: null,
    digestKey: DIGEST_KEY,
    timeMs: 60_000,
    leftMs: () => 100_000,
    clock,
    spans,
    parent,
    signal: new AbortController().signal,
    onResult: () => undefined,
    ...more,
  };
  return { clock, messages, context };
}

describe("running checks", () => {
  test("asks cheap ones first and tells each result at once", async () => {
    const told: string[] = [];
    const { context } = setting({ onResult: (result, done, of) => told.push(`${result.id} ${done}/${of}`) });
    await runChecks(
      [check("c.sandbox", passing, { needs: "sandbox" }), check("a.artifact", passing), check("b.content", passing, { needs: "content" })],
      context,
    );
    expect(told).toEqual(["a.artifact 1/3", "b.content 2/3", "c.sandbox 3/3"]);
  });

  test("a check that throws, now or later, is an error without the words of a stranger", async () => {
    const { context } = setting();
    const results = await runChecks(
      [
        check("t.now", () => {
          throw new TypeError("secret-value of a record");
        }),
        check("t.later", () => Promise.reject(new SyntaxError("secret-value"))),
        check("t.ours", () => Promise.reject(new AgentError("limit", "sandbox-memory", "The memory is used up."))),
        check("t.fine", passing),
      ],
      context,
    );
    expect(results.map((result) => [result.id, result.status, result.observed])).toEqual([
      ["t.now", "error", "the check failed unexpectedly (TypeError)"],
      ["t.later", "error", "the check failed unexpectedly (SyntaxError)"],
      ["t.ours", "error", "The memory is used up."],
      ["t.fine", "pass", "fine"],
    ]);
  });

  test("a late check is an error, its statements end, and the next one is asked", async () => {
    let seen: AbortSignal | undefined;
    const sandbox: Pick<Sandbox, "query"> = {
      query: (_, __, options) =>
        new Promise((_resolve, reject) => {
          seen = options?.signal;
          options?.signal?.addEventListener("abort", () => reject(new AgentError("transient", "aborted", "aborted")));
        }),
    };
    const { context, clock } = setting({}, { sandbox });
    const running = runChecks(
      [
        check(
          "t.slow",
          async (view) => {
            await view.sandbox?.query("SELECT 1");
            return passing();
          },
          { needs: "sandbox" },
        ),
        check("t.next", passing, { needs: "sandbox" }),
      ],
      context,
    );
    await expect.poll(() => seen !== undefined).toBe(true);
    await clock.advance(60_000);
    const results = await running;
    expect(results.map((result) => [result.id, result.status, result.observed])).toEqual([
      ["t.slow", "error", "gave no answer within 60 s"],
      ["t.next", "pass", "fine"],
    ]);
    expect(seen?.aborted).toBe(true);
    expect(results[0]?.durationMs).toBe(60_000);
    expect(clock.sleepers).toBe(0);
  });

  test("a check has no more time than the drill has left, and none when nothing is left", async () => {
    let left = 500;
    const { context, clock } = setting({ leftMs: () => left });
    const running = runChecks([check("t.slow", () => new Promise(() => undefined)), check("t.none", passing)], context);
    await expect.poll(() => clock.sleepers).toBe(1);
    left = 0;
    await clock.advance(500);
    expect((await running).map((result) => [result.status, result.observed])).toEqual([
      ["error", "gave no answer within 0.5 s"],
      ["error", "there was no time left to ask"],
    ]);
  });

  test("the end of the drill interrupts the check that is running", async () => {
    const controller = new AbortController();
    const { context } = setting({ signal: controller.signal });
    const running = runChecks([check("t.slow", () => new Promise(() => undefined)), check("t.none", passing)], context);
    setTimeout(() => controller.abort(), 5);
    expect((await running).map((result) => [result.status, result.observed])).toEqual([
      ["error", "was interrupted by the end of the drill"],
      ["error", "there was no time left to ask"],
    ]);
  });

  test("skips what could not be opened or loaded, and what the format cannot hold, with the reason", async () => {
    const checks = [
      check("t.artifact", passing),
      check("t.content", passing, { needs: "content" }),
      check("t.sandbox", passing, { needs: "sandbox" }),
      check("t.automations", passing, { needs: "content", aspect: "automations" }),
    ];
    const damage = { code: "cut", message: "It is cut short." };
    const observe = async (view: Partial<CheckView>, more: Partial<ChecksContext> = {}): Promise<unknown> =>
      (await runChecks(checks, setting(more, view).context)).map((result) => `${result.status}: ${result.observed}`).toSorted();
    expect(await observe({ damage, content: null, load: null, sandbox: null })).toEqual([
      "pass: fine",
      ...Array.from({ length: 3 }, () => "skip: the artifact was not opened: It is cut short."),
    ]);
    expect(await observe({ load: null, sandbox: null }, { because: "The memory is used up." })).toEqual([
      "pass: fine",
      "pass: fine",
      "skip: This format holds none.",
      "skip: nothing was loaded: The memory is used up.",
    ]);
  });

  test("prints keys the platform made, digests natural ones unless told otherwise, and caps examples and texts", async () => {
    const asking = check("t.keys", (view) =>
      Promise.resolve({
        status: "fail",
        observed: "x".repeat(10_000),
        count: 9,
        examples: [
          view.example(things, "17", "name", "why"),
          view.example(people, "ann@example.org"),
          ...Array.from({ length: 7 }, () => view.example(things, "y".repeat(900))),
        ],
      }),
    );
    const [digested] = await runChecks([asking], setting().context);
    expect(digested?.examples).toHaveLength(5);
    expect(digested?.examples[0]).toEqual({ collection: "things", item: "17", field: "name", note: "why" });
    expect(digested?.examples[1]).toEqual({ collection: "people", item: keyDigest(DIGEST_KEY, "people", "ann@example.org") });
    expect(childMessageSchema.safeParse({ t: "check", result: digested }).success).toBe(true);
    const [shown] = await runChecks([asking], setting({ digestKey: null }).context);
    expect(shown?.examples[1]?.item).toBe("ann@example.org");
  });

  test("each check is a span with its result; a failing one is an ERROR", async () => {
    const { context, messages } = setting();
    await runChecks(
      [check("t.bad", () => Promise.resolve({ status: "fail", observed: "2 lost", count: 2 }), { layer: "artifact" })],
      context,
    );
    expect(messages.slice(1)).toMatchObject([
      {
        t: "span-start",
        parent: context.parent.id,
        name: "restore.check",
        attributes: { "restore.check.id": "t.bad", "restore.check.layer": "artifact" },
      },
      {
        t: "span-end",
        attributes: { "restore.check.status": "fail", "restore.check.observed": "2 lost", "restore.check.items": 2 },
        error: { type: "check-fail", message: "2 lost" },
      },
    ]);
  });
});
