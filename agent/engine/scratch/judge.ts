/** What is said of a restore into a scratch workspace, check by check. Pure. */
import { compareReadBack, type ReadBackComparison } from "../../core/compare.ts";
import type { Collection } from "../../core/content.ts";
import { keyDigest } from "../../core/ids.ts";
import type { AccessSeen, LoadOutcome, ReadBack, RestoreSet } from "../../core/platform-ports.ts";
import type { SampledResult } from "../../core/sampled.ts";
import type { CheckResult, Example } from "../../core/values.ts";
import type { CheckStatus } from "../../core/words.ts";
import { describeCount } from "../../core/words-for-people.ts";

/** Fields the product lets nobody write, by collection id; told by the connector as refused fields. */
export type Result = Omit<CheckResult, "durationMs">;

export function result(
  id: string,
  status: CheckStatus,
  observed: string,
  more: Partial<Omit<Result, "id" | "status" | "observed">> = {},
): Result {
  return { id, layer: "scratch", status, observed, expected: null, count: 0, examples: [], ...more };
}

const EXAMPLES = 5;

export function loadsResult(set: RestoreSet, loaded: LoadOutcome): Result {
  const wanted = recordsIn(set);
  const refused = loaded.refused.filter((one) => one.aspect === "records" || one.aspect === "links" || one.aspect === "files");
  const count = refused.reduce((sum, one) => sum + one.count, 0);
  if (count > 0)
    return result("restore.loads", "fail", `The product refused ${describeCount(count, "item")}: ${refused[0]?.reason ?? ""}`, {
      expected: `all of ${describeCount(wanted, "record")}`,
      count,
    });
  const other = loaded.refused.map((one) => `${one.aspect}: ${one.reason}`);
  const beside = other.length === 0 ? "" : `; not restorable: ${other.slice(0, 3).join("; ")}`;
  return result("restore.loads", "pass", `The product took ${describeCount(wanted, "record")}${beside}.`, { count: wanted });
}

/** An importer's "ok" is only ever compared with what is there afterwards. */
export function countsResult(set: RestoreSet, loaded: LoadOutcome, back: ReadBack): Result {
  const wrong = set.collections.flatMap((collection) => {
    const wanted = set.records.get(collection.id)?.length ?? 0;
    const claimed = loaded.claimed.get(collection.id) ?? 0;
    const found = back.records.get(collection.id)?.length ?? 0;
    return found === wanted ? [] : [`${collection.name}: ${wanted} put in, the product said ${claimed}, ${found} are there`];
  });
  if (wrong.length === 0)
    return result("restore.counts", "pass", `${describeCount(recordsIn(set), "record")} are there.`, { count: recordsIn(set) });
  return result("restore.counts", "fail", wrong.slice(0, 3).join("; "), { expected: "as many as were put in", count: wrong.length });
}

export function readBackResult(set: RestoreSet, loaded: LoadOutcome, back: ReadBack, digestKey: string): Result {
  const unrestorable = unrestorableOf(loaded);
  const compared = set.collections.map((collection) => ({ collection, ...comparisonOf(set, back, collection, unrestorable) }));
  const lost = compared.reduce((sum, one) => sum + one.missing.length + one.extra.length, 0);
  const different = compared.reduce((sum, one) => sum + one.different.length, 0);
  const gone = compared.flatMap((one) => one.fieldsGone.map((field) => `${one.collection.name}.${nameOf(one.collection, field)}`));
  const files = [...set.fileBytes.keys()].filter((id) => back.fileDigests.get(id) === undefined).length;
  if (lost + different + gone.length === 0 && files === 0)
    return result("restore.readback", "pass", `${describeCount(recordsIn(set), "record")} read back the same.`, { count: recordsIn(set) });
  const said = [
    ...(lost === 0 ? [] : [`${describeCount(lost, "record")} did not come back or came from nowhere`]),
    ...(different === 0 ? [] : [`${describeCount(different, "record")} came back different`]),
    ...(gone.length === 0 ? [] : [`fields that did not come back: ${gone.slice(0, 4).join(", ")}`]),
    ...(files === 0 ? [] : [`${describeCount(files, "attachment")} did not come back`]),
  ];
  return result("restore.readback", "fail", `${said.join("; ")}.`, {
    expected: "everything as it is in the backup",
    count: lost + different + gone.length + files,
    examples: examplesOf(compared, digestKey),
  });
}

/** Items that did not come back, came from nowhere or came back different. */
export function readBackResults(set: RestoreSet, loaded: LoadOutcome, back: ReadBack): readonly SampledResult[] {
  const unrestorable = unrestorableOf(loaded);
  return set.collections.flatMap((collection) => {
    const { missing, different } = comparisonOf(set, back, collection, unrestorable);
    return [...missing, ...different.map((one) => one.key)].map((key): SampledResult => ({
      collection: collection.id,
      key,
      result: "mismatch",
    }));
  });
}

function comparisonOf(set: RestoreSet, back: ReadBack, collection: Collection, unrestorable: ReadonlySet<string>): ReadBackComparison {
  const theirs = back.collections.find((one) => one.id === collection.id);
  const own = [...unrestorable].filter((one) => one.startsWith(`${collection.id}/`)).map((one) => one.slice(collection.id.length + 1));
  return compareReadBack(
    { collection, records: set.records.get(collection.id) ?? [] },
    theirs === undefined ? null : { collection: theirs, records: back.records.get(collection.id) ?? [] },
    { cut: set.cut, unrestorable: new Set(own) },
  );
}

