import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../../agent/core/ports.ts";
import { s3Vault } from "../../../../agent/vaults/s3/index.ts";
import type { S3VaultConfig } from "../../../../agent/vaults/s3/schema.ts";
import { type Answer, configFor, type FakeS3, fakeS3, headersOf, hurriedClock, listed, MODIFIED_AT, refuse, xml } from "./fake-s3.ts";

const signal = new AbortController().signal;
const MILLION = 1_000_000;
let server: FakeS3 | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function vaultOver(answer: Answer, more: Partial<S3VaultConfig> = {}, clock: Clock = hurriedClock()) {
  server = await fakeS3(answer);
  return s3Vault("v", configFor(server.endpoint, more), { clock, random: () => 1 });
}
const noLock: Answer = (_, response) => refuse(response, 404, "ObjectLockConfigurationNotFoundError");

/** A bucket of `count` keys, `key` of a number each, page after page. */
function pagesOf(count: number, key: (n: number) => string, onPage: () => void = () => undefined): Answer {
  return (asked, response) => {
    if (asked.query.has("object-lock")) {
      noLock(asked, response);
      return;
    }
    onPage();
    const from = Number(asked.query.get("continuation-token") ?? "0");
    const to = Math.min(count, from + Number(asked.query.get("max-keys")));
    const keys = Array.from({ length: to - from }, (_, index) => ({ key: key(from + index) }));
    xml(response, listed(keys, to < count ? String(to) : null));
  };
}

