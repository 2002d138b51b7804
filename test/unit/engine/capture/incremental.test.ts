/** A capture laid over the one before equals one that read everything, whatever happened between them. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContentRecord } from "../../../../agent/core/content.ts";
import type { OpenPlatform } from "../../../../agent/core/platform-ports.ts";
import { type CaptureDeps, type CaptureResult, captureSource } from "../../../../agent/engine/capture/capture.ts";
import { keepCapture, readKept } from "../../../../agent/engine/capture/kept.ts";
import { openBagWriter } from "../../../../agent/formats/bag/writer.ts";
import { dirVaultWriter } from "../../../../agent/vaults/dir/writer.ts";
import { fakeClock } from "../../../doubles/clock.ts";
import { collection, field, record } from "../../../doubles/content.ts";
import { memoryPlatform, type MemoryBase } from "../../../doubles/platform.ts";
import { memoryTelemetry } from "../../../doubles/telemetry.ts";
import { openBag, rowsOf } from "../../formats/bag/read.ts";

const never = new AbortController().signal;
const DAY = 86_400_000;
const ORDER = { sourceId: "crm", platform: "memory", prefix: "crm/", immutableMs: null, resumeWithinMs: DAY, fullMs: 7 * DAY };
let root = "";

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "rw-incremental-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

interface World {
  readonly clock: ReturnType<typeof fakeClock>;
  readonly base: MemoryBase;
  /** Records the product handed over as such, since it was last looked at. */
  read: number;
  capture(order?: Partial<typeof ORDER>): Promise<CaptureResult>;
  rows(result: CaptureResult): Promise<readonly ContentRecord[]>;
}

async function world(skewMs = 0): Promise<World> {
  const home = await mkdtemp(join(root, "world-"));
  await mkdir(join(home, "vault"));
  const clock = fakeClock();
  const old = clock.now() - 30 * DAY;
  const people = Array.from({ length: 40 }, (_, index) => record(String(index + 1), [`p${index}`], { createdAt: old, updatedAt: old }));
  const base: MemoryBase = {
    collections: [collection("people", [field("name")])],
    records: new Map([["people", people]]),
    automations: [],
    files: new Map(),
    instance: "m",
    scope: "b",
  };
  const staging = join(home, "staging");
  const kept = join(home, "kept");
  const deps: CaptureDeps = {
    clock,
    telemetry: memoryTelemetry(clock),
    openWriter: (begin) => openBagWriter(staging, begin),
    discard: () => rm(staging, { recursive: true, force: true }),
    seal: null,
    vault: dirVaultWriter(join(home, "vault"), "crm/"),
    previous: (fingerprint) => readKept(kept, fingerprint, (path, workDir) => openBag(path, workDir)),
    keep: (made) => keepCapture(kept, made),
  };
  const self: World = {
    clock,
    base,
    read: 0,
    capture: (order = {}) => captureSource({ ...ORDER, ...order }, counted(), deps, never),
    rows: async (result) => {
      const work = await mkdtemp(join(home, "work-"));
      const content = await openBag(join(home, "vault", result.path), work);
      expect(content.integrity.problems).toEqual([]);
      const rows = await rowsOf(content, "people");
      await content.close();
      return rows.toSorted((a, b) => Number(a.key) - Number(b.key));
    },
  };
  function counted(): OpenPlatform {
    const open = memoryPlatform(base).open(clock, 7);
    const { capturer, platform } = open;
    if (capturer === null) throw new Error("no capturer");
    return {
      ...open,
      platform: {
        ...platform,
        probe: async (signal) => ({ ...(await platform.probe(signal)), clockSkewMs: skewMs }),
        readItems: async (each, keys, signal) => {
          const found = await platform.readItems(each, keys, signal);
          self.read += found.length;
          return found;
        },
      },
      capturer: {
        ...capturer,
        async *records(each, options) {
          for await (const page of capturer.records(each, options)) {
            self.read += page.records.length;
            yield page;
          }
        },
      },
    };
  }
  return self;
}

const byKey = (base: MemoryBase): readonly ContentRecord[] =>
  (base.records.get("people") ?? []).toSorted((a, b) => Number(a.key) - Number(b.key));

