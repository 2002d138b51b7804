import { describe, expect, test } from "vitest";
import type { CheckResult } from "../../../agent/core/values.ts";
import { judge } from "../../../agent/core/verdict.ts";
import type { CheckStatus } from "../../../agent/core/words.ts";

const check = (id: string, status: CheckStatus): CheckResult => ({
  id,
  layer: id.startsWith("artifact") ? "artifact" : "content",
  status,
  observed: `${id} is ${status}`,
  expected: null,
  count: 0,
  examples: [],
  durationMs: 1,
});
const good = ["artifact.readable", "artifact.complete", "restore.loads", "records.count"].map((id) => check(id, "pass"));
const without = (id: string): CheckResult[] => good.filter((one) => one.id !== id);

describe("the verdict", () => {
  test.each<[string, readonly CheckResult[], string, string, string]>([
    ["all required checks passed", good, "verified", "verified", "verified"],
    ["any fail fails its layer and the drill", [...good, check("links.resolve", "fail")], "failed", "verified", "failed"],
    [
      "a required check in error is inconclusive",
      [...without("records.count"), check("records.count", "error")],
      "inconclusive",
      "verified",
      "inconclusive",
    ],
    [
      "a required check that was skipped is inconclusive",
      [...without("restore.loads"), check("restore.loads", "skip")],
      "inconclusive",
      "verified",
      "inconclusive",
    ],
    ["a required check that was never asked is inconclusive", without("records.count"), "inconclusive", "verified", "inconclusive"],
    [
      "complete stands in for a checksum that nobody gave",
      [...good, check("artifact.checksum", "skip")],
      "verified",
      "verified",
      "verified",
    ],
    [
      "a checksum stands in for complete",
      [...without("artifact.complete"), check("artifact.checksum", "pass"), check("artifact.complete", "skip")],
      "verified",
      "verified",
      "verified",
    ],
    [
      "a checksum in error is not outvoted by complete",
      [...good, check("artifact.checksum", "error")],
      "inconclusive",
      "inconclusive",
      "verified",
    ],
    [
      "other errors and skips change nothing",
      [...good, check("links.resolve", "error"), check("files.digest", "skip")],
      "verified",
      "verified",
      "verified",
    ],
    [
      "credentials that could not be tried are never called fine",
      [...good, check("credentials.decrypt", "error")],
      "inconclusive",
      "verified",
      "inconclusive",
    ],
    ["a source without credentials is not held up", [...good, check("credentials.decrypt", "skip")], "verified", "verified", "verified"],
    ["changed is ordinary life", [...good, check("structure.collections", "changed")], "verified", "verified", "verified"],
    ["failed is worse than inconclusive", [check("artifact.readable", "fail")], "failed", "failed", "inconclusive"],
    ["nothing looked at is never fine", [], "inconclusive", "inconclusive", "inconclusive"],
  ])("%s", (_, checks, verdict, artifact, content) => {
    expect(judge(["artifact", "content"], checks, null)).toMatchObject({ verdict, layers: { artifact, content } });
  });

  test("our own trouble makes what was promised inconclusive, and a failure seen before it still fails", () => {
    const trouble = { code: "child-crashed", message: "The drill's process crashed." };
    expect(judge(["artifact", "content"], good, trouble)).toMatchObject({
      verdict: "inconclusive",
      reasons: ["The drill's process crashed."],
    });
    expect(judge(["artifact", "content"], [...good, check("links.resolve", "fail")], trouble)).toMatchObject({
      verdict: "failed",
      layers: { artifact: "inconclusive", content: "failed" },
    });
  });

  test("a layer that was not promised has no verdict, but its failure is not passed over", () => {
    expect(judge(["artifact"], [...good, check("links.resolve", "fail")], null)).toMatchObject({
      verdict: "failed",
      layers: { artifact: "verified" },
    });
  });

  test("reasons name the failed checks first", () => {
    expect(judge(["artifact", "content"], [...without("records.count"), check("links.resolve", "fail")], null).reasons).toEqual([
      "links.resolve: links.resolve is fail",
    ]);
  });

  test("reasons name the credentials that could not be tried", () => {
    expect(judge(["artifact", "content"], [...good, check("credentials.decrypt", "error")], null).reasons).toEqual([
      "credentials.decrypt: credentials.decrypt is error",
    ]);
  });
});
