/** A bag of which some attachments were left in the vault: never missing, never vouched for. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bag } from "../../../../agent/formats/bag/index.ts";
import { PHOTO, PHOTO_SHA256, writeLibrary } from "../../../fixtures/bag/library.ts";
import { places, thrownBy, withBag } from "./read.ts";

const place = places();
const PATH = `data/files/${PHOTO_SHA256}`;

async function without(): Promise<string> {
  const directory = await writeLibrary(place());
  await rm(join(directory, PATH));
  return directory;
}

it("is whole where the vault lists what the manifest names; the attachment is unread and not missing", async () => {
  const whole = await withBag(await writeLibrary(place()), place("work"), (content) => content.integrity);
  await withBag(
    await without(),
    place("work"),
    async (content) => {
      expect(content.integrity.problems).toEqual(whole.problems);
      expect(content.integrity.checksums?.compared).toBe((whole.checksums?.compared ?? 0) - 1);
      expect(content.files.map((file) => [file.id, file.presence])).toEqual([
        ["f1", "unread"],
        ["f2", "missing"],
        ["f3", "outside"],
      ]);
      const bytes = content.fileBytes("f1", new AbortController().signal)[Symbol.asyncIterator]();
      expect(await thrownBy(bytes.next())).toMatchObject({ kind: "not_found" });
    },
    { unread: new Map([[PATH, PHOTO.length]]) },
  );
});

it("is not whole where the vault lacks it, holds another length, or holds what no manifest names", async () => {
  const problems = (unread: ReadonlyMap<string, number>) =>
    without().then((directory) => withBag(directory, place("work"), (content) => content.integrity.problems.join("\n"), { unread }));
  expect(await problems(new Map())).toContain("is listed in the manifest and is not there");
  expect(await problems(new Map([[PATH, PHOTO.length - 1]]))).toContain("bag-info.txt declares");
  const stranger = `data/files/${"1".repeat(64)}`;
  expect(
    await problems(
      new Map([
        [PATH, PHOTO.length],
        [stranger, 5],
      ]),
    ),
  ).toContain(`${JSON.stringify(stranger)} is there and is not listed in the manifest`);
});

it("spares attachments alone, and nothing of what is no bag", () => {
  const files = ["bagit.txt", "manifest-sha256.txt", "data/datapackage.json", "data/files.json", "data/tables/a/part-00000.ndjson", PATH];
  expect(bag.spares?.(files)).toEqual([PATH]);
  expect(bag.spares?.(files.filter((path) => path !== "bagit.txt"))).toEqual([]);
});
