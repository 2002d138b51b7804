/**
 * The contract every Format keeps. A format's whole contract test is one call:
 * `formatContract({ name: "grist", create: () => gristFormat.create(), clean: [copied(path)], skips: [] })`.
 */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ASPECTS, type ContentRecord } from "../../agent/core/content.ts";
import { AgentError } from "../../agent/core/errors.ts";
import type { ArtifactProbe, Content, Format, FormatContext } from "../../agent/core/ports.ts";
import { probeArtifact } from "../../agent/kit/artifact-probe.ts";
import { valueProblem } from "./canonical.ts";
import {
  type CleanArtifact,
  cut,
  cutLengths,
  emptyDirectory,
  flip,
  foreignBytes,
  snapshot,
  vitalFile,
  writePlainDatabase,
} from "./format-artifacts.ts";

export const FORMAT_CASES = [
  "any-bytes",
  "foreign",
  "clean",
  "renamed",
  "truncated",
  "flipped",
  "vanished",
  "limit",
  "model",
  "streams-twice",
  "canonical",
  "links-known",
  "file-bytes",
  "abort-before",
  "abort-mid-stream",
  "close-twice",
  "untouched",
  "quiet-errors",
] as const;
export type FormatCase = (typeof FORMAT_CASES)[number];

export interface FormatSuite {
  readonly name: string;
  readonly create: () => Format;
  /** At least one; between them at least one collection of more than one batch, or `abort-mid-stream` is skipped with the reason. */
  readonly clean: readonly CleanArtifact[];
  readonly skips: readonly { readonly case: FormatCase; readonly reason: string }[];
}

export const ROOMY: FormatContext["limits"] = { maxBytes: 2 ** 31, maxEntries: 100_000, maxRatio: 1000, maxDepth: 64 };

export function contextIn(workDir: string, more: Partial<FormatContext> = {}): FormatContext {
  return { workDir, key: null, limits: ROOMY, signal: new AbortController().signal, ...more };
}

/** The probe of a path that is known to be there. */
export async function probeOf(path: string): Promise<ArtifactProbe> {
  const result = await probeArtifact(path);
  if (!result.ok) throw new Error(`${result.reason}: ${path}`);
  return result.probe;
}