function unrestorableOf(loaded: LoadOutcome): ReadonlySet<string> {
  return new Set(loaded.unrestorable ?? []);
}

function examplesOf(
  compared: readonly ({ readonly collection: Collection } & ReadBackComparison)[],
  digestKey: string,
): readonly Example[] {
  return compared
    .flatMap(({ collection, missing, extra, different }) => {
      const item = (key: string): string => (collection.keyKind === "platform" ? key : keyDigest(digestKey, collection.id, key));
      return [
        ...missing.map((key): Example => ({ collection: collection.name, item: item(key), note: "is missing" })),
        ...extra.map((key): Example => ({ collection: collection.name, item: item(key), note: "was not put in" })),
        ...different.map(({ key, fields }): Example => ({
          collection: collection.name,
          item: item(key),
          field: nameOf(collection, fields[0] ?? ""),
          note: fields.length === 1 ? "differs" : `differs, and ${fields.length - 1} more`,
        })),
      ];
    })
    .slice(0, EXAMPLES);
}

function nameOf(collection: Collection, field: string): string {
  return collection.fields.find((one) => one.id === field)?.name ?? field;
}

export function automationResults(set: RestoreSet, loaded: LoadOutcome, back: ReadBack): readonly Result[] {
  if (set.automations.length === 0) return [result("automations.inactive-in-sandbox", "skip", "The backup holds no automations.")];
  const refused = loaded.refused.some((one) => one.aspect === "automations");
  const here = new Set(back.automations.map((one) => one.name));
  const lost = set.automations.filter((one) => !here.has(one.name)).map((one) => one.name);
  const running = back.running.length;
  return [
    running === 0
      ? result("automations.inactive-in-sandbox", "pass", `None of ${describeCount(back.automations.length, "automation")} runs.`, {
          count: back.automations.length,
        })
      : result("automations.inactive-in-sandbox", "fail", `${describeCount(running, "automation")} run in the scratch workspace.`, {
          expected: "all switched off",
          count: running,
        }),
    refused || lost.length === 0
      ? result(
          "automations.present",
          refused ? "skip" : "pass",
          refused ? "The product takes no automations through its API." : "All came back.",
          {
            count: back.automations.length,
          },
        )
      : result(
          "automations.present",
          "fail",
          `${describeCount(lost.length, "automation")} did not come back: ${lost.slice(0, 3).join(", ")}.`,
          {
            count: lost.length,
          },
        ),
  ];
}

export function accessResult(restricted: AccessSeen, outsider: AccessSeen, set: RestoreSet): readonly Result[] {
  const name = (id: string): string => set.collections.find((one) => one.id === id)?.name ?? id;
  const seen = outsider.collections.filter((one) => one.visible > 0);
  const open = seen.filter((one) => one.shouldSee === false).map((one) => name(one.collection));
  const doubtful = seen.filter((one) => one.shouldSee === null).map((one) => name(one.collection));
  const meant = seen.filter((one) => one.shouldSee === true).map((one) => name(one.collection));
  const wrong = restricted.collections.filter((one) => one.shouldSee !== null && one.shouldSee !== one.visible > 0);
  const session = restricted.session
    ? result("restore.session", "pass", "A restricted user can log in.")
    : result("restore.session", "fail", "A restricted user cannot log in.", { count: 1 });
  if (open.length > 0)
    return [
      session,
      result("restore.access", "fail", `Anybody can read ${open.slice(0, 3).join(", ")}.`, { expected: "nothing", count: open.length }),
    ];
  if (wrong.length > 0) {
    const said = wrong.map(
      (one) => `${name(one.collection)} is ${one.visible > 0 ? "visible and should not be" : "not visible and should be"}`,
    );
    return [session, result("restore.access", "fail", `For a restricted user ${said.slice(0, 3).join(", ")}.`, { count: wrong.length })];
  }
  if (doubtful.length > 0)
    return [
      session,
      result("restore.access", "error", `Anybody can read ${doubtful.slice(0, 3).join(", ")}, and whether that is meant cannot be told.`, {
        count: doubtful.length,
      }),
    ];
  const known = restricted.collections.filter((one) => one.shouldSee !== null).length;
  const pass = known > 0 ? "pass" : "skip";
  const observed =
    known > 0
      ? `A restricted user sees what it should, an outsider ${meant.length === 0 ? "nothing" : `only what is public: ${meant.slice(0, 3).join(", ")}`}.`
      : "What a restricted user should see cannot be told.";
  return [session, result("restore.access", pass, observed, { count: known })];
}

export function reconnectResult(tried: ReadonlyMap<string, boolean | null>): Result {
  const known = [...tried].filter(([, connected]) => connected !== null);
  const failed = known.filter(([, connected]) => connected === false).length;
  if (known.length === 0) return result("restore.reconnects", "skip", "The product can test none of its credentials.");
  if (failed === 0)
    return result("restore.reconnects", "pass", `${describeCount(known.length, "credential")} connected.`, { count: known.length });
  return result("restore.reconnects", "fail", `${failed} of ${describeCount(known.length, "credential")} did not connect.`, {
    count: failed,
  });
}

export function recordsIn(set: RestoreSet): number {
  return [...set.records.values()].reduce((sum, list) => sum + list.length, 0);
}
