/** Captures of the memory product into a real bag in a real directory: whole and told, or an error and nothing to see. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContentRecord } from "../../../../agent/core/content.ts";
import { AgentError } from "../../../../agent/core/errors.ts";
import { parseRunReport } from "../../../../agent/core/run-report.ts";
import type { Capturer, OpenPlatform } from "../../../../agent/core/platform-ports.ts";
import { type CaptureDeps, captureSource } from "../../../../agent/engine/capture/capture.ts";
import { changedMetadata, countsOf } from "../../../../agent/engine/capture/consistency.ts";
import { openBagWriter } from "../../../../agent/formats/bag/writer.ts";
import { sealFor } from "../../../../agent/kit/seal.ts";
import { dirVaultWriter } from "../../../../agent/vaults/dir/writer.ts";
import { dirVault } from "../../../../agent/vaults/dir/index.ts";
import { fakeClock } from "../../../doubles/clock.ts";
import { collection, field, memoryContent, record } from "../../../doubles/content.ts";
import { memoryPlatform, type MemoryBase } from "../../../doubles/platform.ts";
import { memoryTelemetry } from "../../../doubles/telemetry.ts";
import { openBag, rowsOf } from "../../formats/bag/read.ts";

const never = new AbortController().signal;
const ORDER = { sourceId: "crm", platform: "memory", prefix: "captures/crm/", immutableMs: null, resumeWithinMs: 3_600_000 };
let root = "";
const clock = fakeClock();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "rw-capture-"));
  await mkdir(join(root, "vault"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

function base(count = 250): MemoryBase {
  const people = Array.from({ length: count }, (_, index): ContentRecord =>
    record(String(index + 1), [`person ${index}`], { createdAt: clock.now() - 1e6, updatedAt: clock.now() - 1e6 }),
  );
  return {
    collections: [collection("people", [field("name")], { declaredRecords: count })],
    records: new Map([["people", people]]),
    automations: [],
    files: new Map([["f1", new Uint8Array([1, 2, 3])]]),
    instance: "memory-1",
    scope: "base-1",
  };
}

function deps(more: Partial<CaptureDeps> = {}): CaptureDeps {
  const staging = join(root, "staging");
  return {
    clock,
    telemetry: memoryTelemetry(clock),
    openWriter: (begin) => openBagWriter(staging, begin),
    discard: () => rm(staging, { recursive: true, force: true }),
    seal: null,
    vault: dirVaultWriter(join(root, "vault"), "captures/crm/"),
    ...more,
  };
}

const inVault = async (): Promise<string[]> =>
  (await readdir(join(root, "vault"), { recursive: true })).filter((name) => name.includes(".bag")).sort();
const small = (one: MemoryBase): OpenPlatform => memoryPlatform(one).open(clock, 20);

/** The product with something happening to it after so many pages. */
function meanwhile(open: OpenPlatform, pages: number, happens: () => void): OpenPlatform {
  const { capturer } = open;
  if (capturer === null) throw new Error("no capturer");
  const records: Capturer["records"] = async function* (each, options) {
    let seen = 0;
    for await (const page of capturer.records(each, options)) {
      yield page;
      seen += 1;
      if (seen === pages) happens();
    }
  };
  return { ...open, capturer: { ...capturer, records } };
}

async function failure(work: Promise<unknown>): Promise<AgentError> {
  const thrown: unknown = await work.catch((error: unknown) => error);
  if (thrown instanceof AgentError) return thrown;
  throw new Error(`not an AgentError: ${String(thrown)}`);
}