export function formatContract(suite: FormatSuite): void {
  const skipped = new Set(suite.skips.map((skip) => skip.case));
  describe(`format contract: ${suite.name}`, () => {
    let root = "";
    let work = "";
    beforeEach(async () => {
      root = await mkdtemp(join(tmpdir(), "rw-format-"));
      work = await emptyDirectory(join(root, "work"));
    });
    afterEach(async () => {
      await rm(root, { recursive: true, force: true });
    });

    let written = 0;
    const write = async (artifact: CleanArtifact): Promise<string> => {
      written += 1;
      const directory = join(root, `artifact-${written}`);
      await mkdir(directory);
      return artifact.write(directory);
    };
    const context = (artifact: CleanArtifact, more: Partial<FormatContext> = {}): FormatContext =>
      contextIn(work, { key: artifact.key ?? null, ...more });
    const withContent = async (artifact: CleanArtifact, use: (content: Content) => Promise<void>): Promise<void> => {
      const content = await suite.create().open(await probeOf(await write(artifact)), context(artifact));
      try {
        await use(content);
      } finally {
        await content.close();
      }
    };
    const cases: { readonly id: FormatCase; readonly title: string; readonly body: () => Promise<void> }[] = [];
    const test = (id: FormatCase, sentence: string, body: () => Promise<void>): void => {
      cases.push({ id, title: `${id}: ${sentence}`, body });
    };
    const each = (id: FormatCase, sentence: string, body: (artifact: CleanArtifact) => Promise<void>): void => {
      for (const artifact of suite.clean) test(id, `${sentence} [${artifact.name}]`, () => body(artifact));
    };

    it("has clean artifacts to work on, and a reason for every skip", () => {
      expect(suite.clean.length).toBeGreaterThan(0);
      for (const skip of suite.skips) expect(skip.reason.length).toBeGreaterThan(10);
    });

    test("any-bytes", "recognise never throws and never says surely to bytes of nobody", async () => {
      for (const [name, bytes] of Object.entries(foreignBytes())) {
        const path = join(root, "foreign");
        await writeFile(path, bytes);
        const recognition = await suite.create().recognise(await probeOf(path));
        expect(recognition.confidence, `given ${name}`).toBeLessThan(0.5);
        expect(recognition.because, `given ${name}`).not.toBe("");
      }
      const gone: ArtifactProbe = {
        path: join(root, "gone"),
        kind: "directory",
        bytes: 10,
        head: new Uint8Array(0),
        entries: ["flows.json", "a/b.json", "manifest.json"],
        readHead: () => Promise.reject(new Error("cannot be read")),
      };
      expect((await suite.create().recognise(gone)).confidence).toBeLessThan(0.5);
    });

    test("foreign", "a database and a directory of something else are not taken for it", async () => {
      const database = join(root, "other.sqlite");
      await writePlainDatabase(database);
      expect((await suite.create().recognise(await probeOf(database))).confidence).toBeLessThan(0.5);
      const directory = await emptyDirectory(join(root, "other"));
      expect((await suite.create().recognise(await probeOf(directory))).confidence).toBeLessThan(0.5);
      for (const [name, bytes] of Object.entries(foreignBytes())) await writeFile(join(directory, `${name}.json`), bytes);
      expect((await suite.create().recognise(await probeOf(directory))).confidence).toBeLessThan(0.5);
    });

    each("clean", "is recognised and opens whole, with the same version", async (artifact) => {
      const probe = await probeOf(await write(artifact));
      const recognition = await suite.create().recognise(probe);
      expect(recognition.confidence).toBeGreaterThanOrEqual(0.5);
      const content = await suite.create().open(probe, context(artifact));
      expect(content.integrity.problems).toEqual([]);
      expect(content.integrity.complete).toBe(true);
      expect(content.formatVersion).toBe(recognition.formatVersion ?? content.formatVersion);
      if (artifact.formatVersion !== undefined) expect(content.formatVersion).toBe(artifact.formatVersion);
      await content.close();
    });

    each("renamed", "is recognised under another name", async (artifact) => {
      const path = await write(artifact);
      const renamed = join(dirname(path), "0a1b2c.bin");
      await rename(path, renamed);
      expect((await suite.create().recognise(await probeOf(renamed))).confidence).toBeGreaterThanOrEqual(0.5);
    });

    each("truncated", "cut short, it is damaged or said to be incomplete", async (artifact) => {
      const lengths = await cutLengths(await vitalFile(await write(artifact), artifact));
      expect(lengths.length).toBeGreaterThan(0);
      for (const length of lengths) {
        const path = await write(artifact);
        await cut(await vitalFile(path, artifact), length);
        const probe = await probeOf(path);
        await suite.create().recognise(probe);
        const outcome = await outcomeOf(suite.create(), probe, context(artifact));
        expect(["damaged", "incomplete"], `cut at ${length}: ${outcome.detail}`).toContain(outcome.kind);
      }
    });

    each("flipped", "with bytes flipped, it opens or is damaged; nothing else comes out", async (artifact) => {
      for (let seed = 1; seed <= 12; seed += 1) {
        const path = await write(artifact);
        await flip(await vitalFile(path, artifact), seed, seed <= 6 ? 1 : 40);
        const probe = await probeOf(path);
        await suite.create().recognise(probe);
        const outcome = await outcomeOf(suite.create(), probe, context(artifact));
        expect(["damaged", "incomplete", "whole"], `seed ${seed}: ${outcome.detail}`).toContain(outcome.kind);
      }
    });

    each("vanished", "gone between the look and the opening, it is not called damaged", async (artifact) => {
      const path = await write(artifact);
      const probe = await probeOf(path);
      await rm(path, { recursive: true });
      const thrown = await suite
        .create()
        .open(probe, context(artifact))
        .then(
          () => null,
          (error: unknown) => error,
        );
      expect(thrown).toBeInstanceOf(AgentError);
      expect((thrown as AgentError).kind).not.toBe("damaged");
    });

    each("limit", "larger than the limit, it is refused as our limit", async (artifact) => {
      const probe = await probeOf(await write(artifact));
      const opening = suite.create().open(probe, context(artifact, { limits: { ...ROOMY, maxBytes: 8 } }));
      await expect(opening).rejects.toMatchObject({ name: "AgentError", kind: "limit" });
    });

    each("model", "ids are unique, aspects are complete, references inside the model hold", async (artifact) => {
      await withContent(artifact, async (content) => {
        for (const list of [content.collections, content.automations, content.credentials, content.files, content.access, content.settings])
          expect(repeated(list.map((item) => item.id))).toEqual([]);
        expect(repeated(content.views.map((view) => view.id))).toEqual([]);
        expect(Object.keys(content.aspects).sort()).toEqual([...ASPECTS].sort());
        for (const state of Object.values(content.aspects)) if (!state.included) expect(state.reason).not.toBe("");
        for (const collection of content.collections) expect(repeated(collection.fields.map((field) => field.id))).toEqual([]);
      });
    });

    each("streams-twice", "records come twice the same, in the same order, aligned with the fields, keys filled", async (artifact) => {
      await withContent(artifact, async (content) => {
        for (const collection of content.collections) {
          const first = await rowsOf(content, collection.id);
          expect(await rowsOf(content, collection.id)).toEqual(first);
          for (const record of first) {
            expect(record.values).toHaveLength(collection.fields.length);
            expect(record.key).not.toBe("");
          }
          expect(repeated(first.map((record) => record.key))).toEqual([]);
        }
      });
    });

    each("canonical", "values are canonical; those that do not fit their type are as many as known", async (artifact) => {
      await withContent(artifact, async (content) => {
        const raw: string[] = [];
        for (const collection of content.collections)
          for (const record of await rowsOf(content, collection.id))
            for (const [index, field] of collection.fields.entries()) {
              const problem = valueProblem(field, record.values[index]);
              const place = `${collection.id}.${field.id} (${field.type}): ${problem?.why}`;
              if (problem?.kind === "shape") expect.fail(place);
              if (problem?.kind === "raw" && !field.computed && !collection.computed) raw.push(place);
            }
        expect(raw).toHaveLength(artifact.rawValues ?? 0);
      });
    });

    each("links-known", "link fields lead to collections and reciprocal fields that are there", async (artifact) => {
      await withContent(artifact, async (content) => {
        for (const field of content.collections.flatMap((collection) => collection.fields)) {
          if (field.type === "link" || field.type === "links") expect(field.link, `${field.id} is a link`).not.toBeNull();
          if (field.link === null) continue;
          const target = content.collections.find((candidate) => candidate.id === field.link?.collection);
          expect(target, `${field.id} → ${field.link.collection}`).toBeDefined();
          if (field.link.reciprocal !== null) expect(target?.fields.map((other) => other.id)).toContain(field.link.reciprocal);
        }
      });
    });

    each("file-bytes", "files inside can be read, with the declared length", async (artifact) => {
      await withContent(artifact, async (content) => {
        for (const file of content.files.filter((candidate) => candidate.presence === "inside")) {
          let length = 0;
          for await (const chunk of content.fileBytes(file.id, new AbortController().signal)) length += chunk.byteLength;
          if (file.bytes !== null) expect(length).toBe(file.bytes);
        }
      });
    });

    each("abort-before", "an aborted signal ends opening and streams at once", async (artifact) => {
      const probe = await probeOf(await write(artifact));
      const opening = suite.create().open(probe, context(artifact, { signal: AbortSignal.abort() }));
      expect(isAbort(await opening.then(() => null, caught))).toBe(true);
      await withContent(artifact, async (content) => {
        for (const collection of content.collections) {
          const stream = content.records(collection.id, AbortSignal.abort())[Symbol.asyncIterator]();
          expect(isAbort(await stream.next().then(() => null, caught))).toBe(true);
        }
      });
    });

    test("abort-mid-stream", "aborting between two batches ends the stream with an error", async () => {
      let tried = 0;
      for (const artifact of suite.clean)
        await withContent(artifact, async (content) => {
          for (const collection of content.collections) {
            const controller = new AbortController();
            const stream = content.records(collection.id, controller.signal)[Symbol.asyncIterator]();
            const first = await stream.next();
            const all = await rowsOf(content, collection.id);
            if (first.done === true || first.value.length >= all.length) continue;
            tried += 1;
            controller.abort();
            expect(isAbort(await stream.next().then(() => null, caught))).toBe(true);
          }
        });
      expect(tried, "no clean artifact has a collection of more than one batch").toBeGreaterThan(0);
    });

    each("close-twice", "close may be called again, and an abandoned stream does not hold it up", async (artifact) => {
      const content = await suite.create().open(await probeOf(await write(artifact)), context(artifact));
      for (const collection of content.collections)
        await content.records(collection.id, new AbortController().signal)[Symbol.asyncIterator]().next();
      await content.close();
      await expect(content.close()).resolves.toBeUndefined();
    });

    each("untouched", "no byte of the artifact changes and nothing is written outside the work directory", async (artifact) => {
      const path = await write(artifact);
      const before = await snapshot(dirname(path));
      const beside = (await readdir(root)).sort();
      const content = await suite.create().open(await probeOf(path), context(artifact));
      for (const collection of content.collections) await rowsOf(content, collection.id);
      expect(await snapshot(dirname(path))).toEqual(before);
      await content.close();
      expect(await snapshot(dirname(path))).toEqual(before);
      expect((await readdir(root)).sort()).toEqual(beside);
    });

    each("quiet-errors", "errors about damage carry no value of a record and no key", async (artifact) => {
      const secrets = new Set<string>(artifact.key ? [artifact.key] : []);
      await withContent(artifact, async (content) => {
        const names = JSON.stringify([content.collections, content.automations.map((automation) => automation.name)]);
        for (const collection of content.collections)
          for (const record of (await rowsOf(content, collection.id)).slice(0, 200))
            for (const value of record.values.flat())
              if (value !== null && value.length >= 8 && /[^\d.:TZ-]/u.test(value) && !names.includes(value)) secrets.add(value);
      });
      for (const length of await cutLengths(await vitalFile(await write(artifact), artifact))) {
        const path = await write(artifact);
        await cut(await vitalFile(path, artifact), length);
        const outcome = await outcomeOf(suite.create(), await probeOf(path), context(artifact));
        for (const secret of secrets) expect(outcome.told.includes(secret), `cut at ${length}: a value is told`).toBe(false);
      }
    });

    it.each(cases.filter((one) => !skipped.has(one.id)))("$title", async ({ body }) => {
      await expect(body()).resolves.toBeUndefined();
    });
  });
}

