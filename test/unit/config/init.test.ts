import { access, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { initCommand, type InitDeps } from "../../../agent/cli/init.ts";
import { capturedOutput } from "./captured-output.ts";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rw-init-"));
});

afterEach(() => rm(folder, { recursive: true }));

function deps() {
  const captured = capturedOutput();
  const own: InitDeps = {
    out: captured.out,
    starter: "# the starter\n",
    exists: (path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    writeFile: (path, text, { overwrite }) => writeFile(path, text, { flag: overwrite ? "w" : "wx" }),
  };
  return { ...own, captured };
}

describe("restorewatch init", () => {
  test("writes the starter and says what to do next", async () => {
    const path = join(folder, "restorewatch.yaml");
    const own = deps();
    expect(await initCommand({ path, force: false }, own)).toBe(0);
    expect(await readFile(path, "utf8")).toBe("# the starter\n");
    expect(own.captured.stdout()).toContain(`restorewatch check --config ${path}`);
  });

  test("leaves a file that is there as it is, unless told otherwise", async () => {
    const path = join(folder, "restorewatch.yaml");
    await writeFile(path, "mine");
    const own = deps();
    expect(await initCommand({ path, force: false }, own)).toBe(2);
    expect(await readFile(path, "utf8")).toBe("mine");
    expect(own.captured.stderr()).toBe(
      `restorewatch: ${path} is there already and was left as it is. (name another path, or write over it with --force)\n`,
    );
    expect(await initCommand({ path, force: true }, deps())).toBe(0);
    expect(await readFile(path, "utf8")).toBe("# the starter\n");
  });

  test("leaves a file that appears between looking and writing", async () => {
    const path = join(folder, "restorewatch.yaml");
    await writeFile(path, "mine");
    expect(await initCommand({ path, force: false }, { ...deps(), exists: async () => false })).toBe(2);
    expect(await readFile(path, "utf8")).toBe("mine");
  });

  test("says when the folder is not there", async () => {
    const own = deps();
    expect(await initCommand({ path: join(folder, "no", "restorewatch.yaml"), force: false }, own)).toBe(3);
    expect(own.captured.stderr()).toContain("no such file or directory");
  });
});
