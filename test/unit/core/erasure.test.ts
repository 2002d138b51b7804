import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { erasureTrouble, parseErasures, subjectDigest } from "../../../agent/core/erasure.ts";
import { readErasure } from "../../../agent/engine/erasure.ts";

describe("the list of erased subjects", () => {
  it("takes a date or a time, in clear or as a digest, and leaves remarks out", () => {
    const digest = "0".repeat(64);
    const { subjects, problems } = parseErasures(
      `# since 2026\n\n2026-11-01 ada@example.org\n2026-11-02T03:04:05 digest:${digest}\r\n`,
      "",
    );
    expect(problems).toEqual([]);
    expect(subjects).toEqual([
      { digest: subjectDigest("ada@example.org", ""), erasedAt: Date.UTC(2026, 10, 1) },
      { digest, erasedAt: Date.UTC(2026, 10, 2, 3, 4, 5) },
    ]);
  });

  it("tells lines that are none by their number, never by what they hold", () => {
    const { subjects, problems } = parseErasures(
      "2026-11-01 ada@example.org\nbob@example.org\n2026-13-45 eve@example.org\n2026-11-01 digest:xyz",
      "",
    );
    expect(subjects).toHaveLength(1);
    expect(problems.map((one) => one.line)).toEqual([2, 3, 4]);
    expect(erasureTrouble(problems)).toBe(
      "line 2 of the list of erased subjects does not begin with a date such as 2026-11-23, and 2 more",
    );
    expect(JSON.stringify(problems)).not.toContain("@");
  });

  it("counts the last time somebody was erased", () => {
    const { subjects } = parseErasures("2026-11-01 ada@example.org\n2026-11-09 ADA@example.org\n2026-11-05 ada@example.org", "k");
    expect(subjects).toEqual([{ digest: subjectDigest("ada@example.org", "k"), erasedAt: Date.UTC(2026, 10, 9) }]);
  });

  it("has the digests that sha256sum prints", () => {
    const printed = execFileSync("sha256sum", { input: "key:ada@example.org", encoding: "utf8" }).slice(0, 64);
    expect(subjectDigest(" Ada@Example.org ", "key")).toBe(printed);
  });
});

describe("a drill", () => {
  const fields = [{ collection: "People", field: "Email" }];
  const policy = (key: { reveal(): Promise<string> } | null) => ({
    data: { retentionMs: null, classification: null, erasure: { list: "/etc/erased.txt", fields, key } },
  });

  it("is told digests only", async () => {
    const told = await readErasure(policy({ reveal: () => Promise.resolve("k") }), () => Promise.resolve("2026-11-01 ada@example.org\n"));
    expect(told.erasure).toMatchObject({ trouble: null, fields, key: "k" });
    expect(JSON.stringify(told)).not.toContain("ada");
  });

  it("is told that the list could not be had, and a list with one bad line is none", async () => {
    const gone = await readErasure(policy(null), () => Promise.reject(new Error("ENOENT")));
    expect(gone.erasure?.trouble).toContain("could not be read");
    const bad = await readErasure(policy(null), () => Promise.resolve("2026-11-01 ada@example.org\nada"));
    expect(bad.erasure?.trouble).toContain("line 2");
    expect(await readErasure({ data: { retentionMs: null, classification: null } }, () => Promise.resolve(""))).toEqual({});
  });
});
