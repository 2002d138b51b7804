/**
 * The only way durable facts enter: evidence first, fsynced; then state, in one transaction that also notes how far it got.
 * Nothing is lost in between: what state missed is in the log and is applied at the next record or start.
 */
import { AgentError, asAgentError } from "../core/errors.ts";
import type { EvidenceEntry, EvidenceHead } from "../core/evidence.ts";
import type { Clock, EvidenceLog, Repositories, State, Telemetry } from "../core/ports.ts";
import type { PlatformName } from "../core/words.ts";
import { METRICS } from "../telemetry/names.ts";
import { applyEntry, META } from "./recorder/apply.ts";
import { type Measure, measuresOf, talliesOf } from "./recorder/tallies.ts";

export interface RecorderDeps {
  readonly evidence: EvidenceLog;
  readonly state: State;
  readonly clock: Pick<Clock, "now">;
  readonly telemetry: Telemetry;
  /** Platform of a configured source; null for one that is not. */
  readonly platformOf: (sourceId: string) => PlatformName | null;
  /** Called after entries are in evidence and state, oldest first; what it throws is logged and changes nothing. */
  readonly onApplied?: (entries: readonly EvidenceEntry[]) => void;
}

export interface Recorder {
  /**
   * Resolves when all entries are on disk and in state. Entries recorded at once keep the order of the calls.
   * Counters and histograms of drills and runs are added to the tallies here; telling them to telemetry, with a trace, is up to the caller.
   * @throws AgentError `limit` when evidence cannot be written: then nothing happened. Any error of the state: then the entries are in evidence,
   * and reach state with the next record or start
   */
  record(entries: readonly EvidenceEntry[]): Promise<void>;
  /**
   * Applies what state missed. To be called once, before anything reads state.
   * @returns how many entries that were
   * @throws AgentError `damaged` state-disagrees when state is ahead of the log or remembers another one
   */
  replay(): Promise<number>;
  /** Once a UTC day, or `always`: an entry and a log line with the head, to be kept elsewhere. */
  noteHead(always?: boolean): Promise<void>;
}

interface Numbered {
  readonly seq: number;
  readonly hash: string | null;
  readonly entry: EvidenceEntry;
}

/** One transaction holds so many entries of a replay: enough that what many of them add to the same tally is written once. */
const CHUNK = 2000;
const DAY_MS = 86_400_000;

export function createRecorder(deps: RecorderDeps): Recorder {
  const { evidence, state, clock, telemetry } = deps;
  let queue: Promise<unknown> = Promise.resolve();

  /** Only one at a time moves state along the log. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work);
    queue = result.catch(() => undefined);
    return result;
  }

  async function record(entries: readonly EvidenceEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const whole = entries.map((entry) => withPlatform(entry, deps.platformOf));
    const head = await evidence.append(whole);
    const before = head.seq - whole.length;
    await inTurn(async () => {
      const missed = await catchUp(before);
      const own = whole.map((entry, index) => ({
        seq: before + 1 + index,
        hash: index === whole.length - 1 ? head.hash : null,
        entry,
      }));
      let applied: readonly Numbered[] = [];
      try {
        applied = await apply(own);
      } finally {
        tell(missed, applied);
        announce([...missed, ...applied].map((one) => one.entry));
      }
    });
  }

  /** @returns entries up to `until` that state had missed */
  async function catchUp(until: number): Promise<Numbered[]> {
    const { seq } = await readApplied(state.repositories);
    if (seq >= until) return [];
    const caught: Numbered[] = [];
    for await (const chunk of chunks(evidence, seq, until)) caught.push(...(await apply(chunk)));
    return caught;
  }

  /** @returns those that were not applied before */
  async function apply(entries: readonly Numbered[]): Promise<Numbered[]> {
    return state.transaction(async (repositories) => {
      const applied = await readApplied(repositories);
      const fresh = entries.filter((one) => one.seq > applied.seq);
      const last = fresh.at(-1);
      if (last === undefined) return [];
      if (fresh[0]?.seq !== applied.seq + 1 || last.hash === null)
        throw new AgentError("internal", "evidence-gap", `State is at entry ${applied.seq} and was handed entry ${fresh[0]?.seq}.`);
      const tallies = [];
      for (const { entry } of fresh) tallies.push(...talliesOf(entry, await applyEntry(repositories, entry)));
      await repositories.tallies.add(tallies);
      await repositories.meta.set(META.applied, JSON.stringify({ seq: last.seq, hash: last.hash }));
      return fresh;
    });
  }

  async function replay(): Promise<number> {
    return inTurn(async () => {
      const applied = await readApplied(state.repositories);
      await requireAgreement(applied, evidence);
      let count = 0;
      for await (const chunk of chunks(evidence, applied.seq, evidence.head().seq)) count += (await apply(chunk)).length;
      return count;
    });
  }

  async function noteHead(always = false): Promise<void> {
    const now = clock.now();
    const noted = await readJson<{ readonly at: number }>(state.repositories, META.noted);
    if (!always && noted !== null && Math.floor(noted.at / DAY_MS) === Math.floor(now / DAY_MS)) return;
    const { seq, hash } = evidence.head();
    await record([{ type: "head.noted", at: now, head: hash, seq }]);
    telemetry.log("info", "evidence head", { seq, head: hash });
  }

  /** Callers tell what they recorded themselves; what is left is the length of the log, and what an earlier call could not tell. */
  function tell(missed: readonly Numbered[], own: readonly Numbered[]): void {
    const told = new Set(own.map(({ entry }) => factOf(entry)));
    const late = missed.flatMap(({ entry }) => measuresOf(entry, !told.has(factOf(entry))));
    const measures: readonly Measure[] = [...late, ...own.flatMap(({ entry }) => measuresOf(entry, false))];
    for (const { metric, labels, value } of measures) {
      if (METRICS[metric].type === "counter") telemetry.count(metric, labels, value);
      else telemetry.observe(metric, labels, value);
    }
  }

  function announce(entries: readonly EvidenceEntry[]): void {
    try {
      if (entries.length > 0) deps.onApplied?.(entries);
    } catch (thrown) {
      telemetry.log("error", "something that follows the record failed", { "error.type": asAgentError(thrown).code });
    }
  }

  return { record, replay, noteHead };
}

