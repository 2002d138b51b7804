import { beforeAll, describe, expect, test } from "vitest";
import type { SourcePolicy } from "../../../agent/core/policy.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { someAlarm, someRun } from "../../doubles/values.ts";
import { CHECKS, drillOf, fill, fiveWorld, NOW, result, type World, world } from "./world.ts";

let five: World;
beforeAll(async () => {
  five = await fiveWorld();
});

async function open(path: string, target: World = five, status = 200): Promise<string> {
  const response = await target.app.request(path, { headers: { accept: "text/html,application/xhtml+xml" } });
  expect([path, response.status]).toEqual([path, status]);
  expect(response.headers.get("content-type")).toBe("text/html; charset=UTF-8");
  return response.text();
}

/** What is read of a page: no markup, one space between words. */
function words(html: string): string {
  const text = html.replaceAll(/<(script|style|svg)[\s\S]*?<\/\1>/gu, " ").replaceAll(/<[^>]+>/gu, " ");
  return text
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
    .replaceAll(/\s+/gu, " ");
}

describe("the fleet page", () => {
  test("lists sources worst first with the reason of each", async () => {
    const html = await open("/");
    const order = [...html.matchAll(/href="\/sources\/([a-z]+)"/gu)].map((match) => match[1]);
    expect(order.filter((id, index) => order.indexOf(id) === index)).toEqual(["broken", "locked", "late", "collapsed", "healthy"]);
    const text = words(html);
    expect(text).toContain("Of 5 sources: 3 would not restore as promised, 1 needs a look, 1 fine.");
    expect(text).toMatch(/3 dangling references in Orders\.customer: links\.resolve failed on the backup of 02:0\d UTC/u);
    expect(text).toContain("No new backup for 3 d 9 h; objective 24 h (the last one verified)");
    expect(text).toContain("no owner");
  });

  test("says what to do about each that is not fine, and of a failed layer not when another backup passed it", async () => {
    const text = words(await open("/?q=broken"));
    expect(text).toContain("Next: The drill names the records. Mend the links at the source");
    expect(text).toMatch(/artifact 9 h ago content failed/u);
    expect(words(await open("/?q=locked"))).toContain("Next: Find the key these credentials were encrypted with");
    expect(words(await open("/?q=healthy"))).not.toContain("Next: ");
  });

  test("can be narrowed to a level and to words, and says when nothing is left", async () => {
    expect(words(await open("/?level=fine"))).not.toContain("dangling");
    const found = words(await open("/?q=FINANCE%20dangling"));
    expect(found).toContain("billing");
    expect(found).not.toContain("warehouse");
    expect(words(await open("/?q=zebra"))).toContain("No source matches. Show all 5");
  });

  test.each(["/?page=0", "/?page=x", "/?level=dreadful", "/?page=99", `/?q=${"x".repeat(500)}`])(
    "%s falls back to what can be shown",
    async (path) => {
      expect(words(await open(path))).toContain("Of 5 sources");
    },
  );

  test("shows the worst fifty of a thousand, in under 300 kB, with the way to the rest", async () => {
    const state = memoryState();
    const sources: SourcePolicy[] = Array.from({ length: 1000 }, (_, index) => policy(`source-${index}`));
    for (const one of sources.slice(0, 200)) await fill(state, { policy: one, nights: 3, drilled: 1 });
    const big = world({ state, sources });
    const html = await open("/?q=source", big);
    expect(html.length).toBeLessThan(300_000);
    expect(words(html)).toContain("1–50 of 1,000 sources, worst first");
    expect(html).toContain('href="/?q=source&amp;page=2"');
    expect(words(await open("/?page=20", big))).toContain("951–1,000 of 1,000 sources");
  });

  test("tells a new user how to begin", async () => {
    const text = words(await open("/", world()));
    expect(text).toContain("No source is configured yet.");
    expect(text).toContain("restorewatch init");
  });

  test("says so when the agent itself has trouble", async () => {
    const text = words(await open("/", world({ readiness: () => ({ ready: false, problems: ["The disk is full."] }) })));
    expect(text).toContain("The agent itself has trouble: The disk is full.");
  });
});

