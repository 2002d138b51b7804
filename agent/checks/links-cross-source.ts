import { AgentError } from "../core/errors.ts";
import type { Check, CheckOutcome, CheckView } from "../core/ports.ts";
import {
  below,
  digestsSql,
  endColumn,
  type EndColumn,
  makingOf,
  type RelationExpectation,
  type RelationsExpectation,
  seasoning,
  unpacked,
} from "../core/relations.ts";
import type { Example } from "../core/values.ts";
import { describeCount } from "../core/words-for-people.ts";
import { changed, fail, listed, loadedOf, pass, skip } from "./outcome.ts";
import { spread, text } from "./scan.ts";

const EXAMPLES = 5;
const MOST_ROWS = 10_000;

interface Compared {
  readonly name: string;
  readonly looked: number;
  readonly level: number;
  readonly lost: number;
  readonly since: number;
  readonly examples: readonly Example[];
}

export const linksCrossSource: Check = {
  id: "links.cross-source",
  layer: "content",
  question: "Is what records point to in another source's backup there too?",
  needs: "sandbox",
  aspect: "records",
  pitfalls: ["two products restored to two times no longer fit each other"],
  limits:
    "Only relations that the configuration declares, asked at the side that points, against the newest restored backup of the other side that is not younger. Of more than 4,096 different keys a share is compared, and the share is told.",
  async run(view, { relations }) {
    const asked = (relations?.relations ?? []).filter(({ side }) => side === "from");
    if (relations === undefined || relations.relations.length === 0) return skip("no relation to another source is declared (relations)");
    if (asked.length === 0) return skip("other sources point here: it is asked where they are drilled");
    const compared: Compared[] = [];
    const doubts: AgentError[] = [];
    for (const one of asked) {
      try {
        compared.push(await compare(view, one, relations));
      } catch (thrown) {
        if (!(thrown instanceof AgentError)) throw thrown;
        doubts.push(thrown);
      }
    }
    const lost = compared.filter((one) => one.lost > 0);
    if (lost.length > 0) return lostOutcome(lost);
    // One relation that could not be looked at is not made fine by another that was.
    const [doubt] = doubts;
    if (doubt !== undefined) throw doubt;
    const since = compared.reduce((sum, one) => sum + one.since, 0);
    const looked = compared.reduce((sum, one) => sum + one.looked, 0);
    if (since > 0)
      return changed(
        `${describeCount(since, "key")} not in the other source's backup, which may have come or gone between the two backups${shares(compared)}`,
        { count: since },
      );
    if (looked === 0) return skip("no record points to another source");
    return pass(`${describeCount(looked, "key")} of other sources found there${shares(compared)}`, looked);
  },
};

function lostOutcome(lost: readonly Compared[]): CheckOutcome {
  const count = lost.reduce((sum, one) => sum + one.lost, 0);
  return fail(`${describeCount(count, "key")} not in the other source's backup: ${listed(lost.map((one) => one.name))}${shares(lost)}`, {
    expected: "all of them there",
    count,
    examples: spread(lost),
  });
}

/** How many of the keys were looked at, where it were not all. */
function shares(compared: readonly Compared[]): string {
  const level = Math.max(0, ...compared.map((one) => one.level));
  return level === 0 ? "" : `; one key in ${2 ** level} was looked at`;
}

async function compare(view: CheckView, one: RelationExpectation, all: RelationsExpectation): Promise<Compared> {
  const { relation, other, earlier, startedAt } = one;
  const { load, sandbox } = loadedOf(view);
  const doubt = (code: string, message: string): AgentError => new AgentError("config", code, `${relation.name}: ${message}`);
  const end = endColumn(load, relation.from);
  if (end === null) throw doubt("no-such-field", "the backup has no such collection or field to look in");
  if (other === null) throw doubt("other-not-drilled", `no restored backup of ${relation.to.source} has told its keys yet`);
  const made = makingOf(all.key, relation);
  if (other.keys.made !== made) throw doubt("other-made-before", `the keys of ${relation.to.source} were told for another declaration`);
  if (Math.abs(startedAt - other.startedAt) > relation.apartMs)
    throw doubt("too-far-apart", `the nearest restored backup of ${relation.to.source} is too far from this one in time`);
  const { level } = other.keys;
  const season = seasoning(all.key, relation);
  const digests = digestsSql(end);
  const there = unpacked(other.keys.digests);
  const [row] = await sandbox.query(`SELECT count(DISTINCT d) AS looked FROM (${digests}) WHERE ${below(level)}`, [season], {
    signal: view.signal,
  });
  // Hex digits only, as they were packed.
  const absent = there.length === 0 ? "true" : `d NOT IN (${there.map(text).join(", ")})`;
  const missing = await sandbox.query(
    `SELECT d, min(edited_at) AS edited_at, min_by(k, n) AS k FROM (${digests}) WHERE ${below(level)} AND ${absent}
       GROUP BY d ORDER BY min(n) LIMIT ${MOST_ROWS}`,
    [season],
    { signal: view.signal, maxRows: MOST_ROWS },
  );
  const known = earlier !== null && earlier.keys.made === made ? new Set(unpacked(earlier.keys.digests)) : null;
  const wasThen = known !== null && earlier !== null && earlier.startedAt + relation.toleranceMs <= other.startedAt;
  // A younger backup of the other side may rightly lack what was removed since this one.
  const younger = other.startedAt > startedAt + relation.toleranceMs;
  const lost = missing.filter((each) => {
    if (younger) return false;
    const edited = each["edited_at"] === null ? null : Number(each["edited_at"]);
    return (edited !== null && edited + relation.toleranceMs <= other.startedAt) || (wasThen && known.has(String(each["d"])));
  });
  return {
    name: relation.name,
    looked: Number(row?.["looked"] ?? 0),
    level,
    lost: lost.length,
    since: missing.length - lost.length,
    examples: lost.slice(0, EXAMPLES).map((each) => exampleOf(view, end, String(each["k"]), relation.to.source)),
  };
}

function exampleOf(view: CheckView, { table, column }: EndColumn, key: string, source: string): Example {
  return view.example(table.collection, key, column?.field.name, `not in ${source}`);
}