/** Which drill or run an entry is about; one of its own for all others. */
function factOf(entry: EvidenceEntry): unknown {
  if (entry.type === "drill.finished") return `drill ${entry.drill.id}`;
  return entry.type === "run.reported" ? `run ${entry.report.id}` : entry;
}

function withPlatform(entry: EvidenceEntry, platformOf: RecorderDeps["platformOf"]): EvidenceEntry {
  if (entry.type !== "drill.finished" || entry.platform !== undefined) return entry;
  return { ...entry, platform: platformOf(entry.drill.sourceId) ?? "other" };
}

async function* chunks(evidence: EvidenceLog, after: number, until: number): AsyncGenerator<readonly Numbered[]> {
  let chunk: Numbered[] = [];
  if (after >= until) return;
  for await (const { seq, hash, entry } of evidence.read(after)) {
    if (seq > until) break;
    chunk.push({ seq, hash, entry });
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** How far state follows the evidence. A state that follows none yet is at 0. */
export async function readApplied(repositories: Repositories): Promise<EvidenceHead> {
  return (await readJson<EvidenceHead>(repositories, META.applied)) ?? { seq: 0, hash: "0".repeat(64) };
}

async function readJson<T>(repositories: Repositories, key: string): Promise<T | null> {
  const text = await repositories.meta.get(key);
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch (thrown) {
    throw new AgentError("damaged", "state-damaged", `The state is damaged: ${key} is not JSON.`, {
      cause: thrown,
      mend: "restorewatch state rebuild",
    });
  }
}

async function requireAgreement(applied: EvidenceHead, evidence: EvidenceLog): Promise<void> {
  const head = evidence.head();
  if (applied.seq > head.seq)
    throw disagreement(`it follows the evidence up to entry ${applied.seq}, but the log ends at entry ${head.seq}: its end was lost`);
  if (applied.seq === 0) return;
  const hash = applied.seq === head.seq ? head.hash : await hashOf(applied.seq, evidence);
  if (hash !== applied.hash) throw disagreement(`entry ${applied.seq} of the evidence is another than the one it was made from`);
}

async function hashOf(seq: number, evidence: EvidenceLog): Promise<string | null> {
  for await (const stored of evidence.read(seq - 1)) return stored.hash;
  return null;
}

function disagreement(why: string): AgentError {
  return new AgentError("damaged", "state-disagrees", `State and evidence disagree: ${why}.`, {
    mend: "see what restorewatch evidence verify says and put the evidence back from its backup, or accept it as it is with restorewatch state rebuild",
  });
}