describe("the source page", () => {
  test("says what is wrong, by which check, with examples, and what passed", async () => {
    const text = words(await open("/sources/broken"));
    expect(text).toContain("3 dangling references in Orders.customer");
    expect(text).toContain("Orders item 1042 , field customer : points at Customers 88, which is not there");
    expect(text).toContain("Does every reference lead to a record that is there?");
    expect(text).toMatch(
      /If you had to restore now: the newest backup that verified is of 19 Feb 02:0\d UTC \(33 h ago\) , broken\/2026-02-19/u,
    );
    expect(text).toContain("9 verified, 1 failed, 35 not tried; oldest left");
    expect(text).toContain("What did the drill cost this machine? CPU time 1.8 s Memory at most 187.4 MB");
    expect(text.indexOf("Failed 2 checks")).toBeLessThan(text.indexOf("Passed 4 checks"));
    expect(text).toContain("/var/lib/restorewatch/evidence");
  });

  test("holds its history as a picture with words and as figures, without a script", async () => {
    const html = await open("/sources/collapsed");
    expect(html).toMatch(
      /<svg class="chart"[^>]*role="img"[^>]*aria-label="Size of each backup: 45 values from [^"]+, lowest 10\d\.?\d? kB, highest 46\d\.?\d? kB, newest 10\d\.?\d? kB, expected between [^"]+"/u,
    );
    expect((html.match(/<polyline/gu) ?? []).length).toBe(3);
    expect((html.match(/<polygon class="band"/gu) ?? []).length, "the band in which each value was expected").toBe(3);
    expect(words(html)).toContain("As figures");
  });

  test("shows the newest recovery points and, on demand, more", async () => {
    expect(((await open("/sources/healthy")).match(/healthy\/2026-/gu) ?? []).length).toBe(14);
    expect(((await open("/sources/healthy?points=2000")).match(/healthy\/2026-/gu) ?? []).length).toBe(45);
    expect(((await open("/sources/healthy?points=-3")).match(/healthy\/2026-/gu) ?? []).length).toBe(14);
  });

  test("tells active alarms from ended ones", async () => {
    expect(words(await open("/sources/collapsed"))).toContain("Active The backup is 103.2 kB");
    const text = words(await open("/sources/healthy"));
    expect(text).toContain("None active.");
    expect(text).toContain("1 alarm that ended");
  });

  test("of a source that was only configured says what comes next", async () => {
    const text = words(await open("/sources/crm", world({ sources: [policy("crm")] })));
    expect(text).toContain("Not looked at yet: the first poll has not finished.");
    expect(text).toContain("Would it restore? Not looked at yet");
    expect(text).toContain("The vault has not been looked at yet: backups are expected under crm/* in vault nightly");
    expect(text).toContain("That happens by itself every 1 min.");
    expect(text).not.toContain("No backup");
    expect(text).toContain("restorewatch record crm");
  });

  test("of a vault that cannot be reached says that nothing is known, not that something is broken", async () => {
    const target = await fiveWorld();
    await target.state.repositories.sources.putPoll({
      sourceId: "healthy",
      lastPollAt: NOW,
      lastOkAt: NOW - 7_200_000,
      failures: 4,
      trouble: { code: "no-permission", message: "The vault directory may not be read." },
      nextPollAt: NOW,
    });
    const text = words(await open("/sources/healthy", target));
    expect(text).toContain(
      "The vault could not be looked at since 09:12 UTC (2 h ago) (4 tries): The vault directory may not be read. no-permission",
    );
    expect(text).toContain("Needs a look");
  });

  test("of a source that is not configured is a page that leads back", async () => {
    const html = await open("/sources/nobody", five, 404);
    expect(words(html)).toContain("There is no such source here.");
    expect(html).toContain('<a href="/">');
  });
});