interface Outcome {
  readonly kind: "whole" | "incomplete" | "damaged" | "wrong";
  readonly detail: string;
  /** Everything an error or the integrity said. */
  readonly told: string;
}

/** Opens and reads everything. */
async function outcomeOf(format: Format, probe: ArtifactProbe, context: FormatContext): Promise<Outcome> {
  let content: Content | null = null;
  let told = "";
  try {
    content = await format.open(probe, context);
    told = content.integrity.problems.join("\n");
    for (const collection of content.collections) await rowsOf(content, collection.id);
    for (const file of content.files.filter((candidate) => candidate.presence === "inside"))
      for await (const chunk of content.fileBytes(file.id, context.signal)) if (chunk.byteLength === 0) break;
    return { kind: content.integrity.complete ? "whole" : "incomplete", detail: told || "opened", told };
  } catch (thrown) {
    told += causes(thrown).join("\n");
    const damaged = thrown instanceof AgentError && thrown.kind === "damaged";
    return { kind: damaged ? "damaged" : "wrong", detail: told, told };
  } finally {
    await content?.close();
  }
}

function causes(thrown: unknown): string[] {
  const said: string[] = [];
  for (let at: unknown = thrown, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1)
    said.push(`${at.name}: ${at.message} ${at instanceof AgentError ? `${at.code} ${at.mend}` : ""}`);
  return said.length > 0 ? said : [String(thrown)];
}

async function rowsOf(content: Content, collectionId: string): Promise<ContentRecord[]> {
  const rows: ContentRecord[] = [];
  for await (const batch of content.records(collectionId, new AbortController().signal)) rows.push(...batch);
  return rows;
}

function caught(thrown: unknown): unknown {
  return thrown;
}

function isAbort(thrown: unknown): boolean {
  return (thrown instanceof Error && thrown.name === "AbortError") || (thrown instanceof AgentError && thrown.code === "aborted");
}

function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}
