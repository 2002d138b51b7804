/**
 * The contract every connector keeps, against the real product (Airtable: its local server) and by the memory double.
 * A connector's whole contract test is one call: `platformContract({ name: "nocodb", create: () => nocodbOnThisMachine(), skips: [] })`.
 */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareReadBack } from "../../agent/core/compare.ts";
import type { Collection, ContentRecord, Value } from "../../agent/core/content.ts";
import { AgentError, type ErrorKind } from "../../agent/core/errors.ts";
import type { Json, LiveInventory, OpenPlatform, OpenScratch, RestoreSet } from "../../agent/core/platform-ports.ts";
import type { Clock } from "../../agent/core/ports.ts";

export const PLATFORM_CASES = [
  "identity",
  "inventory",
  "paging",
  "resume",
  "read-items",
  "types",
  "links",
  "attachments",
  "empty",
  "unicode",
  "large-cell",
  "clock-skew",
  "wrong-token",
  "expired-token",
  "missing-permission",
  "deleted-between",
  "schema-changed",
  "abort",
  "discover",
  "incremental",
  "scratch-round-trip",
  "scratch-automations-off",
  "scratch-silent",
  "scratch-dispose-twice",
  "scratch-abort",
  "scratch-sweep",
  "scratch-is-production",
  "scratch-access",
  "scratch-next-insert",
  "no-secret",
] as const;
export type PlatformCase = (typeof PLATFORM_CASES)[number];

/** One cell whose canonical value is known. */
export interface KnownCell {
  readonly what: string;
  readonly collection: string;
  readonly key: string;
  readonly field: string;
  readonly value: Value;
}

/** What the harness put into the product before the suite. Ids are those the connector gives out. */
export interface Seed {
  /** The largest collection: at least 23 records, every key of it in order. */
  readonly main: { readonly collection: string; readonly keys: readonly string[] };
  readonly empty: string | null;
  /** One cell for each field type the product has. */
  readonly types: readonly KnownCell[];
  readonly links: readonly KnownCell[];
  /** Text with emoji, combining and right-to-left characters. */
  readonly unicode: KnownCell | null;
  /** 1 MB of text. */
  readonly large: KnownCell | null;
  readonly file: { readonly id: string; readonly bytes: Uint8Array } | null;
  /** What must be among the inventory, by kind, as ids. */
  readonly automations: readonly string[];
  readonly views: readonly string[];
  readonly roles: readonly string[];
}

/** How a test breaks or changes production, as a person would. */
export interface Mutations {
  deleteRecord(collection: string, key: string): Promise<void>;
  editRecord(collection: string, key: string): Promise<void>;
  /** Drops or renames a field of the collection that the seed's `types` do not need. */
  changeSchema(collection: string): Promise<void>;
}

export interface PlatformHarness {
  readonly seed: Seed;
  readonly mutate: Mutations;
  /** `pageSize`: records a request, where the product takes one. */
  open(options?: { readonly token?: "wrong" | "expired" | "narrow"; readonly pageSize?: number; readonly clock?: Clock }): OpenPlatform;
  /** `production`: a scratch configuration that points at the source itself. */
  openScratch(options?: { readonly production?: boolean }): OpenScratch;
  /** What is left in the scratch place with our tag, as a person would look for it. */
  leftovers(tagPrefix: string): Promise<number>;
  /** Requests that automations sent to the local sink since the last call. */
  fired(): Promise<number>;
  /** Secrets the agent was given; and everything it told anybody: spans, logs, metrics, errors. */
  readonly secrets: readonly string[];
  told(): string;
  dispose(): Promise<void>;
}

export interface PlatformSuite {
  readonly name: string;
  create(): Promise<PlatformHarness>;
  readonly skips: readonly { readonly case: PlatformCase; readonly reason: string }[];
  /** Fields the product does not let anybody write, as `collection/field`: fidelity, named by the connector's readme. */
  readonly unrestorable?: readonly string[];
}