describe("a capture", () => {
  test("is one bag in the vault that holds everything, with its run report", async () => {
    const result = await captureSource(ORDER, small(base()), deps(), never);
    expect(result).toMatchObject({ records: 250, files: 1, resumed: false, changed: [] });
    const vault = dirVault("v", join(root, "vault"));
    const listing = await vault.list("captures/crm", { pattern: "*", signal: never });
    expect(listing.entries.map((entry) => entry.path)).toEqual([result.path]);
    const report = parseRunReport(JSON.parse(listing.reports[0]?.text ?? ""), { sourceId: "crm", via: "sidecar", now: clock.now() });
    expect(report).toMatchObject({ outcome: "success", items: { records: 250 }, checksum: { value: result.sha256 } });
    await mkdir(join(root, "work"));
    const content = await openBag(join(root, "vault", result.path), join(root, "work"));
    expect(content.integrity.problems).toEqual([]);
    expect(await rowsOf(content, "people")).toHaveLength(250);
    await content.close();
    expect(await readdir(root)).not.toContain("staging");
  });

  test("says what changed while it was read", async () => {
    const one = base();
    const open = meanwhile(small(one), 3, () => {
      const people = one.records.get("people") ?? [];
      one.records.set("people", [...people, record("251", ["new"], { createdAt: clock.now() + 1, updatedAt: clock.now() + 1 })]);
      one.collections = one.collections.map((each) => ({ ...each, declaredRecords: 251 }));
      one.automations.push({ id: "a1", name: "late", active: true, trigger: null, references: [], bodyDigest: "d" });
    });
    const result = await captureSource(ORDER, open, deps(), never);
    expect(result.changed).toEqual(["people: 1 records were added while it was read.", "1 automation changed while it was read."]);
  });

  test("goes on where a killed one stopped, and asks only for the rest", async () => {
    const one = base();
    one.collections.push(collection("city", [field("name")], { declaredRecords: 60 }));
    one.records.set(
      "city",
      Array.from({ length: 60 }, (_, index) => record(String(index + 1), ["Bern"])),
    );
    const stop = new AbortController();
    let asked = 0;
    const counting = (open: OpenPlatform, stopAfter: number): OpenPlatform => {
      const { capturer } = open;
      if (capturer === null) throw new Error("no capturer");
      const records: Capturer["records"] = async function* (each, options) {
        for await (const page of capturer.records(each, options)) {
          asked += 1;
          if (asked === stopAfter) stop.abort();
          yield page;
        }
      };
      return { ...open, capturer: { ...capturer, records } };
    };
    await expect(captureSource(ORDER, counting(small(one), 15), deps(), stop.signal)).rejects.toThrow();
    expect(await inVault()).toEqual([]);
    asked = 0;
    const result = await captureSource(ORDER, counting(small(one), -1), deps(), never);
    expect(result).toMatchObject({ resumed: true, records: 310 });
    expect(asked, "the people were safe, the cities were not").toBe(3);
  });
});

describe("never a short capture that looks whole", () => {
  test("fewer records than the product has", async () => {
    const one = base();
    one.records.set("people", (one.records.get("people") ?? []).slice(0, 249));
    const error = await failure(captureSource(ORDER, small(one), deps(), never));
    expect(error).toMatchObject({ kind: "transient", code: "capture-short" });
    expect(error.message).toContain("249 records were read, the product has 250");
    expect(await inVault()).toEqual([]);
  });

  test("a stream that ends early without a word", async () => {
    const open = small(base());
    const { capturer } = open;
    if (capturer === null) throw new Error("no capturer");
    const records: Capturer["records"] = async function* (each, options) {
      for await (const page of capturer.records(each, options)) {
        yield page;
        return;
      }
    };
    expect((await failure(captureSource(ORDER, { ...open, capturer: { ...capturer, records } }, deps(), never))).code).toBe(
      "capture-short",
    );
  });

  test("fields that changed in the middle", async () => {
    const one = base();
    const open = meanwhile(small(one), 2, () => {
      one.collections = one.collections.map((each) => ({ ...each, fields: [...each.fields, field("more")] }));
    });
    expect((await failure(captureSource(ORDER, open, deps(), never))).code).toBe("schema-changed");
    expect(await inVault()).toEqual([]);
  });

  test("a token that lost a permission", async () => {
    const memory = memoryPlatform(base());
    memory.token = "narrow";
    expect(await failure(captureSource(ORDER, memory.open(clock), deps(), never))).toMatchObject({
      kind: "auth",
      code: "permission-missing",
    });
  });

  test("a file that is shorter than the product says", async () => {
    const open = small(base());
    const { capturer } = open;
    if (capturer === null) throw new Error("no capturer");
    const fileBytes: Capturer["fileBytes"] = async function* () {
      yield new Uint8Array([1]);
    };
    expect((await failure(captureSource(ORDER, { ...open, capturer: { ...capturer, fileBytes } }, deps(), never))).code).toBe(
      "file-cut-short",
    );
  });
});

