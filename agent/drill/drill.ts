/**
 * One drill, the child's half: open, parse, provision, load, checks, dispose. It never throws for what an artifact holds: damage is a
 * finding that the checks report, and everything else that goes wrong is told as trouble of our own.
 */
import { rm } from "node:fs/promises";
import type { FormatDefinition, SandboxDefinition } from "../core/definitions.ts";
import { AgentError } from "../core/errors.ts";
import type { ArtifactFacts, Check, Clock, Content, Encryption, LoadReport, Sandbox } from "../core/ports.ts";
import type { PointFacts } from "../core/values.ts";
import type { Phase } from "../core/words.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import { type ReadArtifact, readArtifact } from "./artifact.ts";
import { type Channel, clip, clipName } from "./channel.ts";
import { clearPath, decryptAge, isAge } from "./decrypt.ts";
import { keepTables } from "./keep-tables.ts";
import { keySetsOf } from "../core/relations.ts";
import { factsOf, sampleInfo } from "./facts.ts";
import { observeContent, type ObservedContent } from "./observed-content.ts";
import type { DrillJob } from "./protocol.ts";
import { recognise, type Recognised } from "./recognise.ts";
import { writeRestoreSet } from "./restore-set.ts";
import { resourceMeter, type ResourceMeter } from "./resources.ts";
import { databaseAttributes, runChecks } from "./run-checks.ts";
import { type ChildSpan, spanTeller, type SpanTeller } from "./spans.ts";
import { listeningChannel } from "./told.ts";
import { isDamage, type Trouble, troubleOf } from "./trouble.ts";

export interface DrillDeps {
  readonly formats: readonly FormatDefinition[];
  /** The first one is used. */
  readonly sandboxes: readonly SandboxDefinition[];
  readonly checks: readonly Check[];
  readonly clock: Clock;
  readonly channel: Channel;
  readonly signal: AbortSignal;
  /** Longest time one check may take; 60 s when not given. */
  readonly checkTimeMs?: number;
}

/** What is known so far; later phases work with what earlier ones reached. */
interface Progress {
  artifact: ReadArtifact | null;
  recognised: Recognised | null;
  content: Content | null;
  observed: ObservedContent | null;
  sandbox: Sandbox | null;
  load: LoadReport | null;
  encryption: Encryption | null;
  facts: PointFacts | null;
  damage: Trouble | null;
  trouble: Trouble | null;
}

interface Stage {
  readonly job: DrillJob;
  readonly deps: DrillDeps;
  readonly told: () => Iterable<string>;
  readonly spans: SpanTeller;
  readonly meter: ResourceMeter;
  readonly signal: AbortSignal;
  readonly leftMs: () => number;
  readonly elapsed: Map<Phase, number>;
  readonly progress: (phase: Phase, done: number, of: number | null, last?: boolean) => void;
}

const PROGRESS_EVERY_MS = 100;
const CHECK_TIME_MS = 60_000;

/** Resolves when everything was told, `done` last. Throws only when the channel is gone. */
export async function drill(job: DrillJob, given: DrillDeps): Promise<void> {
  const channel = listeningChannel(given.channel, job.digestKey === null);
  const deps: DrillDeps = { ...given, channel };
  const timeout = new AbortController();
  const finished = new AbortController();
  const began = deps.clock.monotonic();
  const leftMs = (): number => job.limits.timeMs - (deps.clock.monotonic() - began);
  const stage: Stage = {
    job,
    deps,
    told: () => channel.told(),
    spans: spanTeller(channel, deps.clock),
    meter: resourceMeter(job.workDir),
    signal: AbortSignal.any([deps.signal, timeout.signal]),
    leftMs,
    elapsed: new Map(),
    progress: throttledProgress(deps),
  };
  const late = new AgentError("limit", "time-limit", `The drill reached its time limit of ${Math.round(job.limits.timeMs / 100) / 10} s.`, {
    mend: "raise verify.limits.time",
  });
  const ticking = deps.clock.sleep(job.limits.timeMs, finished.signal).then(
    () => timeout.abort(late),
    () => undefined,
  );
  const state: Progress = {
    artifact: null,
    recognised: null,
    content: null,
    observed: null,
    sandbox: null,
    load: null,
    encryption: null,
    facts: null,
    damage: null,
    trouble: null,
  };
  try {
    await restore(stage, state);
    // Before the checks: some compare them with earlier ones, and the last looks at all that was told.
    await tellFacts(stage, state);
    if (job.keepTables === true) await layDown(stage, state);
    else await check(stage, state);
    await offerRestoreSet(stage, state);
    await assertUnchanged(state);
  } finally {
    await dispose(stage, state);
    finished.abort();
    await ticking;
  }
  deps.channel.send({ t: "done", trouble: state.trouble, resources: stage.meter.use() });
}

