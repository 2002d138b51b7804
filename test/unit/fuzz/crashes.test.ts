/** Inputs that once made a reader fall over end as they should. */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CRASHES } from "../../fixtures/crashes/index.ts";
import { saveArtifact } from "../../fuzz/campaign.ts";
import { drillArtifact, readArtifact } from "../../fuzz/reading.ts";

describe("what once made a reader fall over", () => {
  it.each(CRASHES)("$format: $name", async ({ format, ends, make }) => {
    const home = await mkdtemp(join(tmpdir(), "rw-crash-"));
    try {
      const work = join(home, "work");
      await Promise.all([mkdir(work), mkdir(join(home, "made"))]);
      const path = await saveArtifact(make(join(home, "made")), join(home, "artifact"));
      const read = await readArtifact(format, path, work, null);
      expect(read.outcome, read.told).toBe(ends);
      expect(await readdir(work)).toEqual([]);
      expect(await drillArtifact(format, path, home, null)).toMatchObject({ defects: [] });
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });
});