/** Bytes that are really in use, garbage aside. */
function inUse(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

describe("a bucket of a million keys", () => {
  const key = (n: number): string => `many/backup-of-the-customer-database-${String(n).padStart(7, "0")}.json`;

  it("is passed through page by page, and never held", { timeout: 120_000 }, async () => {
    let [pages, most] = [0, 0];
    const vault = await vaultOver(
      pagesOf(MILLION, key, () => {
        pages += 1;
        if (pages % 100 === 0) most = Math.max(most, inUse());
        // What the test itself remembers of questions is not the vault's.
        if (server !== null) server.asked.length = 0;
      }),
    );
    const before = inUse();
    const listing = await vault.list("many", { pattern: "*-099999?.json", signal });
    expect([pages, listing.entries.length, listing.entries[0]?.path]).toEqual([1000, 10, key(999_990)]);
    expect(most - before).toBeLessThan(24 * 2 ** 20);
  });

  it("is refused as artifacts and as names before it fills the memory", async () => {
    const vault = await vaultOver(pagesOf(MILLION, key), { maxArtifacts: 2500 });
    const refused = { kind: "limit", code: "too-many-artifacts" };
    await expect(vault.list("many", { pattern: "*", signal })).rejects.toMatchObject(refused);
    expect(server?.asked).toHaveLength(3);
    await expect(vault.names("many", signal)).rejects.toMatchObject(refused);
    expect(server?.asked).toHaveLength(6);
  });

  it("as one artifact is too large to sum up, and said so once the limit is met", { timeout: 60_000 }, async () => {
    const deep = pagesOf(MILLION, key);
    const vault = await vaultOver((asked, response) => {
      if (asked.query.get("delimiter") === "/") xml(response, listed([], null, "<CommonPrefixes><Prefix>many/</Prefix></CommonPrefixes>"));
      else deep(asked, response);
    });
    const { entries, problems } = await vault.list("", { pattern: "*", signal });
    expect([entries, problems]).toEqual([[], ["many: The directory is more than 100000 files."]]);
    expect(server?.asked.length).toBeLessThan(105);
  });

  it("of run reports gives the newest, and says that there are others", async () => {
    const reports = pagesOf(4500, (n) => `p/${String(n).padStart(7, "0")}.run.json`);
    const vault = await vaultOver((asked, response) =>
      asked.key === "" ? reports(asked, response) : response.writeHead(200, headersOf(1)).end("x"),
    );
    const listing = await vault.list("p", { pattern: "*", signal });
    expect([listing.reports.length, listing.problems]).toEqual([
      2000,
      ["p/*.run.json: Only the newest 2000 run reports are read, 2500 older ones are not."],
    ]);
    // Reports do not change: those read once are not fetched again.
    const asked = server?.asked.length ?? 0;
    expect((await vault.list("p", { pattern: "*", signal })).reports).toHaveLength(2000);
    expect((server?.asked.length ?? 0) - asked).toBe(5);
  });
});

describe("a listing of a bucket", () => {
  it("asks nothing about single objects where neither locks nor checksums are kept", async () => {
    const vault = await vaultOver(pagesOf(50, (n) => `p/${n}.json`));
    await vault.list("p", { pattern: "*", signal });
    expect(server?.asked.map((asked) => asked.method)).toEqual(["GET", "GET"]);
  });

  it("tells the same time as a look at the one object, whatever fractions the server tells", async () => {
    const vault = await vaultOver((asked, response) => {
      if (asked.query.has("object-lock")) noLock(asked, response);
      else if (asked.method === "HEAD") response.writeHead(200, headersOf(1)).end();
      else xml(response, listed(asked.query.get("prefix") === "p/" ? [{ key: "p/a.json" }] : []));
    });
    const [entry] = (await vault.list("p", { pattern: "*", signal })).entries;
    expect(entry?.modifiedAt).toBe(MODIFIED_AT);
    expect(await vault.stat("p/a.json", signal)).toEqual(entry);
  });

  it("understands keys the server encodes", async () => {
    const vault = await vaultOver((asked, response) =>
      asked.query.has("object-lock")
        ? noLock(asked, response)
        : xml(response, listed([{ key: "p/%C3%BC+a%2Bb%01.json" }], null, "<EncodingType>url</EncodingType>")),
    );
    expect((await vault.list("p", { pattern: "*", signal })).entries.map((entry) => entry.path)).toEqual(["p/ü a+b\u0001.json"]);
  });

  it("asks for protection where the bucket can lock, remembers it for an hour, and asks afresh for one", async () => {
    let hours = 0;
    const clock = { ...hurriedClock(), monotonic: () => hours * 3_600_000 };
    const vault = await vaultOver(
      (asked, response) => {
        if (asked.query.has("object-lock"))
          xml(response, "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>");
        else if (asked.query.has("retention"))
          xml(response, "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2027-01-01T00:00:00Z</RetainUntilDate></Retention>");
        else if (asked.method === "HEAD") response.writeHead(200, { ...headersOf(1), "x-amz-version-id": "v1" }).end();
        else xml(response, listed(asked.query.get("prefix") === "p/" ? [{ key: "p/a.json" }] : []));
      },
      {},
      clock,
    );
    const look = async () => (await vault.list("p", { pattern: "*", signal })).entries[0]?.immutableUntil;
    const heads = (): number => server?.asked.filter((asked) => asked.method === "HEAD").length ?? 0;
    expect([await look(), await look(), heads()]).toEqual([Date.UTC(2027, 0, 1), Date.UTC(2027, 0, 1), 1]);
    hours = 1.1;
    expect([await look(), heads()]).toEqual([Date.UTC(2027, 0, 1), 2]);
    await vault.stat("p/a.json", signal);
    expect(heads()).toBe(3);
    // Asked of the version that was seen, not of one that came meanwhile.
    for (const asked of server?.asked ?? []) if (asked.query.has("retention")) expect(asked.query.get("versionId")).toBe("v1");
  });

  it("keeps a backup whose protection may not be asked, and says what to grant", async () => {
    const vault = await vaultOver((asked, response) => {
      if (asked.query.has("object-lock") || asked.query.has("retention")) refuse(response, 403, "AccessDenied");
      else if (asked.method === "HEAD") response.writeHead(asked.key.endsWith("/d") ? 404 : 200, headersOf(1)).end();
      else if (asked.query.get("delimiter") === "/")
        xml(response, listed([{ key: "p/a.json" }], null, "<CommonPrefixes><Prefix>p/d/</Prefix></CommonPrefixes>"));
      else xml(response, listed(asked.query.get("prefix") === "p/d/" ? [{ key: "p/d/x" }] : []));
    });
    const { entries, problems } = await vault.list("p", { pattern: "*", signal });
    const looked = [...entries, await vault.stat("p/a.json", signal), await vault.stat("p/d", signal)];
    expect(looked.map((entry) => [entry.path, entry.immutableUntil, entry.lockUnknown])).toEqual([
      ["p/a.json", null, true],
      ["p/d", null, true],
      ["p/a.json", null, true],
      ["p/d", null, true],
    ]);
    expect(problems).toEqual(
      ["a.json", "d"].map(
        (name) =>
          `p/${name}: Whether it is protected, and its checksum, may not be asked; mend: grant s3:GetObject and s3:GetObjectRetention.`,
      ),
    );
  });

  it("takes the file where a folder bears the same name, and says so", async () => {
    const vault = await vaultOver((asked, response) =>
      asked.query.has("object-lock")
        ? noLock(asked, response)
        : xml(
            response,
            listed(
              [{ key: "p/a" }],
              null,
              "<CommonPrefixes><Prefix>p/a/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>p//</Prefix></CommonPrefixes>",
            ),
          ),
    );
    expect(await vault.list("p", { pattern: "*", signal })).toMatchObject({
      entries: [{ path: "p/a", kind: "file" }],
      problems: ["p/a: There is a folder of the same name as this file; the file is taken."],
    });
    expect(await vault.names("p", signal)).toEqual([{ name: "a", kind: "file" }]);
  });
});
