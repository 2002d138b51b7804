/** Artifacts that change or vanish while they are read: whatever was found by then, it is neither a verification nor a fault. */
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checks } from "../../../agent/checks/api.ts";
import { drill } from "../../../agent/drill/drill.ts";
import type { ChildMessage } from "../../../agent/drill/protocol.ts";
import { formats } from "../../../agent/formats/api.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { sandboxes } from "../../../agent/sandboxes/api.ts";
import { writeUserDir } from "../../fixtures/node-red/user-dir.ts";
import { jobFor } from "../../fuzz/reading.ts";
import { ROOT } from "../../meta/sources.ts";

const DATA = resolve(ROOT, "../shared/data");
const home = mkdtempSync(join(tmpdir(), "rw-hostile-races-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Lets `change` happen the moment a phase is over, when the drill holds what it learnt in it. */
async function changedAfter(phase: string, format: string, path: string, change: () => void): Promise<ChildMessage & { t: "done" }> {
  const workDir = mkdtempSync(join(home, "work-"));
  const said: ChildMessage[] = [];
  await drill(jobFor(format, path, workDir, null), {
    ...{ formats, sandboxes, checks, clock: systemClock(), signal: new AbortController().signal },
    channel: {
      send(message) {
        said.push(message);
        if (message.t === "phase" && message.phase === phase) change();
      },
    },
  });
  const done = said.at(-1);
  if (done?.t !== "done") throw new Error("the drill said no last word");
  return done;
}

const CHANGES: readonly (readonly [string, (path: string) => void])[] = [
  ["removed", (path) => unlinkSync(path)],
  ["cut off", (path) => truncateSync(path, 1000)],
  ["emptied", (path) => truncateSync(path, 0)],
  ["appended to", (path) => appendFileSync(path, "more")],
  ["overwritten in place with the same length", (path) => writeFileSync(path, Buffer.alloc(readFileSync(path).length, 0x20))],
  [
    "exchanged for another file of the same length and time",
    (path) => {
      const bytes = readFileSync(path);
      writeFileSync(`${path}.new`, bytes.fill(0x41, bytes.length - 10));
      utimesSync(`${path}.new`, 1, 1);
      renameSync(`${path}.new`, path);
    },
  ],
];

const FILES = [
  ["grist", "grist/Comments_44.grist"],
  ["node-red", "node-red/03---Link-call.json"],
  ["baserow", "baserow/project-tracker.json"],
  ["n8n", resolve(ROOT, "test/fixtures/n8n/workflows.json")],
] as const;

describe.each(FILES)("%s", (format, source) => {
  test.each(["open", "load"])("changed after phase %s, in every way", async (phase) => {
    for (const [what, change] of CHANGES) {
      const path = join(home, `${format}-${phase}`);
      writeFileSync(path, readFileSync(resolve(DATA, source)));
      const { trouble } = await changedAfter(phase, format, path, () => change(path));
      expect([what, trouble?.code]).toEqual([what, "artifact-changed"]);
    }
  });

  test("left alone, and read by others, it is not called changed", async () => {
    const path = join(home, `${format}-quiet`);
    writeFileSync(path, readFileSync(resolve(DATA, source)));
    const { trouble } = await changedAfter("parse", format, path, () => void readFileSync(path));
    expect(trouble).toBeNull();
  });
});

describe("a directory", () => {
  test.each([
    ["a file of it is written to", (path: string) => appendFileSync(join(path, "package.json"), "\n")],
    ["a file of it is removed", (path: string) => unlinkSync(join(path, ".config.nodes.json"))],
    ["a file is added to it", (path: string) => writeFileSync(join(path, "lib", "new.json"), "[]")],
  ])("%s", async (what, change) => {
    const path = await writeUserDir(join(home, what));
    const { trouble } = await changedAfter("parse", "node-red", path, () => change(path));
    expect(trouble?.code).toBe("artifact-changed");
    expect(trouble?.message).toMatch(/^The artifact changed while it was read; verify it again/);
  });
});
