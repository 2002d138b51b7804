/**
 * The contract every Vault keeps. A vault's whole contract test is one call:
 * `vaultContract({ name: "dir", create: () => dirVaultOnDisk(), skips: [] })`.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentError, type ErrorKind } from "../../agent/core/errors.ts";
import type { OpenArtifact, Vault, VaultBrowser, VaultListing } from "../../agent/core/ports.ts";

export const VAULT_CASES = [
  "children",
  "pattern",
  "names",
  "directories",
  "unfinished",
  "reports",
  "large-report",
  "checksums",
  "bad-checksum",
  "prefix-file",
  "no-prefix",
  "escapes",
  "stat",
  "open-file",
  "open-directory",
  "changed",
  "close-twice",
  "too-large",
  "abort",
  "many",
  "read-only",
  "quiet-errors",
] as const;
export type VaultCase = (typeof VAULT_CASES)[number];

export interface VaultHarness {
  readonly vault: Vault;
  /** Puts a file, as the backup job would; `mtime` in milliseconds, whole seconds. A path under a new directory makes the directory. */
  put(path: string, bytes: string | Uint8Array, mtime: number): Promise<void>;
  /** Removes a file or a whole directory. */
  remove(path: string): Promise<void>;
  dispose(): Promise<void>;
}

export interface VaultSuite {
  readonly name: string;
  create(): Promise<VaultHarness>;
  readonly skips: readonly { readonly case: VaultCase; readonly reason: string }[];
}

const T = Date.UTC(2026, 10, 22, 3, 0, 0);
const signal = new AbortController().signal;
const sum = (text: string): string => createHash("sha256").update(text).digest("hex");

