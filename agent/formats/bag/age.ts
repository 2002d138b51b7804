/**
 * Whether a sealed credential opens with the key at hand. Files are in the age format (age-encryption.org/v1, C2SP); only reading is
 * done here, with node:crypto, and what comes out is thrown away at once: the question is whether it can be had, not what it is.
 */
import {
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  scryptSync,
  timingSafeEqual,
} from "node:crypto";
import type { Credential } from "../../core/content.ts";

/** What a sealed credential is tried with. */
export interface KeyRing {
  readonly identities: readonly { readonly secret: KeyObject; readonly recipient: Buffer }[];
  readonly passphrase: string | null;
}

const INTRO = "age-encryption.org/v1";
const CHUNK = 64 * 1024;
const TAG = 16;
const MAX_SCRYPT = 20;

/** @param key lines with `AGE-SECRET-KEY-1…` (comments allowed), or a passphrase; null gives null */
export function keyRing(key: string | null): KeyRing | null {
  if (key === null) return null;
  const lines = key
    .split(/\r?\n/u)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const secrets = lines.map(decodeIdentity).filter((secret) => secret !== null);
  if (secrets.length === 0) return { identities: [], passphrase: key.trim() };
  return { identities: secrets.map(identityOf), passphrase: null };
}

/** @param sealed an age file, armoured or in base64 */
export function stateOf(sealed: unknown, keys: KeyRing | null): Credential["state"] {
  const file = typeof sealed === "string" ? decodeFile(sealed) : null;
  const parsed = file === null ? null : parse(file);
  if (parsed === null) return "undecryptable";
  if (keys === null) return "key-missing";
  return opens(parsed, keys) ? "decryptable" : "undecryptable";
}

function decodeFile(sealed: string): Buffer | null {
  const armour = /^\s*-----BEGIN AGE ENCRYPTED FILE-----([A-Za-z0-9+/=\s]+)-----END AGE ENCRYPTED FILE-----\s*$/u.exec(sealed);
  const text = (armour?.[1] ?? sealed).replaceAll(/\s/gu, "");
  return /^[A-Za-z0-9+/]+={0,2}$/u.test(text) ? Buffer.from(text, "base64") : null;
}

interface Stanza {
  readonly type: string;
  readonly args: readonly string[];
  readonly body: Buffer;
}

interface AgeFile {
  readonly stanzas: readonly Stanza[];
  /** What the header's MAC is made over. */
  readonly header: Buffer;
  readonly mac: Buffer;
  readonly payload: Buffer;
}

function parse(file: Buffer): AgeFile | null {
  const text = file.toString("latin1");
  const footer = /\n--- ([A-Za-z0-9+/]{43})\n/u.exec(text);
  if (!text.startsWith(`${INTRO}\n`) || footer === null) return null;
  const stanzas: Stanza[] = [];
  for (const block of text.slice(INTRO.length, footer.index).split("\n-> ").slice(1)) {
    const [first = "", ...body] = block.split("\n");
    const [type = "", ...args] = first.split(" ");
    stanzas.push({ type, args, body: Buffer.from(body.join(""), "base64") });
  }
  return {
    stanzas,
    header: file.subarray(0, footer.index + 4),
    mac: Buffer.from(footer[1] ?? "", "base64"),
    payload: file.subarray(footer.index + footer[0].length),
  };
}

function opens(file: AgeFile, keys: KeyRing): boolean {
  for (const stanza of file.stanzas) {
    for (const fileKey of fileKeys(stanza, keys)) {
      const mac = createHmac("sha256", derive(fileKey, Buffer.alloc(0), "header"))
        .update(file.header)
        .digest();
      if (mac.length === file.mac.length && timingSafeEqual(mac, file.mac) && payloadOpens(file.payload, fileKey)) return true;
    }
  }
  return false;
}

