import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentError } from "../../../../agent/core/errors.ts";
import { s3Vault } from "../../../../agent/vaults/s3/index.ts";
import { s3VaultWriter } from "../../../../agent/vaults/s3/writer.ts";
import { type Answer, configFor, type FakeS3, fakeS3, headersOf, hurriedClock, KEY, listed, part, refuse, xml } from "./fake-s3.ts";

const signal = new AbortController().signal;
const all = { pattern: "*", signal };
let server: FakeS3 | null = null;
let spoolDir = "";
beforeEach(async () => {
  spoolDir = await mkdtemp(join(tmpdir(), "rw-s3f-"));
});
afterEach(async () => {
  await server?.close();
  server = null;
  await rm(spoolDir, { recursive: true, force: true });
});

async function vaultOver(answer: Answer, more: { waits?: number[]; reveal?: () => string; requestMs?: number } = {}) {
  server = await fakeS3(answer);
  const deps = { clock: hurriedClock(more.waits), random: () => 1, ...(more.requestMs === undefined ? {} : { requestMs: more.requestMs }) };
  return s3Vault("v", configFor(server.endpoint, {}, more.reveal), deps);
}
async function errorOf(work: Promise<unknown>): Promise<AgentError> {
  const thrown: unknown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof AgentError) return thrown;
  throw new Error("expected an AgentError", { cause: thrown });
}
/** Answers that the bucket has no object lock, as most do. */
const plain =
  (answer: Answer): Answer =>
  (asked, response) =>
    asked.query.has("object-lock") ? refuse(response, 404, "ObjectLockConfigurationNotFoundError") : answer(asked, response);
const of = (whole: Buffer, get: Answer): Answer =>
  plain((asked, response) => {
    if (asked.query.has("list-type")) xml(response, listed([]));
    else if (asked.method === "HEAD") response.writeHead(200, headersOf(whole.length)).end();
    else get(asked, response);
  });
const opening = () => ({ spoolDir, maxBytes: 2 ** 30, signal });