async function restore(stage: Stage, state: Progress): Promise<void> {
  const { job, deps, signal, meter } = stage;
  const opened = await phase(stage, state, "open", null, async () => {
    const onBytes = (bytes: number): void => {
      meter.setReadBytes(bytes);
      stage.progress("open", bytes, null);
    };
    state.artifact = await readArtifact(job.artifactPath, job.artifactName, job.limits, signal, onBytes, job.unread);
    return { [ATTRIBUTES.bytes]: state.artifact.facts.bytes };
  });
  if (opened && (await decrypt(stage, state))) await parse(stage, state);
  const facts = state.artifact?.facts ?? unread(job);
  deps.channel.send({
    t: "opened",
    recognised:
      state.recognised === null
        ? null
        : {
            format: state.recognised.id,
            formatVersion: clippedOrNull(state.content?.formatVersion ?? state.recognised.formatVersion),
          },
    createdAt: state.content?.createdAt ?? null,
    artifact: { ...facts, path: clip(facts.path) },
  });
  if (state.content !== null) await load(stage, state, state.content);
}

/** @returns true when the artifact can be parsed: it is not encrypted as a whole, or now lies open in the drill's directory */
async function decrypt(stage: Stage, state: Progress): Promise<boolean> {
  const { job, signal } = stage;
  const { artifact } = state;
  if (artifact === null || !isAge(artifact.probe)) return artifact !== null;
  return phase(stage, state, "decrypt", null, async () => {
    const path = clearPath(job.workDir);
    const { state: found, error } = await decryptAge(artifact.probe, job.key, path, job.limits.diskMb * 1e6, signal);
    state.encryption = { kind: "age", state: found };
    if (error !== null) throw error;
    // The facts stay those of the bytes in the vault.
    const { probe } = await readArtifact(path, job.artifactName, job.limits, signal, () => undefined);
    state.artifact = { ...artifact, probe };
    return { [ATTRIBUTES.bytes]: probe.bytes };
  });
}

async function parse(stage: Stage, state: Progress): Promise<void> {
  const { job, deps, signal } = stage;
  await phase(stage, state, "parse", null, async () => {
    if (state.artifact === null) return {};
    state.recognised = await recognise(deps.formats, job.format, state.artifact.probe);
    const { maxBytes, maxEntries, maxRatio, maxDepth } = job.limits;
    const context = {
      workDir: job.workDir,
      key: job.key,
      limits: { maxBytes, maxEntries, maxRatio, maxDepth },
      signal,
      ...(job.unread === undefined ? {} : { unread: new Map(job.unread.map((file) => [file.path, file.bytes])) }),
    };
    state.content = await state.recognised.format.open(state.artifact.probe, context);
    return { [ATTRIBUTES.items]: state.content.collections.length };
  });
}