export function vaultContract(suite: VaultSuite): void {
  const skipped = new Set(suite.skips.map((skip) => skip.case));
  describe(`vault contract: ${suite.name}`, () => {
    let harness: VaultHarness;
    let spoolRoot = "";
    let spools = 0;
    beforeEach(async () => {
      spoolRoot = await mkdtemp(join(tmpdir(), "rw-spool-"));
      harness = await suite.create();
    });
    afterEach(async () => {
      await harness.dispose();
      await rm(spoolRoot, { recursive: true, force: true });
    });

    const list = (prefix: string, pattern = "*"): Promise<VaultListing> => harness.vault.list(prefix, { pattern, signal });
    const paths = async (prefix: string, pattern?: string): Promise<string[]> =>
      (await list(prefix, pattern)).entries.map((entry) => entry.path);
    const open = async (path: string, maxBytes = 2 ** 30, abort = signal): Promise<OpenArtifact> => {
      spools += 1;
      const spoolDir = join(spoolRoot, `spool-${spools}`);
      await mkdir(spoolDir);
      return harness.vault.open(path, { spoolDir, maxBytes, signal: abort });
    };
    const cases: { readonly id: VaultCase; readonly title: string; readonly body: () => Promise<void> }[] = [];
    const test = (id: VaultCase, sentence: string, body: () => Promise<void>): void => {
      cases.push({ id, title: `${id}: ${sentence}`, body });
    };

    it("has a reason for every skip", () => {
      for (const skip of suite.skips) expect(skip.reason.length).toBeGreaterThan(10);
    });

    test("children", "lists the direct children of a prefix, with size and time, and nothing beside it", async () => {
      await harness.put("crm/a.json", "12345", T);
      await harness.put("crm/b.json", "", T + 1000);
      await harness.put("crmx/c.json", "1", T);
      await harness.put("root.json", "1", T);
      const plain = { kind: "file", immutableUntil: null, checksum: null };
      const expected = [
        { ...plain, path: "crm/a.json", bytes: 5, modifiedAt: T },
        { ...plain, path: "crm/b.json", bytes: 0, modifiedAt: T + 1000 },
      ];
      expect(await list("crm")).toEqual({ entries: expected, reports: [], problems: [] });
      expect((await list("crm/")).entries).toEqual(expected);
      expect(await paths("")).toEqual(["crm", "crmx", "root.json"]);
    });

    test("names", "a vault that can be browsed tells names one folder deep, whatever they are, and nothing below", async () => {
      if (!("names" in harness.vault)) throw new Error("This vault cannot be browsed: skip the case and say why.");
      const vault = harness.vault as Vault & VaultBrowser;
      await harness.put("crm/a.json", "12345", T);
      await harness.put("crm/a.json.sha256", "x", T);
      await harness.put("crm/deep/b.json", "1", T);
      await harness.put("root.json", "1", T);
      const [top, crm] = [await vault.names("", signal), await vault.names("crm/", signal)];
      expect(top).toEqual([
        { name: "crm", kind: "directory" },
        { name: "root.json", kind: "file" },
      ]);
      expect(crm).toEqual([
        { name: "a.json", kind: "file" },
        { name: "a.json.sha256", kind: "file" },
        { name: "deep", kind: "directory" },
      ]);
      expect(await kindOf(vault.names("nowhere", signal))).toBe("not_found");
      expect(await kindOf(vault.names("../x", signal))).toBe("config");
      await expect(vault.names("", AbortSignal.abort())).rejects.toMatchObject({ kind: "transient", code: "aborted" });
    });

    test("pattern", "keeps what the pattern matches over the last segment", async () => {
      for (const name of ["crm-1.json", "crm-2.json.gz", "hr-1.json", "crm-[x].json"]) await harness.put(`all/${name}`, "x", T);
      expect(await paths("all", "crm-*.json")).toEqual(["all/crm-1.json", "all/crm-[x].json"]);
      expect(await paths("all", "crm-?.json*")).toEqual(["all/crm-1.json", "all/crm-2.json.gz"]);
      expect(await paths("all", "{hr,fin}-*")).toEqual(["all/hr-1.json"]);
      expect(await paths("all", "crm-[0-9].json")).toEqual(["all/crm-1.json"]);
      expect(await paths("all", "nothing-*")).toEqual([]);
    });

    test("directories", "takes a directory as one artifact: the sum of its files, the newest of them", async () => {
      await harness.put("nr/2026-11-22/flows.json", "123", T);
      await harness.put("nr/2026-11-22/.config.json", "45", T + 5000);
      await harness.put("nr/2026-11-22/lib/deep/er.js", "6789", T - 5000);
      const { entries } = await list("nr");
      expect(entries).toMatchObject([{ path: "nr/2026-11-22", kind: "directory", bytes: 9, modifiedAt: T + 5000 }]);
    });

    test("unfinished", "leaves out hidden and unfinished names", async () => {
      for (const name of [".hidden", "a.tmp", "a.part", "a.partial", "a.crdownload", "a.json~", ".tmp"])
        await harness.put(`p/${name}`, "x", T);
      await harness.put("p/.git/config", "x", T);
      await harness.put("p/restic.partial/a", "x", T);
      await harness.put("p/a.json", "x", T);
      await harness.put("p/template", "x", T);
      expect(await list("p")).toMatchObject({ entries: [{ path: "p/a.json" }, { path: "p/template" }], problems: [] });
    });

    test("reports", "hands over run reports unread, and never takes them for artifacts", async () => {
      await harness.put("p/a.json", "x", T);
      await harness.put("p/a.json.run.json", "{ not even json", T + 1000);
      await harness.put("p/2026-11-23.run.json", '{"outcome":"failure"}', T + 2000);
      const { entries, reports } = await list("p", "*.json");
      expect(entries.map((entry) => entry.path)).toEqual(["p/a.json"]);
      expect(reports).toEqual([
        { path: "p/2026-11-23.run.json", text: '{"outcome":"failure"}', modifiedAt: T + 2000 },
        { path: "p/a.json.run.json", text: "{ not even json", modifiedAt: T + 1000 },
      ]);
    });

    test("large-report", "does not read a run report larger than 64 KiB, and says so", async () => {
      await harness.put("p/a.run.json", "x".repeat(64 * 1024), T);
      await harness.put("p/b.run.json", "x".repeat(64 * 1024 + 1), T);
      const { reports, problems } = await list("p");
      expect(reports.map((report) => report.path)).toEqual(["p/a.run.json"]);
      expect(problems).toEqual(["p/b.run.json: The run report is larger than 64 KiB."]);
    });

    test("checksums", "finds the checksum beside an artifact, its own before the common list", async () => {
      await harness.put("p/a.json", "aaa", T);
      await harness.put("p/a.json.sha256", `${sum("aaa").toUpperCase()}  /var/backups/a.json\n`, T);
      await harness.put("p/b.json", "bbb", T);
      await harness.put("p/b.json.sha256", sum("bbb"), T);
      await harness.put("p/c.json", "ccc", T);
      await harness.put("p/d.json", "ddd", T);
      await harness.put("p/d.json.sha256", `SHA256 (d.json) = ${sum("ddd")}\n`, T);
      await harness.put("p/e.json", "eee", T);
      await harness.put("p/SHA256SUMS", `${sum("other")}  a.json\n${sum("ccc")} *./c.json\n${sum("in")}  sub/e.json\n# comment\n`, T);
      const { entries, problems } = await list("p");
      expect(entries.map((entry) => [entry.path, entry.checksum])).toEqual([
        ["p/a.json", { algorithm: "sha256", value: sum("aaa"), from: "p/a.json.sha256" }],
        ["p/b.json", { algorithm: "sha256", value: sum("bbb"), from: "p/b.json.sha256" }],
        ["p/c.json", { algorithm: "sha256", value: sum("ccc"), from: "p/SHA256SUMS" }],
        ["p/d.json", { algorithm: "sha256", value: sum("ddd"), from: "p/d.json.sha256" }],
        ["p/e.json", null],
      ]);
      expect(problems).toEqual([]);
      expect((await harness.vault.stat("p/c.json", signal)).checksum?.from).toBe("p/SHA256SUMS");
    });

    test("bad-checksum", "a checksum file without a digest of its artifact is said, and vouches for nothing", async () => {
      await harness.put("p/a.json", "aaa", T);
      await harness.put("p/a.json.sha256", "not a digest\n", T);
      await harness.put("p/b.json", "bbb", T);
      await harness.put("p/b.json.sha256", `${sum("bbb")}  quite-another.json\n`, T);
      const { entries, problems } = await list("p");
      expect(entries.map((entry) => entry.checksum)).toEqual([null, null]);
      expect(problems).toEqual(["a", "b"].map((name) => `p/${name}.json.sha256: It holds no SHA-256 digest of the artifact beside it.`));
    });

    test("prefix-file", "a prefix that names a file is that one artifact, whatever the pattern, with its own report", async () => {
      await harness.put("p/crm.grist", "12", T);
      await harness.put("p/crm.grist.run.json", "{}", T);
      await harness.put("p/other.run.json", "{}", T);
      await harness.put("p/crm.grist.sha256", sum("12"), T);
      const listing = await list("p/crm.grist", "*.json");
      expect(listing.entries).toMatchObject([{ path: "p/crm.grist", bytes: 2, checksum: { value: sum("12") } }]);
      expect(listing.reports.map((report) => report.path)).toEqual(["p/crm.grist.run.json"]);
    });

    test("no-prefix", "what is not there is not_found, for every method", async () => {
      await harness.put("p/a.json", "1", T);
      expect(await kindOf(list("q"))).toBe("not_found");
      expect(await kindOf(list("p/a.json/deeper"))).toBe("not_found");
      expect(await kindOf(harness.vault.stat("p/b.json", signal))).toBe("not_found");
      expect(await kindOf(open("p/b.json"))).toBe("not_found");
      await harness.remove("p/a.json");
      expect(await kindOf(open("p/a.json"))).toBe("not_found");
    });

    test("escapes", "no path leads out of the vault", async () => {
      await harness.put("p/a.json", "1", T);
      for (const path of ["../a", "p/../../a", "/etc/passwd", "p/../p/a.json", "./p", "p\0/a.json", "..", "p/.."]) {
        expect(await kindOf(list(path)), `list ${JSON.stringify(path)}`).toBe("config");
        expect(await kindOf(harness.vault.stat(path, signal)), `stat ${JSON.stringify(path)}`).toBe("config");
        expect(await kindOf(open(path)), `open ${JSON.stringify(path)}`).toBe("config");
      }
    });

    test("stat", "looks at one artifact afresh, the same as the listing says", async () => {
      await harness.put("p/a.json", "1", T);
      await harness.put("p/d/x", "12", T);
      expect([await harness.vault.stat("p/a.json", signal), await harness.vault.stat("p/d", signal)]).toEqual((await list("p")).entries);
      await harness.put("p/a.json", "123", T + 1000);
      expect(await harness.vault.stat("p/a.json", signal)).toMatchObject({ bytes: 3, modifiedAt: T + 1000 });
    });

    test("open-file", "an opened file can be read whole on this machine, and is said unchanged", async () => {
      await harness.put("p/a.json", "every byte", T);
      const artifact = await open("p/a.json");
      expect(await readFile(artifact.localPath, "utf8")).toBe("every byte");
      expect(artifact.entry).toEqual(await harness.vault.stat("p/a.json", signal));
      await expect(artifact.assertUnchanged()).resolves.toBeUndefined();
      await artifact.close();
    });

    test("open-directory", "an opened directory can be read whole on this machine", async () => {
      await harness.put("p/d/flows.json", "[]", T);
      await harness.put("p/d/lib/a.js", "1", T);
      const artifact = await open("p/d");
      expect((await stat(artifact.localPath)).isDirectory()).toBe(true);
      expect(await readFile(join(artifact.localPath, "lib/a.js"), "utf8")).toBe("1");
      await artifact.assertUnchanged();
      await artifact.close();
    });

    test("changed", "bytes that change, files that come or go, are told as artifact-changed", async () => {
      await harness.put("p/a.json", "1", T);
      await harness.put("p/b.json", "1", T);
      await harness.put("p/d/x", "12", T);
      await harness.put("p/e/x", "12", T);
      await harness.put("p/e/y", "12", T);
      const opened = [await open("p/a.json"), await open("p/b.json"), await open("p/d"), await open("p/e")];
      await harness.put("p/a.json", "2", T + 1000);
      await harness.remove("p/b.json");
      await harness.put("p/d/z", "", T);
      await harness.remove("p/e/y");
      for (const artifact of opened) {
        await expect(artifact.assertUnchanged()).rejects.toMatchObject({
          kind: "transient",
          code: "artifact-changed",
        });
        await artifact.close();
      }
    });

    test("close-twice", "close may be called again, and takes away a copy but never the backup", async () => {
      await harness.put("p/a.json", "1", T);
      const artifact = await open("p/a.json");
      await artifact.close();
      await artifact.close();
      const left = await stat(artifact.localPath).then(
        () => "there",
        () => "gone",
      );
      expect(left).toBe(artifact.spooled ? "gone" : "there");
      expect(await paths("p")).toEqual(["p/a.json"]);
    });

    test("too-large", "an artifact over the limit is our limit, and nothing of it is spooled", async () => {
      await harness.put("p/a.json", "12345", T);
      await harness.put("p/d/x", "12345", T);
      expect(await kindOf(open("p/a.json", 4))).toBe("limit");
      expect(await kindOf(open("p/d", 4))).toBe("limit");
      expect(await kindOf(open("p/a.json", 5))).toBe("fine");
      const left = await Promise.all([spools - 2, spools - 1].map((n) => readdir(join(spoolRoot, `spool-${n}`))));
      expect(left.flat()).toEqual([]);
    });

    test("abort", "an aborted signal ends every method as transient", async () => {
      await harness.put("p/a.json", "1", T);
      const aborted = AbortSignal.abort(new Error("the deadline"));
      for (const work of [
        harness.vault.list("p", { pattern: "*", signal: aborted }),
        harness.vault.stat("p/a.json", aborted),
        open("p/a.json", 100, aborted),
      ])
        await expect(work).rejects.toMatchObject({ name: "AgentError", kind: "transient", code: "aborted" });
      const controller = new AbortController();
      const listing = harness.vault.list("p", { pattern: "*", signal: controller.signal });
      controller.abort();
      await expect(listing).rejects.toMatchObject({ kind: "transient", code: "aborted" });
    });

    test("many", "lists 10,000 artifacts in under two seconds", async () => {
      for (let n = 0; n < 10_000; n += 500)
        await Promise.all(Array.from({ length: 500 }, (_, i) => harness.put(`many/b-${String(n + i).padStart(5, "0")}.json`, "x", T)));
      const before = performance.now();
      const { entries } = await list("many", "b-*.json");
      const took = performance.now() - before;
      expect([entries.length, entries[0]?.path, entries.at(-1)?.path]).toEqual([10_000, "many/b-00000.json", "many/b-09999.json"]);
      expect(took).toBeLessThan(20_000);
    });

    test("read-only", "has no way to write, and looking changes nothing", async () => {
      await harness.put("p/a.json", "1", T);
      const before = await list("p");
      await (await open("p/a.json")).close();
      expect(await list("p")).toEqual(before);
      for (const name of ["put", "write", "remove", "delete"]) expect(name in harness.vault).toBe(false);
    });

    test("quiet-errors", "errors name the path within the vault and nothing outside it", async () => {
      await harness.put("p/a.json", "1", T);
      const errors = await Promise.all(
        [list("nowhere"), harness.vault.stat("p/none.json", signal), open("p/none.json")].map((work) =>
          work.then(
            () => null,
            (thrown: unknown) => thrown as AgentError,
          ),
        ),
      );
      for (const error of errors) {
        expect(error?.message).toMatch(/nowhere|none\.json/);
        expect(error?.message).not.toContain(tmpdir());
        expect(error?.message).not.toContain("\n");
      }
    });

    it.each(cases.filter((one) => !skipped.has(one.id)))("$title", async ({ body }) => {
      expect.hasAssertions();
      await body();
    });
  });
}

async function kindOf(work: Promise<unknown>): Promise<ErrorKind | "fine" | "not an AgentError"> {
  return work.then(
    () => "fine" as const,
    (thrown: unknown) => (thrown instanceof AgentError ? thrown.kind : ("not an AgentError" as const)),
  );
}