const never = new AbortController().signal;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export function platformContract(suite: PlatformSuite): void {
  const skipped = new Map(suite.skips.map((skip) => [skip.case, skip.reason]));
  describe(`platform contract: ${suite.name}`, () => {
    let harness: PlatformHarness;
    beforeAll(async () => {
      harness = await suite.create();
    });
    afterAll(async () => {
      await harness.dispose();
    });

    /** A case is run, or the suite says why not: nothing is left out silently. */
    const test = (name: PlatformCase, work: () => Promise<void>): void => {
      const reason = skipped.get(name);
      const said = async (): Promise<void> => expect(reason?.length ?? 0).toBeGreaterThan(10);
      it(reason === undefined ? name : `${name} (not asked: ${reason})`, reason === undefined ? work : said);
    };

    it("skips name cases there are", () => {
      expect(suite.skips.filter((skip) => !PLATFORM_CASES.includes(skip.case))).toEqual([]);
    });

    test("identity", async () => {
      const probe = await harness.open().platform.probe(never);
      expect(probe.version).toMatch(/\d/u);
      expect(probe.identity.scope.length).toBeGreaterThan(0);
      expect(probe.permissions.filter((one) => one.neededFor === "capture" && one.granted === false)).toEqual([]);
      expect((await harness.open().platform.probe(never)).identity).toEqual(probe.identity);
    });

    test("inventory", async () => {
      const inventory = await harness.open().platform.inventory(never);
      const { seed } = harness;
      expect(inventory.collections.map((one) => one.id)).toContain(seed.main.collection);
      expect(inventory.automations.map((one) => one.id)).toEqual(expect.arrayContaining([...seed.automations]));
      expect(inventory.views.map((one) => one.id)).toEqual(expect.arrayContaining([...seed.views]));
      expect(inventory.access.map((one) => one.id)).toEqual(expect.arrayContaining([...seed.roles]));
      const silent = Object.values(inventory.aspects).filter((aspect) => !aspect.included && aspect.reason.length < 10);
      expect(silent, "what cannot be had says why").toEqual([]);
      const again = await harness.open().platform.inventory(never);
      expect(again, "nothing changed, so nothing differs").toEqual(inventory);
    });

    test("paging", async () => {
      for (const pageSize of [7, 10, undefined]) {
        const { platform } = harness.open(pageSize === undefined ? {} : { pageSize });
        const keys: string[] = [];
        for await (const page of platform.listKeys(await collectionOf(platform, harness.seed.main.collection), never))
          keys.push(...page.map((one) => one.key));
        expect([...keys].sort(), `with ${pageSize ?? "the largest"} a page`).toEqual([...harness.seed.main.keys].sort());
      }
    });

    test("resume", async () => {
      const { capturer, platform } = harness.open({ pageSize: 7 });
      if (capturer === null) throw new Error("no capturer");
      const collection = await collectionOf(platform, harness.seed.main.collection);
      const pages: { keys: string[]; cursor: string }[] = [];
      for await (const page of capturer.records(collection, { after: null, since: null, signal: never }))
        pages.push({ keys: page.records.map((record) => record.key), cursor: page.cursor });
      const all = pages.flatMap((page) => page.keys);
      expect([...all].sort()).toEqual([...harness.seed.main.keys].sort());
      expect(new Set(all).size).toBe(all.length);
      const middle = pages[Math.floor(pages.length / 2) - 1];
      if (middle === undefined) throw new Error("one page only: nothing to resume after");
      const rest: string[] = [];
      const other = harness.open({ pageSize: 7 }).capturer;
      for await (const page of other?.records(collection, { after: middle.cursor, since: null, signal: never }) ?? [])
        rest.push(...page.records.map((record) => record.key));
      expect(rest).toEqual(all.slice(all.indexOf(middle.keys.at(-1) ?? "") + 1));
    });

    test("read-items", async () => {
      const { platform, capturer } = harness.open();
      const { main } = harness.seed;
      const collection = await collectionOf(platform, main.collection);
      const wanted = [main.keys[0] ?? "", main.keys.at(-1) ?? "", main.keys[11] ?? ""];
      const read = await platform.readItems(collection, [...wanted, "999999999"], never);
      expect(read.map((record) => record.key).sort()).toEqual([...wanted].sort());
      const captured = new Map((await everything(capturer, collection)).map((record) => [record.key, record]));
      for (const record of read) expect(record, "one way of reading gives what the other gives").toEqual(captured.get(record.key));
    });

    test("types", async () => {
      expect(harness.seed.types.length).toBeGreaterThan(0);
      for (const cell of harness.seed.types) expect(await valueOf(harness, cell), cell.what).toEqual(cell.value);
    });

    test("links", async () => {
      expect(harness.seed.links.length).toBeGreaterThan(0);
      for (const cell of harness.seed.links) expect(await valueOf(harness, cell), cell.what).toEqual(cell.value);
    });

    test("attachments", async () => {
      const { capturer, platform } = harness.open();
      const { file } = harness.seed;
      const item = (await platform.inventory(never)).files.find((one) => one.id === file?.id);
      if (file === null || item === undefined || capturer === null) throw new Error("the seeded file is not in the inventory");
      expect(sha256(await bytesOf(capturer.fileBytes(item, never)))).toBe(sha256(file.bytes));
    });

    test("empty", async () => {
      const { platform, capturer } = harness.open();
      const collection = await collectionOf(platform, harness.seed.empty ?? "");
      expect(await everything(capturer, collection)).toEqual([]);
      const keys: unknown[] = [];
      for await (const page of platform.listKeys(collection, never)) keys.push(...page);
      expect(keys).toEqual([]);
    });

    test("unicode", async () => {
      const cell = required(harness.seed.unicode);
      expect(await valueOf(harness, cell)).toEqual(cell.value);
    });

    test("large-cell", async () => {
      const cell = required(harness.seed.large);
      const value = await valueOf(harness, cell);
      expect(typeof value === "string" && value.length).toBe(typeof cell.value === "string" && cell.value.length);
      expect(value === cell.value).toBe(true);
    });

    test("clock-skew", async () => {
      const HOUR = 3_600_000;
      const now = (await harness.open().platform.probe(never)).clockSkewMs;
      expect(Math.abs(now ?? Number.NaN)).toBeLessThan(60_000);
      const behind: Clock = {
        now: () => Date.now() - HOUR,
        monotonic: () => performance.now(),
        sleep: () => Promise.resolve(),
      };
      const shifted = (await harness.open({ clock: behind }).platform.probe(never)).clockSkewMs;
      expect(Math.abs((shifted ?? Number.NaN) - HOUR)).toBeLessThan(60_000);
    });

    const refused = async (token: "wrong" | "expired" | "narrow"): Promise<void> => {
      const { platform, capturer } = harness.open({ token });
      const error = await failure(async () => {
        const inventory = await platform.inventory(never);
        const main = inventory.collections.find((one) => one.id === harness.seed.main.collection);
        if (main !== undefined) await everything(capturer, main);
        else throw new AgentError("auth", "collection-not-visible", "the collection is not visible to this token");
      });
      expect(error.kind).toBe<ErrorKind>("auth");
    };
    test("wrong-token", () => refused("wrong"));
    test("expired-token", () => refused("expired"));
    test("missing-permission", async () => {
      const told = await harness
        .open({ token: "narrow" })
        .platform.probe(never)
        .then(
          (probe) => probe.permissions.some((one) => one.granted === false),
          (thrown: unknown) => thrown instanceof AgentError && thrown.kind === "auth",
        );
      expect(told, "the probe says it before a capture finds out").toBe(true);
      await refused("narrow");
    });

    test("abort", async () => {
      const { capturer, platform } = harness.open({ pageSize: 7 });
      const collection = await collectionOf(platform, harness.seed.main.collection);
      const stop = new AbortController();
      let pages = 0;
      const error = await failure(async () => {
        for await (const page of capturer?.records(collection, { after: null, since: null, signal: stop.signal }) ?? []) {
          expect(page.records.length).toBeGreaterThan(0);
          pages += 1;
          stop.abort();
        }
      });
      expect(pages).toBe(1);
      expect(["transient", "internal"]).toContain(error.kind);
    });

    test("discover", async () => {
      const { discoverer, platform } = harness.open();
      const scopes = (await discoverer?.discover(never)) ?? [];
      expect(scopes.map((one) => one.scope)).toContain((await platform.probe(never)).identity.scope);
    });

    test("incremental", async () => {
      const { capturer, platform } = harness.open();
      const collection = await collectionOf(platform, harness.seed.main.collection);
      expect(capturer?.incremental(collection)).toBe(true);
      const key = harness.seed.main.keys[3] ?? "";
      const before = Math.max(...(await everything(capturer, collection)).map((record) => record.updatedAt ?? record.createdAt ?? 0));
      await harness.mutate.editRecord(collection.id, key);
      const since: string[] = [];
      for await (const page of capturer?.records(collection, { after: null, since: before, signal: never }) ?? [])
        since.push(...page.records.map((record) => record.key));
      expect(since).toContain(key);
      expect(since.length).toBeLessThan(harness.seed.main.keys.length);
    });

    describe("scratch", () => {
      const set = async (): Promise<RestoreSet> => restoreSet(harness.open());
      const identity = async () => (await harness.open().platform.probe(never)).identity;

      test("scratch-round-trip", async () => {
        const { workspace } = harness.openScratch();
        const content = await set();
        const place = await workspace.provision("restorewatch-contract-round", await identity(), never);
        try {
          const loaded = await workspace.load(place, content, never);
          const back = await workspace.readBack(place, content, loaded, never);
          expect(difference(content, back.collections, back.records, suite.unrestorable ?? [])).toEqual([]);
          for (const [id, bytes] of content.fileBytes) expect(back.fileDigests.get(id), `file ${id}`).toBe(sha256(bytes));
          expect(back.automations.map((one) => one.name).sort()).toEqual(content.automations.map((one) => one.name).sort());
        } finally {
          await workspace.dispose(place, never);
        }
        expect(await harness.leftovers("restorewatch-contract-round")).toBe(0);
      });

      test("scratch-automations-off", async () => {
        const { workspace } = harness.openScratch();
        const content = await set();
        expect(
          content.automations.some((one) => one.active),
          "one of the seeded automations is active in production",
        ).toBe(true);
        const place = await workspace.provision("restorewatch-contract-off", await identity(), never);
        try {
          const loaded = await workspace.load(place, content, never);
          expect((await workspace.readBack(place, content, loaded, never)).running).toEqual([]);
        } finally {
          await workspace.dispose(place, never);
        }
      });

      test("scratch-silent", async () => {
        const { workspace } = harness.openScratch();
        const content = await set();
        await harness.fired();
        const place = await workspace.provision("restorewatch-contract-silent", await identity(), never);
        try {
          await workspace.load(place, content, never);
        } finally {
          await workspace.dispose(place, never);
        }
        expect(await harness.fired()).toBe(0);
      });

      test("scratch-dispose-twice", async () => {
        const { workspace } = harness.openScratch();
        const place = await workspace.provision("restorewatch-contract-twice", await identity(), never);
        await workspace.dispose(place, never);
        await workspace.dispose(place, never);
        expect(await harness.leftovers("restorewatch-contract-twice")).toBe(0);
      });

      test("scratch-abort", async () => {
        const { workspace } = harness.openScratch();
        const content = await set();
        const place = await workspace.provision("restorewatch-contract-abort", await identity(), never);
        const stop = new AbortController();
        const loading = workspace.load(place, content, stop.signal);
        setImmediate(() => stop.abort());
        await loading.catch(() => undefined);
        await workspace.dispose(place, never);
        expect(await harness.leftovers("restorewatch-contract-abort")).toBe(0);
      });

      test("scratch-sweep", async () => {
        const { workspace } = harness.openScratch();
        await workspace.provision("restorewatch-contract-leak-1", await identity(), never);
        expect(await harness.leftovers("restorewatch-contract-leak")).toBeGreaterThan(0);
        const swept = await harness.openScratch().workspace.sweep("restorewatch-contract-leak", new Set(), never);
        expect(swept).toEqual({ found: 1, removed: 1 });
        expect(await harness.leftovers("restorewatch-contract-leak")).toBe(0);
        expect(await harness.openScratch().workspace.sweep("restorewatch-contract-leak", new Set(), never)).toEqual({
          found: 0,
          removed: 0,
        });
      });

      test("scratch-is-production", async () => {
        const { workspace } = harness.openScratch({ production: true });
        const error = await failure(async () => workspace.provision("restorewatch-contract-prod", await identity(), never));
        expect(error).toMatchObject({ kind: "config", code: "scratch-is-production" });
        expect(await harness.leftovers("restorewatch-contract-prod")).toBe(0);
      });

      test("scratch-access", async () => {
        const { workspace, access } = harness.openScratch();
        const content = await set();
        const place = await workspace.provision("restorewatch-contract-access", await identity(), never);
        try {
          await workspace.load(place, content, never);
          const outsider = await access?.asOutsider(place, content, never);
          expect(outsider?.collections.filter((one) => one.visible > 0)).toEqual([]);
          const restricted = await access?.asRestricted(place, content, never);
          expect(restricted?.session).toBe(true);
          const wrong = restricted?.collections.filter((one) => one.shouldSee !== null && one.shouldSee !== one.visible > 0);
          expect(wrong).toEqual([]);
          expect(
            restricted?.collections.some((one) => one.shouldSee === true),
            "it may see something",
          ).toBe(true);
        } finally {
          await workspace.dispose(place, never);
        }
      });

      test("scratch-next-insert", async () => {
        const { workspace, probe } = harness.openScratch();
        const content = await set();
        const place = await workspace.provision("restorewatch-contract-next", await identity(), never);
        try {
          await workspace.load(place, content, never);
          const main = required(content.collections.find((one) => one.id === harness.seed.main.collection) ?? null);
          expect(await probe?.nextInsert(place, main, never)).toBe("ok");
        } finally {
          await workspace.dispose(place, never);
        }
      });
    });

    // What changes production for good comes last.
    test("deleted-between", async () => {
      const { platform } = harness.open();
      const collection = await collectionOf(platform, harness.seed.main.collection);
      const gone = harness.seed.main.keys.at(-1) ?? "";
      const kept = harness.seed.main.keys[0] ?? "";
      await harness.mutate.deleteRecord(collection.id, gone);
      expect((await platform.readItems(collection, [kept, gone], never)).map((record) => record.key)).toEqual([kept]);
    });

    test("schema-changed", async () => {
      const { platform, capturer } = harness.open();
      const collection = await collectionOf(platform, harness.seed.main.collection);
      await harness.mutate.changeSchema(collection.id);
      const error = await failure(() => everything(capturer, collection));
      expect(error).toMatchObject({ kind: "transient", code: "schema-changed" });
    });

    test("no-secret", async () => {
      expect(harness.secrets.length).toBeGreaterThan(0);
      const told = harness.told();
      expect(told.length).toBeGreaterThan(100);
      for (const secret of harness.secrets) expect(told.includes(secret), "a secret was told").toBe(false);
      await Promise.resolve();
    });
  });
}