async function load(stage: Stage, state: Progress, content: Content): Promise<void> {
  const { job, deps, signal, meter } = stage;
  const provisioned = await phase(stage, state, "provision", null, async () => {
    const [definition] = deps.sandboxes;
    if (definition === undefined) throw new AgentError("internal", "no-sandbox", "No sandbox is registered.");
    const sandbox = definition.create({ readPaths: [job.artifactPath] });
    state.sandbox = sandbox;
    await sandbox.provision(job.workDir, job.limits);
    // Provisioning throws where the sandbox cannot be locked.
    deps.channel.send({ t: "sandbox", locked: true });
    return {};
  });
  if (!provisioned) return;
  await phase(stage, state, "load", databaseAttributes("INSERT"), async () => {
    const expected = expectedRecords(content);
    const observed = observeContent(content, (records) => stage.progress("load", records, expected));
    state.observed = observed;
    if (state.sandbox === null) return {};
    state.load = await state.sandbox.load(observed.content, job.sample, signal);
    await meter.lookAtDisk();
    return { [ATTRIBUTES.items]: state.load.checked };
  });
}

async function check(stage: Stage, state: Progress): Promise<void> {
  const { job, deps, signal } = stage;
  // Where not one byte could be looked at there is nothing to ask.
  if (state.artifact === null) return;
  const { facts } = state.artifact;
  await phase(stage, state, "checks", null, async (parent) => {
    const results = await runChecks(deps.checks, {
      view: {
        artifact: facts,
        damage: state.damage,
        content: state.content,
        load: state.load,
        sandbox: state.load === null ? null : state.sandbox,
        elapsedMs: (name) => stage.elapsed.get(name) ?? 0,
        encryption: state.encryption ?? (state.trouble?.code === "zip-encrypted" ? { kind: "zip", state: "unsupported" } : null),
        facts: state.facts,
        told: stage.told,
      },
      expectation: job.expectation,
      because: state.trouble?.message ?? null,
      digestKey: job.digestKey,
      timeMs: deps.checkTimeMs ?? CHECK_TIME_MS,
      leftMs: stage.leftMs,
      clock: deps.clock,
      spans: stage.spans,
      parent,
      signal,
      onResult(result, done, of) {
        deps.channel.send(mutable({ t: "check", result }));
        stage.progress("checks", done, of, done === of);
      },
    });
    // A check that was cut short is trouble of the drill, not only of the check.
    signal.throwIfAborted();
    return { [ATTRIBUTES.items]: results.length };
  });
}

async function tellFacts(stage: Stage, state: Progress): Promise<void> {
  const { content, load, sandbox, observed } = state;
  if (content === null || load === null || sandbox === null || stage.signal.aborted) return;
  try {
    const keys = await keySetsOf(load, sandbox, stage.job.expectation.relations, stage.signal);
    const found = await factsOf(content, load, sandbox, observed?.links() ?? 0, stage.job.digestKey, stage.signal);
    const facts = keys.length === 0 ? found : { ...found, keys };
    state.facts = facts;
    stage.deps.channel.send({ t: "facts", facts: mutable(facts), sample: sampleInfo(load, stage.job.sample) });
  } catch (thrown) {
    state.trouble ??= troubleOf(thrown);
  }
}

/** Only of what loaded whole: half a baseline would make losses of what it lacks. */
async function layDown(stage: Stage, state: Progress): Promise<void> {
  const { content, load, sandbox } = state;
  if (content === null || load === null || sandbox === null || stage.signal.aborted) return;
  try {
    stage.deps.channel.send(mutable({ t: "tables", ...(await keepTables(content, load, sandbox, stage.job.workDir, stage.signal)) }));
  } catch (thrown) {
    if (isDamage(thrown)) state.damage ??= troubleOf(thrown);
    state.trouble ??= troubleOf(thrown);
  }
}

/** Only of what loaded: the agent, which has the network, restores it into a workspace of the product. */
async function offerRestoreSet(stage: Stage, state: Progress): Promise<void> {
  const { content, load, sandbox } = state;
  const { restore, expectation, workDir } = stage.job;
  if (restore === undefined || content === null || load === null || sandbox === null || stage.signal.aborted) return;
  try {
    const written = await writeRestoreSet(content, load, sandbox, restore, expectation.critical, workDir, stage.signal);
    stage.deps.channel.send({ t: "restore-set", ...written });
  } catch (thrown) {
    state.trouble ??= troubleOf(thrown);
  }
}

