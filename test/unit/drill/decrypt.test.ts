/** Artifacts encrypted as a whole: opened with the right key and no other, and what is broken is never called a wrong key. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterEach, beforeEach, expect, test } from "vitest";
import { clearPath, decryptAge, isAge } from "../../../agent/drill/decrypt.ts";

const CLEAR = new TextEncoder().encode("what lies in the backup, ".repeat(9000));
const never = new AbortController().signal;

let base = "";
let identity = "";
let other = "";
let sealed: Uint8Array = new Uint8Array();
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "rw-decrypt-"));
  identity = await generateX25519Identity();
  other = await generateX25519Identity();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  sealed = await encrypter.encrypt(CLEAR);
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function opened(bytes: Uint8Array | string, key: string | null, maxBytes = 1e9) {
  const path = join(base, "artifact");
  await writeFile(path, bytes);
  const content = await readFile(path);
  const probe = { path, kind: "file" as const, bytes: content.length, head: new Uint8Array(content.subarray(0, 65_536)) };
  expect(isAge(probe)).toBe(true);
  const { state, error } = await decryptAge(probe, key, clearPath(base), maxBytes, never);
  return { state, code: error?.code ?? null, kind: error?.kind ?? null };
}

async function clear(): Promise<Uint8Array> {
  return new Uint8Array(await readFile(clearPath(base)));
}

test("opens with one identity of several, comments between them", async () => {
  expect(await opened(sealed, `# laptop\n${other}\n\n# safe\n${identity.toLowerCase()}\n`)).toEqual({
    state: "opened",
    code: null,
    kind: null,
  });
  expect(await clear()).toEqual(CLEAR);
});

test("opens in armour", async () => {
  expect(await opened(armor.encode(sealed), identity)).toMatchObject({ state: "opened", code: null });
  expect(await clear()).toEqual(CLEAR);
});

test("opens with a passphrase", async () => {
  const encrypter = new Encrypter();
  encrypter.setPassphrase("correct horse");
  encrypter.setScryptWorkFactor(10);
  const bytes = await encrypter.encrypt(CLEAR);
  expect(await opened(bytes, "correct horse\n")).toMatchObject({ state: "opened", code: null });
  expect(await clear()).toEqual(CLEAR);
  expect(await opened(bytes, "wrong horse")).toEqual({ state: "wrong-key", code: "wrong-key", kind: "damaged" });
});

test.each([
  ["another identity", () => other],
  ["a passphrase where an identity is needed", () => "correct horse"],
  ["an identity that is none", () => `${identity.slice(0, -3)}QQQ`],
])("does not open with %s", async (_, key) => {
  expect(await opened(sealed, key())).toEqual({ state: "wrong-key", code: "wrong-key", kind: "damaged" });
  expect(await readdir(base)).toEqual(["artifact"]);
});

test("without a key it could not be looked at", async () => {
  expect(await opened(sealed, null)).toEqual({ state: "no-key", code: "key-missing", kind: "auth" });
});

/** Where the line with the header's own code begins, after which the content comes. */
function headerEnd(bytes: Uint8Array): number {
  const mac = Buffer.from(bytes).indexOf("\n---");
  return bytes.indexOf(0x0a, mac + 1);
}

test.each([
  ["cut off", (bytes: Uint8Array) => bytes.subarray(0, 100_000), "opened"],
  ["cut off at the end of a chunk", (bytes: Uint8Array) => bytes.subarray(0, bytes.length - (CLEAR.length % 65_536) - 16), "opened"],
  ["changed in its content", (bytes: Uint8Array) => bytes.with(90_000, (bytes[90_000] ?? 0) ^ 1), "opened"],
  ["cut off in its header", (bytes: Uint8Array) => bytes.subarray(0, 60), "damaged"],
  [
    "changed in its header",
    (bytes: Uint8Array) => bytes.with(headerEnd(bytes) - 20, bytes[headerEnd(bytes) - 20] === 0x41 ? 0x42 : 0x41),
    "damaged",
  ],
])("%s is damage, not a wrong key", async (_, hurt, state) => {
  expect(await opened(hurt(sealed), identity)).toEqual({ state, code: "artifact-damaged", kind: "damaged" });
});

test("more than the drill's disk takes is not begun", async () => {
  await expect(opened(sealed, identity, 1000)).rejects.toMatchObject({ kind: "limit", code: "artifact-too-large" });
  expect(await readdir(base)).toEqual(["artifact"]);
});

test("what only looks like it is left alone", () => {
  const head = new TextEncoder().encode("age-encryption.org is a site\n");
  expect(isAge({ kind: "file", head })).toBe(false);
  expect(isAge({ kind: "directory", head: new TextEncoder().encode("age-encryption.org/v1\n") })).toBe(false);
});