describe("the drill page", () => {
  test("holds verdict, reasons, phases, checks, trace, hash, cost and isolation", async () => {
    const html = await open("/drills/drill-broken-45");
    const text = words(html);
    expect(text).toContain("Drill of broken Failed links.resolve: 3 dangling references in Orders.customer");
    expect(text).toMatch(/load load every record into it 905 ms/u);
    expect(text).toContain("0af7651916cd43dd8448eb211c80319c");
    expect(text).toMatch(/SHA-256 [0-9a-f]{64}/u);
    expect(text).toContain("Memory at most 187.4 MB");
    expect(text).toContain("Memory limit Not here");
    expect((html.match(/<svg class="span"/gu) ?? []).length).toBe(6);
  });

  test("leaves no time without a name", async () => {
    const text = words(await open("/drills/drill-healthy-45"));
    // 2,140 ms from start to end, 2,000 ms in phases.
    expect(text).toMatch(/else start a process of its own, [a-z ,]+ before, between and after 140 ms/u);
  });

  test("of an inconclusive drill says that it says nothing about the backup", async () => {
    const target = await fiveWorld();
    const [point] = await target.state.repositories.points.list("healthy");
    if (point === undefined) throw new Error("no point");
    const drill = {
      ...drillOf(point, []),
      id: "unclear",
      verdict: "inconclusive" as const,
      reasons: ["The drill ran out of memory (256 MB)."],
      trouble: "memory-limit",
      phases: {},
      facts: null,
      resources: null,
      isolation: null,
      traceId: null,
    };
    await target.state.repositories.drills.put(drill);
    const text = words(await open("/drills/unclear", target));
    expect(text).toContain("Could not tell The drill ran out of memory (256 MB).");
    expect(text).toContain("This says nothing about the backup itself: it could not be looked at ( memory-limit )");
    expect(text).toContain("No check was asked");
    expect(text).toContain("No phase finished.");
  });
});

test("what was left in the vault is said beside the verdict, wherever it stands", async () => {
  const target = await fiveWorld();
  const [point] = await target.state.repositories.points.list("healthy");
  if (point === undefined) throw new Error("no point");
  const whole = drillOf(point, []);
  expect(words(await open("/sources/healthy", target))).not.toContain("Not read");
  const drill = { ...whole, id: "in-parts", startedAt: NOW - 2000, finishedAt: NOW - 1000 };
  await target.state.repositories.drills.put({ ...drill, artifact: { ...whole.artifact, unread: { files: 28, bytes: 14_000_000 } } });
  for (const path of ["/sources/healthy", "/drills/in-parts"])
    expect(words(await open(path, target))).toContain("Not read 28 attachments, 14 MB , left in the vault");
  const answer = await target.app.request("/api/v1/drills/in-parts");
  expect(await answer.json()).toMatchObject({ artifact: { unread: { files: 28, bytes: 14_000_000 } } });
});

test("the checks pages say what is asked, what it cannot see and where it fails", async () => {
  const list = words(await open("/checks"));
  expect(list).toContain("3 checks fail somewhere now.");
  for (const check of CHECKS) expect(list).toContain(check.question);
  const one = words(await open("/checks/links.resolve"));
  expect(one).toContain("It cannot see whether the values themselves are the right ones.");
  expect(one).toContain("broken 3 dangling references in Orders.customer");
  expect(one).toContain("Those of format csv or grist .");
  expect(one).toContain("Duplicate/restore silently drops links NocoDB #11496");
  expect(words(await open("/checks/files.present"))).toContain(
    "Nowhere: in the newest drill of each of 5 sources it passed, or there was nothing to ask it about.",
  );
  expect(list.indexOf("links.resolve")).toBeLessThan(list.indexOf("restore.loads"));
  await open("/checks/no.such", five, 404);
});