/** Everything a source holds, as a set to restore. */
export async function restoreSet(open: OpenPlatform): Promise<RestoreSet> {
  const inventory: LiveInventory = await open.platform.inventory(never);
  const records = new Map<string, readonly ContentRecord[]>();
  for (const collection of inventory.collections) records.set(collection.id, await everything(open.capturer, collection));
  const fileBytes = new Map<string, Uint8Array>();
  for (const file of inventory.files)
    if (file.presence === "inside" && open.capturer !== null) fileBytes.set(file.id, await bytesOf(open.capturer.fileBytes(file, never)));
  // A bag is JSON between the two: what does not survive it is not there.
  const originals = JSON.parse(JSON.stringify(inventory.originals)) as Readonly<Record<string, Json>>;
  return { ...inventory, originals, records, fileBytes, cut: new Set() };
}

function difference(
  set: RestoreSet,
  collections: readonly Collection[],
  records: ReadonlyMap<string, readonly ContentRecord[]>,
  unrestorable: readonly string[],
): readonly string[] {
  return set.collections.flatMap((collection) => {
    const theirs = collections.find((one) => one.id === collection.id);
    const compared = compareReadBack(
      { collection, records: set.records.get(collection.id) ?? [] },
      theirs === undefined ? null : { collection: theirs, records: records.get(collection.id) ?? [] },
      {
        cut: set.cut,
        unrestorable: new Set(
          unrestorable.filter((one) => one.startsWith(`${collection.id}/`)).map((one) => one.slice(collection.id.length + 1)),
        ),
      },
    );
    return [
      ...compared.missing.map((key) => `${collection.id}/${key} is missing`),
      ...compared.extra.map((key) => `${collection.id}/${key} was not put in`),
      ...compared.different.map(({ key, fields }) => `${collection.id}/${key} differs in ${fields.join(", ")}`),
      ...compared.fieldsGone.map((field) => `${collection.id} has no field ${field}`),
    ];
  });
}