function* fileKeys(stanza: Stanza, keys: KeyRing): Iterable<Buffer> {
  if (stanza.type === "X25519") {
    const share = Buffer.from(stanza.args[0] ?? "", "base64");
    if (share.length !== 32) return;
    for (const { secret, recipient } of keys.identities) {
      const publicKey = createPublicKey({ key: Buffer.concat([X25519_PUBLIC, share]), format: "der", type: "spki" });
      const wrapping = attempt(() =>
        derive(diffieHellman({ privateKey: secret, publicKey }), Buffer.concat([share, recipient]), `${INTRO}/X25519`),
      );
      const fileKey = wrapping === null ? null : unseal(wrapping, Buffer.alloc(12), stanza.body);
      if (fileKey !== null) yield fileKey;
    }
  } else if (stanza.type === "scrypt" && keys.passphrase !== null) {
    const [salt = "", cost = ""] = stanza.args;
    const power = Number(cost);
    if (!Number.isInteger(power) || power < 1 || power > MAX_SCRYPT) return;
    const wrapping = scryptSync(keys.passphrase, Buffer.concat([Buffer.from(`${INTRO}/scrypt`), Buffer.from(salt, "base64")]), 32, {
      N: 2 ** power,
      r: 8,
      p: 1,
      maxmem: 2 ** (power + 11),
    });
    const fileKey = unseal(wrapping, Buffer.alloc(12), stanza.body);
    if (fileKey !== null) yield fileKey;
  }
}

/** The payload is a nonce and chunks of 64 KiB, each sealed; the last one says so. */
function payloadOpens(payload: Buffer, fileKey: Buffer): boolean {
  const key = derive(fileKey, payload.subarray(0, 16), "payload");
  const chunks = payload.subarray(16);
  const count = Math.ceil(chunks.length / (CHUNK + TAG));
  for (let index = 0; index < count; index += 1) {
    const nonce = Buffer.alloc(12);
    nonce.writeUIntBE(index, 5, 6);
    if (index === count - 1) nonce[11] = 1;
    if (unseal(key, nonce, chunks.subarray(index * (CHUNK + TAG), (index + 1) * (CHUNK + TAG))) === null) return false;
  }
  return count > 0;
}

function derive(secret: Buffer, salt: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, salt, info, 32));
}

/** Null where it does not open. */
function unseal(key: Buffer, nonce: Buffer, sealed: Buffer): Buffer | null {
  if (sealed.length < TAG) return null;
  return attempt(() => {
    const cipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG });
    cipher.setAuthTag(sealed.subarray(-TAG));
    return Buffer.concat([cipher.update(sealed.subarray(0, -TAG)), cipher.final()]);
  });
}

/** Failing to open is an answer here, not an error. */
function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

const X25519_SECRET = Buffer.from("302e020100300506032b656e04220420", "hex");
const X25519_PUBLIC = Buffer.from("302a300506032b656e032100", "hex");

function identityOf(secret: Buffer): KeyRing["identities"][number] {
  const key = createPrivateKey({ key: Buffer.concat([X25519_SECRET, secret]), format: "der", type: "pkcs8" });
  const recipient = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  return { secret: key, recipient };
}

const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const PREFIX = "age-secret-key-";

/** Bech32 of 32 bytes under age's prefix; null where it is not, or its checksum is wrong. */
function decodeIdentity(line: string): Buffer | null {
  const lower = line.toLowerCase();
  if (!lower.startsWith(`${PREFIX}1`) || (line !== lower && line !== line.toUpperCase())) return null;
  const digits = Array.from(lower.slice(PREFIX.length + 1), (letter) => BECH32.indexOf(letter));
  if (digits.includes(-1) || digits.length !== 58) return null;
  const letters = Array.from(PREFIX, (letter) => letter.charCodeAt(0));
  if (polymod([...letters.map((code) => code >> 5), 0, ...letters.map((code) => code & 31), ...digits]) !== 1) return null;
  const bits = digits
    .slice(0, -6)
    .map((digit) => digit.toString(2).padStart(5, "0"))
    .join("")
    .slice(0, 256);
  return Buffer.from((bits.match(/.{8}/gu) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

function polymod(values: readonly number[]): number {
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, term] of generator.entries()) if ((top >> bit) & 1) sum ^= term;
  }
  return sum;
}
