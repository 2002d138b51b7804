/** Asks a check of a fixture as the drill does: content in a real sandbox, skips as the runner decides them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Check, CheckOutcome, CheckView, Content, Expectation, LoadReport, Sandbox } from "../../agent/core/ports.ts";
import { keepTables } from "../../agent/drill/keep-tables.ts";
import { factsOf } from "../../agent/drill/facts.ts";
import type { PointFacts } from "../../agent/core/values.ts";
import { duckdb } from "../../agent/sandboxes/duckdb/index.ts";
import { artifactFacts, type CheckFixture, expectation } from "../fixtures/checks/build.ts";

/** The outcome, with the runner's own skip where the format does not have the aspect. */
export async function ask(check: Check, fixture: CheckFixture, signal = new AbortController().signal): Promise<CheckOutcome> {
  const { content } = fixture;
  if (check.aspect !== null && content !== null) {
    const aspect = content.aspects[check.aspect];
    if (!aspect.included) return { status: "skip", observed: aspect.reason };
  }
  const previous = fixture.before === undefined ? {} : { previous: await factsAlone(fixture.before) };
  const directory = await mkdtemp(join(tmpdir(), "rw-check-"));
  const baseline = fixture.baseline === undefined ? {} : { baseline: await laidDown(fixture.baseline, directory) };
  let sandbox: Sandbox | null = null;
  let load: LoadReport | null = null;
  try {
    if (check.needs === "sandbox" && content !== null) {
      sandbox = duckdb.create();
      await sandbox.provision(directory, { memoryMb: 128, diskMb: 100, threads: 1 });
      load = await sandbox.load(content, EVERYTHING, signal);
      load = fixture.loadTold?.(load) ?? load;
    }
    const view: CheckView = {
      artifact: artifactFacts(fixture.artifact),
      damage: fixture.damage ?? null,
      content,
      load,
      sandbox,
      example: (collection, key, field, note) => ({
        collection: collection.name,
        item: key,
        ...(field === undefined ? {} : { field }),
        ...(note === undefined ? {} : { note }),
      }),
      elapsedMs: () => fixture.elapsedMs ?? 0,
      encryption: fixture.encryption ?? null,
      facts:
        content === null || load === null || sandbox === null
          ? null
          : await factsOf(content, load, sandbox, 0, fixture.digestKey ?? null, new AbortController().signal),
      told: () => fixture.told ?? [],
      signal,
    };
    return await check.run(view, expectation({ ...fixture.expectation, ...previous, ...baseline }));
  } finally {
    await sandbox?.dispose();
    await rm(directory, { recursive: true, force: true });
  }
}

const EVERYTHING = { strategy: "all", count: 0, rate: 1, seed: "00", always: [] } as const;

/** What a drill would have remembered of an artifact. */
async function factsAlone(content: Content): Promise<PointFacts> {
  const directory = await mkdtemp(join(tmpdir(), "rw-check-"));
  const sandbox = duckdb.create();
  try {
    const { signal } = new AbortController();
    await sandbox.provision(directory, { memoryMb: 128, diskMb: 100, threads: 1 });
    return await factsOf(content, await sandbox.load(content, EVERYTHING, signal), sandbox, 0, null, signal);
  } finally {
    await sandbox.dispose();
    await rm(directory, { recursive: true, force: true });
  }
}

/** A baseline as the drill before lays it down. */
async function laidDown(content: Content, directory: string): Promise<NonNullable<Expectation["baseline"]>> {
  const sandbox = duckdb.create();
  try {
    const { signal } = new AbortController();
    await sandbox.provision(directory, { memoryMb: 128, diskMb: 100, threads: 1 });
    const load = await sandbox.load(content, EVERYTHING, signal);
    const facts = await factsOf(content, load, sandbox, 0, null, signal);
    return { at: null, facts, ...(await keepTables(content, load, sandbox, directory, signal)) };
  } finally {
    await sandbox.dispose();
  }
}