describe("secrets", () => {
  const withSecret = (): OpenPlatform => {
    const open = small(base(3));
    const { capturer, platform } = open;
    if (capturer === null) throw new Error("no capturer");
    return {
      ...open,
      platform: {
        ...platform,
        inventory: async (signal) => ({
          ...(await platform.inventory(signal)),
          credentials: [{ id: "c1", type: "smtp", state: "not-included" }],
        }),
      },
      capturer: {
        ...capturer,
        async *secrets() {
          yield { credential: "c1", clear: new TextEncoder().encode("planted-secret-0123456789") };
        },
      },
    };
  };

  test("are sealed for the recipient before they touch a disk", async () => {
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const seen: string[] = [];
    const seal = async (clear: Uint8Array): Promise<string> => {
      const sealed = await sealFor([recipient], clear);
      seen.push(sealed);
      return sealed;
    };
    const { path } = await captureSource(ORDER, withSecret(), deps({ seal }), never);
    expect((await readFile(join(root, "vault", path))).includes("planted-secret")).toBe(false);
    await mkdir(join(root, "work"));
    const content = await openBag(join(root, "vault", path), join(root, "work"), { key: identity });
    expect(content.credentials).toEqual([{ id: "c1", type: "smtp", state: "decryptable" }]);
    await content.close();
    expect(seen).toHaveLength(1);
  });

  test("are left out without a recipient, and that is said", async () => {
    const { fidelity, path } = await captureSource(ORDER, withSecret(), deps(), never);
    expect(fidelity).toContain("credentials: without capture.recipient no secret is taken along");
    expect((await readFile(join(root, "vault", path))).includes("planted-secret")).toBe(false);
  });
});

describe("the directory's writer", () => {
  const writer = () => dirVaultWriter(join(root, "vault"), "captures/crm/");
  const put = (path: string, text: string) => writer().put(path, { text }, { immutableUntil: null, signal: never });

  test("writes nothing outside its prefix", async () => {
    expect((await failure(put("captures/other/a.bag", "x"))).code).toBe("outside-prefix");
    expect((await failure(put("captures/crm", "x"))).code).toBe("outside-prefix");
    await expect(put("captures/crm/../other/a", "x")).rejects.toBeInstanceOf(AgentError);
  });

  test("never overwrites what is not the same", async () => {
    await put("captures/crm/a.bag", "one");
    await put("captures/crm/a.bag", "one");
    expect(await failure(put("captures/crm/a.bag", "two"))).toMatchObject({ kind: "limit", code: "exists-already" });
    expect(await readFile(join(root, "vault", "captures/crm/a.bag"), "utf8")).toBe("one");
    expect((await readdir(join(root, "vault", "captures/crm"))).sort()).toEqual(["a.bag"]);
  });

  test("a file that is not what it should be is not put", async () => {
    await writeFile(join(root, "f"), "content");
    const wrong = writer().put(
      "captures/crm/f.bag",
      { localPath: join(root, "f"), sha256: "0".repeat(64) },
      { immutableUntil: null, signal: never },
    );
    expect((await failure(wrong)).code).toBe("copy-differs");
    expect(await readdir(join(root, "vault", "captures/crm"))).toEqual([]);
  });

  test("removes an artifact with what lies beside it, and nothing else", async () => {
    for (const name of ["a.bag", "a.bag.run.json", "a.bag.sha256", "a.bag2", "b.bag"]) await put(`captures/crm/${name}`, name);
    await writer().remove("captures/crm/a.bag", never);
    await writer().remove("captures/crm/a.bag", never);
    expect((await readdir(join(root, "vault", "captures/crm"))).sort()).toEqual(["a.bag2", "b.bag"]);
  });

  test("says that it cannot protect", async () => {
    const locked = writer().put("captures/crm/a.bag", { text: "x" }, { immutableUntil: clock.now() + 1000, signal: never });
    expect(await failure(locked)).toMatchObject({ kind: "config", code: "no-object-lock" });
  });
});

test("counts: what people do is told, what they cannot have done is short", () => {
  const each = collection("people", []);
  const of = (read: number, before: number | null, after: number | null) =>
    countsOf([{ collection: each, read, before, after, editedMeanwhile: null }]);
  expect(of(5, 5, 5)).toEqual({ changed: [], short: [] });
  expect(of(6, 5, 7).short).toEqual([]);
  expect(of(6, 5, 7).changed).toHaveLength(1);
  expect(of(4, 5, 7).short).toHaveLength(1);
  expect(of(8, 5, 7).short).toHaveLength(1);
  expect(of(4, null, null)).toEqual({ changed: [], short: [] });
});

test("metadata that changed is told by kind", () => {
  const before = memoryContent({ views: [{ id: "v", name: "a", type: "grid", collection: null, broken: null }] });
  const after = memoryContent({ settings: [{ id: "s", digest: "1" }] });
  expect(changedMetadata(before, after)).toEqual(["1 view changed while it was read.", "1 setting changed while it was read."]);
});
