import { createHash } from "node:crypto";
import {
  BASELINE_LIMITS,
  change,
  describeDifference,
  type Difference,
  differencesOf,
  loss,
  pairedCollections,
  sorted,
} from "../core/baseline.ts";
import type { BaselineExpectation, Check, CheckView } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { comparedRecords } from "./baseline-records.ts";
import { contentOf, loadedOf, skip } from "./outcome.ts";

/** Differences told in the sentence; all of them are in the result. */
const SAID = 3;

export const baselineDiff: Check = {
  id: "baseline.diff",
  layer: "content",
  question: "What differs from the baseline: structure, metadata, access, automations, and the records one by one where both are at hand?",
  needs: "sandbox",
  aspect: null,
  pitfalls: ["field dropped", "values truncated on restore", "schema drift against baseline"],
  limits:
    "Whether an edit was meant cannot be seen where the product keeps no edit times: then it is shown as changed. Where only facts of the baseline were kept, records are compared by their number.",
  async run(view, { baseline }) {
    const accepted = new Set(baseline?.accepted);
    if (baseline === undefined) return skip("no baseline was approved or given");
    if (view.facts === null) throw new Error("asked without facts");
    const facts = view.facts;
    const records = baseline.tables.length === 0 ? null : await comparedRecords(view, loadedOf(view), baseline);
    const differences = sorted([
      ...differencesOf(baseline.facts, facts, {
        limits: baseline.limits ?? BASELINE_LIMITS,
        ...(records === null ? {} : { compared: records.compared, alike: records.alike }),
      }),
      ...(records?.differences ?? []),
      ...(await fileDifferences(view, baseline)),
    ]);
    const losses = differences.filter(({ weight, kind }) => weight === "loss" && !accepted.has(kind));
    const collections = pairedCollections(baseline.facts.collections, facts.collections).pairs.length;
    if (differences.length === 0)
      return {
        status: "pass",
        observed: `nothing differs in ${describeCount(collections, "collection")} and what belongs to them`,
        count: facts.inventory.records,
        differences: [],
      };
    const told = losses.length > 0 ? losses : differences;
    const rest = differences.length - Math.min(SAID, told.length);
    return {
      status: losses.length > 0 ? "fail" : "changed",
      observed: `${told.slice(0, SAID).map(describeDifference).join("; ")}${rest > 0 ? `; and ${describeCount(rest, "further difference")}` : ""}`,
      expected: "what the baseline holds",
      count: differences.length,
      examples: records?.examples ?? [],
      differences,
    };
  },
};

async function fileDifferences(view: CheckView, baseline: BaselineExpectation): Promise<readonly Difference[]> {
  const content = contentOf(view);
  const inside = content.files.filter((file) => file.presence === "inside");
  const before = await digestsOf(view, baseline);
  if (before === null) return [];
  // What was left in the vault is there, and whether it changed was not looked at.
  const there = new Set(content.files.filter((file) => file.presence === "inside" || file.presence === "unread").map((file) => file.id));
  const lost = [...before.keys()].filter((id) => !there.has(id)).length;
  let [changed, added] = [0, 0];
  for (const file of inside) {
    const was = before.get(file.id);
    if (was === undefined) added += 1;
    else if (was !== (await digestOf(view, file.id))) changed += 1;
  }
  return [
    ...(lost === 0 ? [] : [loss("file-lost", null, "attachments", lost, `${describeCount(lost, "file")} of the baseline are gone`)]),
    // A file is what its bytes are: the same file with other bytes is damage.
    ...(changed === 0 ? [] : [loss("file-changed", null, "attachments", changed, `${describeCount(changed, "file")} have other bytes`)]),
    ...(added === 0 ? [] : [change("file-added", null, "attachments", added, `${describeCount(added, "file")} are new`)]),
  ];
}

/** Null where nothing is known of the baseline's files. */
async function digestsOf(view: CheckView, { files, tables }: BaselineExpectation): Promise<ReadonlyMap<string, string> | null> {
  if (files === null) return tables.length === 0 ? null : new Map();
  const rows = await view.sandbox?.query(
    `SELECT id, sha256 FROM read_json('${files.replaceAll("'", "''")}', format = 'newline_delimited', columns = {id: 'VARCHAR', sha256: 'VARCHAR'})`,
    [],
    { maxRows: 1_000_000, signal: view.signal },
  );
  return new Map((rows ?? []).map((row) => [String(row["id"]), String(row["sha256"])]));
}

async function digestOf(view: CheckView, id: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of contentOf(view).fileBytes(id, view.signal)) hash.update(part);
  return hash.digest("hex");
}