function edit(one: World, key: string, name: string, updatedAt: number): void {
  const people = one.base.records.get("people") ?? [];
  one.base.records.set(
    "people",
    people.map((each) => (each.key === key ? { ...each, values: [name], updatedAt } : each)),
  );
}

describe("a capture over the one before", () => {
  test("reads only what changed, and holds everything", async () => {
    const one = await world();
    expect(await one.capture()).toMatchObject({ mode: "full", records: 40 });
    await one.clock.advance(DAY);
    one.read = 0;
    edit(one, "7", "edited", one.clock.now() - 1000);
    one.base.records.set("people", [
      ...(one.base.records.get("people") ?? []).filter((each) => each.key !== "9"),
      record("99", ["new"], { createdAt: one.clock.now(), updatedAt: one.clock.now() }),
    ]);
    const made = await one.capture();
    expect(made).toMatchObject({ mode: "incremental", records: 40 });
    expect(one.read).toBe(2);
    expect(await one.rows(made)).toEqual(byKey(one.base));
  });

  test("everything is read again when the last time was too long ago, the shape changed, or what was kept is not what it was", async () => {
    const one = await world();
    await one.capture();
    for (let day = 1; day < 7; day += 1) {
      await one.clock.advance(DAY);
      expect((await one.capture()).mode).toBe("incremental");
    }
    await one.clock.advance(DAY);
    expect((await one.capture()).mode).toBe("full");
    await one.clock.advance(DAY);
    one.base.collections = [collection("people", [field("name"), field("more")])];
    one.base.records.set(
      "people",
      (one.base.records.get("people") ?? []).map((each) => ({ ...each, values: [...each.values, null] })),
    );
    expect((await one.capture()).mode).toBe("full");
    await one.clock.advance(DAY);
    const [home = ""] = await readdir(root);
    const kept = join(root, home, "kept");
    const name = (await readdir(kept)).find((each) => each.endsWith(".zip")) ?? "";
    const bytes = await readFile(join(kept, name));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await rm(join(kept, name));
    await writeFile(join(kept, name), bytes);
    const made = await one.capture();
    expect(made.mode).toBe("full");
    expect(await one.rows(made)).toEqual(byKey(one.base));
    await one.clock.advance(DAY);
    expect((await one.capture({ fullMs: 1 })).mode).toBe("full");
  });

  test("a collection with computed fields is always read whole: they change with other records", async () => {
    const one = await world();
    one.base.collections = [collection("people", [field("name", "text", { computed: true })])];
    await one.capture();
    await one.clock.advance(DAY);
    one.read = 0;
    // Nothing was kept for it, so there is nothing to lay it over.
    expect(await one.capture()).toMatchObject({ mode: "full", records: 40 });
    expect(one.read).toBe(40);
  });

  test("whatever people did, and however wrong the product's times are, it equals what is there", { timeout: 180_000 }, async () => {
    const change = fc.record({
      kind: fc.constantFrom("edit", "delete", "insert"),
      key: fc.integer({ min: 1, max: 60 }),
      name: fc.string({ maxLength: 5 }),
      /** When the product says it happened, from the time of the capture: long before it up to after it. */
      at: fc.integer({ min: -3 * DAY, max: DAY }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -3_600_000, max: 3_600_000 }),
        fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 3 }),
        async (skew, rounds) => {
          const one = await world(skew);
          await one.capture();
          for (const changes of rounds) {
            await one.clock.advance(DAY);
            for (const { kind, key, name, at } of changes) {
              const people = one.base.records.get("people") ?? [];
              const when = one.clock.now() + skew + at;
              if (kind === "edit") edit(one, String(key), name, when);
              else if (kind === "delete")
                one.base.records.set(
                  "people",
                  people.filter((each) => each.key !== String(key)),
                );
              else if (!people.some((each) => each.key === String(key)))
                one.base.records.set("people", [...people, record(String(key), [name], { createdAt: when, updatedAt: when })]);
            }
            const made = await one.capture();
            expect(made.mode).toBe("incremental");
            expect(await one.rows(made)).toEqual(byKey(one.base).map(emptyAsNull));
          }
        },
      ),
      { numRuns: 12 },
    );
  });
});

/** Empty text and nothing are the same in the content model. */
function emptyAsNull(each: ContentRecord): ContentRecord {
  return { ...each, values: each.values.map((value) => (value === "" ? null : value)) };
}