/**
 * What was digested has to be what was opened and loaded: an artifact that changed in between is trouble, and what was found is neither a
 * fault of it nor its verification.
 */
async function assertUnchanged(state: Progress): Promise<void> {
  try {
    await state.artifact?.assertUnchanged();
  } catch (thrown) {
    state.trouble = troubleOf(thrown);
  }
}

/** Whatever happened before, content and sandbox are let go; what stays behind is trouble. */
async function dispose(stage: Stage, state: Progress): Promise<void> {
  await stage.meter.lookAtDisk();
  await phase(stage, state, "dispose", null, async () => {
    const clear = state.encryption === null ? undefined : rm(clearPath(stage.job.workDir), { force: true });
    const failures = (await Promise.allSettled([state.content?.close(), state.sandbox?.dispose(), clear])).filter(
      (result) => result.status === "rejected",
    );
    if (failures.length > 0)
      throw new AgentError("internal", "sandbox-leak", "The sandbox could not be disposed of.", { cause: failures[0]?.reason });
    return {};
  });
}

/**
 * Runs one phase as a span and times it.
 * @param call attributes of a call to the database that the phase is as a whole, or null
 * @param work returns the attributes to end the span with
 * @returns false when it failed: then `state` says why
 */
async function phase(
  stage: Stage,
  state: Progress,
  name: Phase,
  call: Record<string, string> | null,
  work: (span: ChildSpan) => Promise<Record<string, number>>,
): Promise<boolean> {
  const { spans, deps } = stage;
  const span = spans.start(SPANS.phase(name), null);
  const inner = call === null ? null : spans.start(`sandbox.${name}`, span, call, "client");
  const started = deps.clock.monotonic();
  let attributes: Record<string, number> = {};
  let failure: Trouble | null = null;
  try {
    // Dispose runs even when time is up; nothing else begins then.
    if (name !== "dispose") stage.signal.throwIfAborted();
    attributes = await work(span);
  } catch (thrown) {
    const aborted = stage.signal.aborted && name !== "dispose";
    failure = troubleOf(aborted ? stage.signal.reason : thrown);
    if (!aborted && isDamage(thrown)) state.damage ??= failure;
    else state.trouble ??= failure;
  }
  const ms = deps.clock.monotonic() - started;
  stage.elapsed.set(name, ms);
  const error = failure === null ? null : { type: failure.code, message: failure.message };
  inner?.end(attributes, error);
  span.end(attributes, error);
  deps.channel.send({ t: "phase", phase: name, ms });
  return failure === null;
}

function throttledProgress(deps: DrillDeps): Stage["progress"] {
  let told = Number.NEGATIVE_INFINITY;
  return (name, done, of, last = false) => {
    const now = deps.clock.monotonic();
    if (!last && now - told < PROGRESS_EVERY_MS) return;
    told = now;
    deps.channel.send({ t: "progress", phase: name, done, of });
  };
}

/** Null as soon as one collection does not say how many records it has. */
function expectedRecords(content: Content): number | null {
  let sum = 0;
  for (const { declaredRecords } of content.collections) {
    if (declaredRecords === null) return null;
    sum += declaredRecords;
  }
  return sum;
}

function unread(job: DrillJob): ArtifactFacts {
  return { path: job.artifactName, kind: "file", bytes: 0, sha256: null, files: 0 };
}

function clippedOrNull(text: string | null): string | null {
  return text === null ? null : clipName(text);
}

/** The protocol's schema knows no read-only lists; a message is only ever turned into text. */
function mutable<T>(value: T): Mutable<T> {
  return value as Mutable<T>;
}

type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Mutable<T[Key]> }
    : T;
