import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { emptyInbox, type InboxRequest, leaveInInbox } from "../../../agent/engine/inbox.ts";

let inbox: string;
beforeEach(async () => {
  inbox = join(await mkdtemp(join(tmpdir(), "rw-inbox-")), "inbox");
});
afterEach(() => rm(join(inbox, ".."), { recursive: true, force: true }));

async function take(): Promise<{ taken: InboxRequest[]; rejected: string[] }> {
  const taken: InboxRequest[] = [];
  const rejected: string[] = [];
  await emptyInbox(
    inbox,
    async (request) => {
      taken.push(request);
    },
    (name, code) => rejected.push(`${name} ${code}`),
  );
  return { taken, rejected };
}

describe("the inbox", () => {
  test("an inbox that is not there is empty", async () => {
    expect(await take()).toEqual({ taken: [], rejected: [] });
  });

  test("documents come out in the order of their names, once", async () => {
    await leaveInInbox(inbox, "2", { kind: "poll", document: { sourceId: null } });
    await leaveInInbox(inbox, "1", { kind: "run", document: { outcome: "success" } });
    expect((await take()).taken.map((request) => request.kind)).toEqual(["run", "poll"]);
    expect((await take()).taken).toEqual([]);
  });

  test("a document stays until what it says is recorded", async () => {
    await leaveInInbox(inbox, "1", { kind: "run", document: {} });
    await expect(
      emptyInbox(
        inbox,
        () => Promise.reject(new Error("disk full")),
        () => undefined,
      ),
    ).rejects.toThrow("disk full");
    expect((await take()).taken).toHaveLength(1);
  });

  test("what is still being written is not seen, and what is not understood is told once and removed", async () => {
    await leaveInInbox(inbox, "1", { kind: "poll", document: { sourceId: null } });
    await writeFile(join(inbox, ".2.tmp"), "{");
    await writeFile(join(inbox, "3.json"), "not json");
    await writeFile(join(inbox, "4.json"), JSON.stringify({ kind: "erase", document: {} }));
    await writeFile(join(inbox, "5.json"), "x".repeat(70_000));
    expect((await take()).rejected).toEqual(["3.json not-understood", "4.json not-understood", "5.json too-large"]);
    expect(await readdir(inbox)).toEqual([".2.tmp"]);
  });
});