async function collectionOf(platform: OpenPlatform["platform"], id: string): Promise<Collection> {
  return required((await platform.inventory(never)).collections.find((one) => one.id === id) ?? null);
}

async function everything(capturer: OpenPlatform["capturer"], collection: Collection): Promise<ContentRecord[]> {
  const records: ContentRecord[] = [];
  for await (const page of capturer?.records(collection, { after: null, since: null, signal: never }) ?? []) records.push(...page.records);
  return records;
}

async function valueOf(harness: PlatformHarness, cell: KnownCell): Promise<Value> {
  const { platform } = harness.open();
  const collection = await collectionOf(platform, cell.collection);
  const place = collection.fields.findIndex((field) => field.id === cell.field);
  if (place < 0) throw new Error(`${cell.what}: there is no field ${cell.field}`);
  const [record] = await platform.readItems(collection, [cell.key], never);
  return required(record ?? null).values[place] ?? null;
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

function required<T>(value: T | null): T {
  if (value === null) throw new Error("the seed lacks what the case needs");
  return value;
}

async function failure(work: () => Promise<unknown>): Promise<AgentError> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof AgentError) return thrown;
    if (thrown instanceof Error && thrown.name === "AbortError") return new AgentError("transient", "aborted", "it was aborted");
    throw thrown;
  }
  throw new Error("nothing was thrown");
}