describe("what a server refuses", () => {
  it.each([
    [403, "InvalidAccessKeyId", "", "auth", "credentials-refused"],
    [403, "SignatureDoesNotMatch", "", "auth", "credentials-refused"],
    [400, "ExpiredToken", "", "auth", "credentials-expired"],
    [403, "AccessDenied", "", "auth", "no-permission"],
    [403, "RequestTimeTooSkewed", "", "config", "clock-skew"],
    [404, "NoSuchBucket", "", "not_found", "no-such-bucket"],
    [301, "PermanentRedirect", "<Region>eu-west-1</Region>", "config", "wrong-region"],
    [400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>", "config", "wrong-region"],
    [503, "SlowDown", "", "rate_limited", "slow-down"],
    [429, "TooManyRequests", "", "rate_limited", "slow-down"],
    [500, "InternalError", "", "transient", "server-error"],
    [502, "BadGateway", "", "transient", "server-error"],
    [400, "RequestTimeout", "", "transient", "timeout"],
    [405, "MethodNotAllowed", "", "unsupported", "refused"],
  ])("%i %s is said as what it is, without a word of the server's", async (status, code, more, kind, ours) => {
    const vault = await vaultOver((_, response) => refuse(response, status, code, more));
    const error = await errorOf(vault.list("p", all));
    expect(error).toMatchObject({ kind, code: ours });
    expect(error.message).toMatch(/^"p": [A-Z0-9][^\n]*\.$/u);
    const told = JSON.stringify([error.message, error.mend, error.cause, error.stack]);
    for (const secret of ["SECRET", KEY.id, KEY.secret, "Signature=", "X-Amz"]) expect(told).not.toContain(secret);
    if (ours === "wrong-region") expect(error.mend).toBe("write region: eu-west-1");
    if (["auth", "config", "not_found", "rate_limited"].includes(kind)) expect(error.mend).not.toBeNull();
  });

  it.each([
    ["a page of HTML", "<html><body>Sign in</body></html>", "text/html"],
    ["JSON", '{"error":"no"}', "application/json"],
    ["XML of something else", "<rss><channel/></rss>", "application/xml"],
    ["half a listing", listed([{ key: "p/a.json" }, { key: "p/b.json" }]).slice(0, 250), "application/xml"],
    ["nothing", "", "application/xml"],
  ])("%s instead of a listing is never an empty vault", async (_, body, type) => {
    const vault = await vaultOver((_asked, response) => response.writeHead(200, { "content-type": type }).end(body));
    expect(await errorOf(vault.list("p", all))).toMatchObject({ kind: "transient", code: "bad-answer" });
    expect((await errorOf(vault.stat("p/a.json", signal))).code).toBe("bad-answer");
    expect((await errorOf(vault.names("", signal))).kind).toBe("transient");
  });

  it("a listing that never gets on is given up", async () => {
    const vault = await vaultOver((_, response) => xml(response, listed([{ key: "p/a.json" }], "again")));
    expect(await errorOf(vault.list("p", all))).toMatchObject({ kind: "transient", code: "listing-stuck" });
  });

  it("a page that fails in the middle fails the listing: half of it is no listing", async () => {
    const vault = await vaultOver((asked, response) =>
      asked.query.get("continuation-token") === "2"
        ? refuse(response, 500, "InternalError")
        : xml(response, listed([{ key: "p/a.json" }], "2")),
    );
    expect(await errorOf(vault.list("p", all))).toMatchObject({ kind: "transient", code: "server-error" });
  });

  it("nobody listening, and a name that is none, are told as the connection", async () => {
    const gone = await fakeS3(() => undefined);
    await gone.close();
    const vault = s3Vault("v", configFor(gone.endpoint), { clock: hurriedClock(), random: () => 1 });
    expect(await errorOf(vault.list("", all))).toMatchObject({
      kind: "transient",
      code: "connection",
      message: expect.stringMatching(/^the vault: The connection to 127\.0\.0\.1:\d+ could not be made or was cut \(ECONNREFUSED\)\.$/u),
      mend: "see endpoint, and whether the server runs",
    });
  });

  it("TLS where there is none is told as that", async () => {
    const vault = await vaultOver((_, response) => xml(response, listed([])));
    const endpoint = server?.endpoint.replace("http:", "https:") ?? "";
    const error = await errorOf(s3Vault("v", configFor(endpoint), { clock: hurriedClock(), random: () => 1 }).list("", all));
    expect(error).toMatchObject({ kind: "transient", code: "tls" });
    expect((await vault.list("", all)).entries).toEqual([]);
  });
});

describe("what passes by itself", () => {
  it("is tried again, longer and longer apart, and not more than four times", async () => {
    const waits: number[] = [];
    let left = 2;
    const vault = await vaultOver(
      plain((_, response) => (left-- > 0 ? refuse(response, 503, "SlowDown") : xml(response, listed([{ key: "p/a.json" }])))),
      { waits },
    );
    expect((await vault.list("p", all)).entries).toHaveLength(1);
    expect(waits).toEqual([200, 400]);
    left = 1000;
    expect(await errorOf(vault.list("p", all))).toMatchObject({ kind: "rate_limited" });
    expect(left).toBe(996);
    expect(waits.slice(2)).toEqual([200, 400, 800]);
  });

  it("is not waited for longer than the caller wants", async () => {
    const stop = new AbortController();
    const vault = await vaultOver(() => stop.abort());
    expect(await errorOf(vault.list("p", { pattern: "*", signal: stop.signal }))).toMatchObject({ kind: "transient", code: "aborted" });
  });

  it("a server that takes the question and says nothing is given up in time", async () => {
    const vault = await vaultOver(() => undefined, { requestMs: 60 });
    const error = await errorOf(vault.list("p", all));
    expect([error.kind, error.code]).toEqual(["transient", "timeout"]);
    expect(server?.asked).toHaveLength(4);
  });

  it("keys that were changed meanwhile are read afresh, once", async () => {
    let id = "OLD";
    const accepts = plain((asked, response) =>
      asked.headers.authorization?.includes("Credential=NEW/") === true
        ? xml(response, listed([]))
        : refuse(response, 403, "InvalidAccessKeyId"),
    );
    const vault = await vaultOver(accepts, { reveal: () => id });
    expect(await errorOf(vault.list("", all))).toMatchObject({ kind: "auth", code: "credentials-refused" });
    expect(server?.asked).toHaveLength(2);
    id = "NEW";
    expect((await vault.list("", all)).entries).toEqual([]);
  });
});

describe("copies over a bad line", () => {
  const whole = Buffer.from(Array.from({ length: 20 * 2 ** 20 }, (_, index) => (index * 7 + (index >> 8)) % 251));

  it("go on where they were cut, as long as they get on", async () => {
    const vault = await vaultOver(
      of(whole, (asked, response) => {
        const { bytes, headers } = part(asked, whole);
        response.writeHead(206, headers);
        if (bytes.length < 300_000) response.end(bytes);
        else response.write(bytes.subarray(0, 1_500_000), () => response.destroy());
      }),
    );
    const opened = await vault.open("p/a.bin", opening());
    expect((await readFile(opened.localPath)).equals(whole)).toBe(true);
    // Pinned in every request to what was seen at first.
    for (const asked of server?.asked ?? []) if (asked.method === "GET" && asked.key !== "") expect(asked.headers["if-match"]).toBe('"e"');
    await opened.close();
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it.each<[string, Answer, string, string]>([
    [
      "cut at once again and again",
      (asked, response) => {
        response.writeHead(206, part(asked, whole).headers).flushHeaders();
        response.destroy();
      },
      "transient",
      "connection",
    ],
    [
      "another version in the middle",
      (asked, response) =>
        String(asked.headers.range).startsWith("bytes=0-")
          ? response.writeHead(206, part(asked, whole).headers).end(part(asked, whole).bytes)
          : refuse(response, 412, "PreconditionFailed"),
      "transient",
      "artifact-changed",
    ],
    [
      "another size in the middle",
      (asked, response) =>
        response
          .writeHead(206, { ...part(asked, whole).headers, "content-range": `bytes ${String(asked.headers.range).slice(6)}/5` })
          .end(part(asked, whole).bytes),
      "transient",
      "artifact-changed",
    ],
    [
      "another part than was asked for",
      (asked, response) =>
        response
          .writeHead(206, { ...part(asked, whole).headers, "content-range": `bytes 1-${part(asked, whole).bytes.length}/${whole.length}` })
          .end(part(asked, whole).bytes),
      "transient",
      "bad-answer",
    ],
    ["no parts at all", (_, response) => response.writeHead(200, headersOf(whole.length)).end(whole), "unsupported", "no-ranges"],
    [
      "more than was asked for",
      (asked, response) => {
        const { bytes, headers } = part(asked, whole);
        const { "content-length": _, ...rest } = headers;
        response.writeHead(206, rest).end(Buffer.concat([bytes, bytes]));
      },
      "transient",
      "bad-answer",
    ],
    ["a page of HTML", (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html/>"), "transient", "bad-answer"],
    ["gone in the middle", (_, response) => refuse(response, 404, "NoSuchKey"), "not_found", "not-found"],
    ["in an archive", (_, response) => refuse(response, 403, "InvalidObjectState"), "unsupported", "archived"],
  ])("%s: no copy is left, and what happened is said", async (_, get, kind, code) => {
    const vault = await vaultOver(of(whole, get));
    expect(await errorOf(vault.open("p/a.bin", opening()))).toMatchObject({ kind, code });
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it("that stop in the middle of a body are given up in time and gone on with", async () => {
    let hung = 0;
    const vault = await vaultOver(
      of(whole.subarray(0, 100_000), (asked, response) => {
        const { bytes, headers } = part(asked, whole.subarray(0, 100_000));
        response.writeHead(206, headers);
        if (bytes.length < 60_000) response.end(bytes);
        else {
          hung += 1;
          response.write(bytes.subarray(0, 50_000));
        }
      }),
      { requestMs: 250 },
    );
    const opened = await vault.open("p/a.bin", opening());
    expect((await readFile(opened.localPath)).equals(whole.subarray(0, 100_000))).toBe(true);
    expect(hung).toBe(1);
  });

  it("end at once when nobody wants them any more, and leave nothing", async () => {
    const stop = new AbortController();
    const vault = await vaultOver(
      of(whole, (asked, response) => {
        response.writeHead(206, part(asked, whole).headers);
        response.write(part(asked, whole).bytes.subarray(0, 1000), () => stop.abort());
      }),
    );
    const error = await errorOf(vault.open("p/a.bin", { ...opening(), signal: stop.signal }));
    expect([error.kind, error.code]).toEqual(["transient", "aborted"]);
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it("of a folder with a key that no file can be named after are refused, not put elsewhere", async () => {
    const vault = await vaultOver(
      plain((asked, response) => {
        if (asked.method === "HEAD") response.writeHead(404).end();
        else if (asked.query.get("prefix") === "p/d/") xml(response, listed([{ key: "p/d/../../../evil" }, { key: "p/d/ok" }]));
        else xml(response, listed([]));
      }),
    );
    expect(await errorOf(vault.open("p/d", opening()))).toMatchObject({ kind: "unsupported", code: "odd-key" });
    expect(await readdir(spoolDir)).toEqual([]);
  });
});

describe("other servers than AWS", () => {
  const headOnceThere = (response: ServerResponse): void => {
    const there = server?.asked.some((one) => one.method === "PUT") === true;
    response.writeHead(there ? 200 : 404, there ? headersOf(3) : {}).end();
  };
  const put = (answer: Answer) => async (until: number | null) => {
    server = await fakeS3(answer);
    return s3VaultWriter(configFor(server.endpoint), "c/", { clock: hurriedClock(), random: () => 1 }).put(
      "c/a",
      { text: "abc" },
      { immutableUntil: until, signal },
    );
  };

  it("that know no condition get the capture without it, after a look whether something is there", async () => {
    let stored = "";
    await put(
      plain((asked, response) => {
        if (asked.method === "HEAD") response.writeHead(stored === "" ? 404 : 200, stored === "" ? {} : headersOf(3)).end();
        else if (asked.method === "GET") response.writeHead(206, { ...headersOf(3), "content-range": "bytes 0-2/3" }).end(stored);
        else if (asked.headers["if-none-match"] !== undefined) refuse(response, 501, "NotImplemented");
        else {
          stored = asked.body.toString();
          response.writeHead(200, { etag: '"e"' }).end();
        }
      }),
    )(null);
    expect(stored).toBe("abc");
    expect(server?.asked.filter((asked) => asked.method === "PUT")).toHaveLength(2);
  });

  it("that keep something else than was sent are found out", async () => {
    const writing = put(
      plain((asked, response) => {
        if (asked.method === "HEAD") headOnceThere(response);
        else if (asked.method === "GET") response.writeHead(206, { ...headersOf(3), "content-range": "bytes 0-2/3" }).end("abX");
        else response.writeHead(200, { etag: '"e"' }).end();
      }),
    )(null);
    expect(await errorOf(writing)).toMatchObject({ kind: "transient", code: "copy-differs" });
  });

  it("that take a lock and forget it are found out", async () => {
    const writing = put((asked, response) => {
      if (asked.query.has("object-lock"))
        xml(response, "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>");
      else if (asked.query.has("retention")) refuse(response, 404, "NoSuchObjectLockConfiguration");
      else if (asked.method === "HEAD") headOnceThere(response);
      else response.writeHead(200, { etag: '"e"', "x-amz-checksum-sha256": String(asked.headers["x-amz-checksum-sha256"]) }).end();
    })(Date.now() + 3_600_000);
    expect(await errorOf(writing)).toMatchObject({ kind: "config", code: "not-locked" });
  });
});