test("a check of which nothing is known yet is not said to pass", async () => {
  const sources = [policy("crm"), policy("hr")];
  const state = memoryState();
  const target = world({ state, sources });
  expect(words(await open("/checks/links.resolve", target))).toContain("Not known yet: no backup was verified so far.");
  await fill(state, { policy: policy("crm"), nights: 2, drilled: 1 });
  await target.clock.advance(60_000);
  expect(words(await open("/checks/links.resolve", target))).toContain(
    "Nowhere: in the newest drill of the one source it passed, or there was nothing to ask it about. Nothing is known yet of 1 other source.",
  );
});

test("whatever comes from outside is shown as text and never becomes markup", async () => {
  const evil = `"><img src=x onerror=alert(1)><script>alert('x')</script>&amp;`;
  const state = memoryState();
  const hostile = policy("crm", {
    owner: { team: evil, contact: evil },
    domain: evil,
    backups: { ...policy().backups, path: evil, pattern: evil, vaultId: evil },
  });
  await fill(state, { policy: hostile, nights: 3, drilled: 1 });
  const { repositories } = state;
  const [newest] = await repositories.points.list("crm");
  if (newest === undefined) throw new Error("no point");
  await repositories.points.put([{ ...newest, path: evil }]);
  const examples = [{ collection: evil, item: evil, field: evil, note: evil }];
  const drill = drillOf({ ...newest, path: evil, firstSeenAt: NOW }, [result(evil, "fail", evil, { expected: evil, examples })], {
    id: evil,
    traceId: evil,
    trouble: evil,
  });
  await repositories.drills.put({ ...drill, artifact: { ...drill.artifact, format: evil, formatVersion: evil, sha256: evil } });
  await repositories.alarms.put(someAlarm("a", { sentence: evil, rule: evil }));
  await repositories.runs.put(someRun("r", { finishedAt: NOW, message: evil }));
  await repositories.sources.putPoll({
    sourceId: "crm",
    lastPollAt: NOW,
    lastOkAt: null,
    failures: 1,
    trouble: { code: evil, message: evil },
    nextPollAt: NOW,
  });
  const target = world({
    state,
    sources: [hostile],
    version: evil,
    evidencePath: evil,
    readiness: () => ({ ready: true, problems: [evil] }),
    checks: [{ ...(CHECKS[0] as (typeof CHECKS)[number]), id: evil, question: evil, limits: evil, pitfalls: [evil] }],
  });
  const id = encodeURIComponent(evil);
  const pages: [path: string, status: number][] = [
    ["/", 200],
    [`/?q=${id}&level=${id}`, 200],
    ["/sources/crm", 200],
    [`/drills/${id}`, 200],
    ["/checks", 200],
    [`/checks/${id}`, 200],
    [`/sources/${id}`, 404],
    [`/${id}`, 404],
  ];
  for (const [path, status] of pages) {
    const html = await open(path, target, status);
    expect(html).not.toMatch(/<img src=x|<script>|onerror=alert\(1\)>/u);
    expect([path, status, words(html).includes(evil)]).toEqual([path, status, status === 200]);
    for (const tag of html.matchAll(/<script\b[^>]*>/gu))
      expect(tag[0]).toMatch(/^<script src="\/assets\/[0-9a-f]{12}-[a-z]+\.js" defer>$/u);
    expect(html).not.toMatch(/\sstyle=|\son[a-z]+="/u);
  }
});

describe("assets", () => {
  test("everything a page loads is here, under its hash, for good", async () => {
    const html = await open("/sources/broken");
    const paths = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/gu)].map((match) => match[1] ?? "");
    expect(new Set(paths.map((path) => path.replace(/^\/assets\/[0-9a-f]{12}-/u, "")))).toEqual(
      new Set(["app.css", "app.js", "icon.svg", "uplot.css", "uplot.js"]),
    );
    for (const path of new Set(paths)) {
      const response = await five.app.request(path);
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(100);
    }
  });

  test.each(["/assets/000000000000-app.css", "/assets/..%2fapp.ts", "/assets/%2e%2e/app.ts", "/assets/"])(
    "%s is not there",
    async (path) => {
      expect((await five.app.request(path)).status).toBe(404);
    },
  );
});
