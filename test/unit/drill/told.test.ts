/** A drill listens to itself: what a check tells too much is found by the last one, over a real artifact. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { governanceMasking } from "../../../agent/checks/governance-masking.ts";
import { judge } from "../../../agent/core/verdict.ts";
import type { Check, CheckOutcome } from "../../../agent/core/ports.ts";
import type { ChildMessage } from "../../../agent/drill/protocol.ts";
import { listeningChannel } from "../../../agent/drill/told.ts";
import { csvOf } from "../../fixtures/csv/write.ts";
import { askAll } from "../../meta/ask-all.ts";

let base = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "rw-told-"));
  await writeFile(
    join(base, "people.csv"),
    csvOf([
      ["Id", "Mail"],
      ["1", "ada@example.org"],
      ["2", "grace@example.org"],
    ]),
  );
});
afterEach(() => rm(base, { recursive: true, force: true }));

function saying(outcome: CheckOutcome): Check {
  return {
    id: "test.says",
    layer: "content",
    question: "?",
    needs: "sandbox",
    aspect: null,
    pitfalls: [],
    limits: "",
    run: () => Promise.resolve(outcome),
  };
}

async function masking(outcome: CheckOutcome) {
  const { checks } = await askAll(join(base, "people.csv"), join(base, "work"), { checks: [saying(outcome), governanceMasking] });
  return { last: checks.at(-1), layers: judge(["content"], checks, null).layers };
}

test.each<[string, CheckOutcome]>([
  ["in words", { status: "pass", observed: "the longest is grace@example.org" }],
  ["as expected", { status: "fail", observed: "differs", expected: "ada@example.org" }],
  ["as an example", { status: "fail", observed: "one", examples: [{ collection: "people", item: "ada@example.org" }] }],
  ["in a note", { status: "fail", observed: "one", examples: [{ collection: "people", item: "1", note: "is ada@example.org" }] }],
])("a value told %s is found, and told no further", async (_, outcome) => {
  const { last } = await masking(outcome);
  expect(last).toMatchObject({ id: "governance.masking", status: "error" });
  expect(last?.observed).toContain("1 value of records told");
  expect(JSON.stringify(last)).not.toContain("@");
});

test("it leaves the content in doubt, and calls no backup broken", async () => {
  expect((await masking({ status: "pass", observed: "ada@example.org" })).layers).toEqual({ content: "inconclusive" });
});

test("a drill that tells nothing passes", async () => {
  expect((await masking({ status: "pass", observed: "2 records" })).last).toMatchObject({ status: "pass", count: 2 });
});

test("what the user named or asked to see is not listened to", () => {
  const sent: ChildMessage[] = [];
  const result = { id: "a.b", layer: "content", status: "fail", observed: "one", expected: null, count: 1, durationMs: 1 } as const;
  const messages: ChildMessage[] = [
    {
      t: "opened",
      recognised: { format: "csv", formatVersion: null },
      createdAt: null,
      artifact: { path: "ada@example.org.csv", kind: "file", bytes: 1, sha256: null, files: 1 },
    },
    { t: "check", result: { ...result, examples: [{ collection: "people", item: "ada@example.org" }] } },
  ];
  const told = (keysAsked: boolean) => {
    const channel = listeningChannel({ send: (message) => sent.push(message) }, keysAsked);
    for (const message of messages) channel.send(message);
    return [...channel.told()];
  };
  expect(told(true)).not.toContain("ada@example.org");
  expect(told(true)).toContain("one");
  expect(told(false)).toContain("ada@example.org");
  expect(told(false)).not.toContain("ada@example.org.csv");
  expect(sent.slice(0, 2)).toEqual(messages);
});
