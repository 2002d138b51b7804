import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildLibrary, librarySpec, manyRowsSpec, writeGristDocument } from "../../../fixtures/grist/build.ts";
import { rowsOf, temporaryDirectory, withDocument } from "./read.ts";

const work = temporaryDirectory();

describe("the writer of Grist documents", () => {
  it("gives the same bytes for the same specification, and others for another", () => {
    const one = readFileSync(buildLibrary(join(work(), "one.grist")));
    expect(readFileSync(buildLibrary(join(work(), "two.grist"))).equals(one)).toBe(true);
    writeGristDocument(join(work(), "two.grist"), { ...librarySpec(), locale: "de-DE" });
    expect(readFileSync(join(work(), "two.grist")).equals(one)).toBe(false);
  });

  it("every kind of cell comes back canonical", async () => {
    await withDocument(buildLibrary(join(work(), "cells.grist")), work(), async (content) => {
      const [first, second, empty] = await rowsOf(content, "Books");
      expect(first?.values).toEqual([
        "The long way round",
        "312",
        "12.5",
        "true",
        "2024-03-01",
        "2025-06-07T08:09:10.120Z",
        "novel",
        ["old", "signed"],
        "1",
        ["1", "2"],
        ["1"],
        "25",
      ]);
      expect(second?.values.slice(1, 3)).toEqual(["9007199254740993", "1000000000000000000000"]);
      expect([empty?.key, empty?.values.slice(3)]).toEqual(["7", ["false", null, null, null, null, null, null, null, "0"]]);
    });
  });

  it("both sides of a two-way reference name each other; choices are options; a summary is computed", async () => {
    await withDocument(buildLibrary(join(work(), "structure.grist")), work(), (content) => {
      const field = (collection: string, id: string) =>
        content.collections.find((one) => one.id === collection)?.fields.find((one) => one.id === id);
      expect(field("Books", "Author")?.link).toEqual({ collection: "Authors", many: false, reciprocal: "Books" });
      expect(field("Authors", "Books")?.link).toEqual({ collection: "Books", many: true, reciprocal: "Author" });
      expect(field("Books", "Kind")?.options).toEqual(["novel", "guide"]);
      expect(content.collections.map((one) => [one.id, one.name, one.computed])).toEqual([
        ["Books", "All books", false],
        ["Authors", "Authors", false],
        ["Readers", "Readers", false],
        ["Books_summary_Kind", "Books_summary_Kind", true],
      ]);
    });
  });

  it("records come in batches of at most a thousand", async () => {
    const path = join(work(), "many.grist");
    writeGristDocument(path, manyRowsSpec(2500));
    await withDocument(path, work(), async (content) => {
      const sizes: number[] = [];
      for await (const batch of content.records("Numbers", new AbortController().signal)) sizes.push(batch.length);
      expect(sizes).toEqual([1000, 1000, 500]);
    });
  });
});
