import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contextIn, formatContract, probeOf } from "../../contracts/format.ts";
import type { CleanArtifact } from "../../contracts/format-artifacts.ts";
import { collection, field, record } from "../../doubles/content.ts";
import { faultyFormat, memoryFormat, writeMemoryArtifact } from "../../doubles/format.ts";

const people = collection("people", [
  field("name"),
  field("town", "link", { link: { collection: "towns", many: false, reciprocal: null } }),
]);
const towns = collection("towns", [field("name"), field("tags", "choices")]);

const small: CleanArtifact = {
  name: "people and towns",
  formatVersion: "1",
  write: (directory) =>
    writeMemoryArtifact(join(directory, "small.mem"), {
      collections: [people, towns],
      files: [{ id: "f1", name: "a.txt", bytes: 3, declaredType: null, declaredDigest: null, presence: "inside" }],
      bytes: { f1: new Uint8Array([1, 2, 3]) },
      rows: {
        people: [record("1", ["Ada of Somewhere", "1"]), record("2", ["Ben of Elsewhere", "2"]), record("3", [null, null])],
        towns: [record("1", ["Somewhere", ["big", "old"]]), record("2", ["Elsewhere", null])],
      },
      batch: 2,
    }),
};

formatContract({ name: "memory", create: () => memoryFormat(), clean: [small], skips: [] });
formatContract({ name: "faulty without faults", create: () => faultyFormat(memoryFormat()), clean: [small], skips: [] });

describe("the faulty format", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "rw-faulty-"));
  });
  afterAll(() => rm(root, { recursive: true }));

  it("breaks a stream where it is told to, once", async () => {
    const format = faultyFormat(memoryFormat(), [{ on: "records", error: new Error("planted"), after: 1 }]);
    const content = await format.open(await probeOf(await small.write(root)), contextIn(root));
    const read = async (): Promise<number> => {
      let batches = 0;
      for await (const batch of content.records("people", new AbortController().signal)) batches += batch.length > 0 ? 1 : 0;
      return batches;
    };
    await expect(read()).rejects.toThrow("planted");
    await expect(read()).resolves.toBe(2);
    format.verifyAllStruck();
  });

  it("says which faults a test never met", () => {
    const format = faultyFormat(memoryFormat(), [{ on: "close", error: new Error("planted") }]);
    expect(() => format.verifyAllStruck()).toThrow("close");
  });
});
