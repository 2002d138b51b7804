/** How n8n encrypts: CryptoJS's AES-256-CBC with a salt, and for keys of its own AES-256-GCM. Neither says which key it was. */
import { createDecipheriv, createHash, hkdfSync } from "node:crypto";

/** @returns the text, or null where the key is another or the bytes are broken: with CBC the two look the same */
export function decryptCbc(sealed: string, key: string): string | null {
  const bytes = Buffer.from(sealed, "base64");
  if (bytes.length < 32 || bytes.subarray(0, 8).toString("latin1") !== "Salted__") return null;
  const password = Buffer.concat([Buffer.from(key, "latin1"), bytes.subarray(8, 16)]);
  const md5 = (...parts: readonly Uint8Array[]): Buffer => createHash("md5").update(Buffer.concat(parts)).digest();
  const first = md5(password);
  const second = md5(first, password);
  return attempt(() => {
    const decipher = createDecipheriv("aes-256-cbc", Buffer.concat([first, second]), md5(second, password));
    return utf8(Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]));
  });
}

/** @param key 64 hex digits */
export function decryptGcm(sealed: string, key: string): string | null {
  const bytes = Buffer.from(sealed, "base64");
  const secret = Buffer.from(key, "hex");
  if (bytes.length < 49 || bytes[0] !== 1 || secret.length !== 32) return null;
  const derived = Buffer.from(hkdfSync("sha256", secret, bytes.subarray(1, 33), "n8n-encryption-v1", 44));
  return attempt(() => {
    const decipher = createDecipheriv("aes-256-gcm", derived.subarray(0, 32), derived.subarray(32), { authTagLength: 16 });
    decipher.setAuthTag(bytes.subarray(33, 49));
    return utf8(Buffer.concat([decipher.update(bytes.subarray(49)), decipher.final()]));
  });
}

/** A data key that n8n keeps in its database, sealed with the instance's key. That one fits is sure: the seal is authenticated. */
export function unwrapKey(wrapped: string, instanceKey: string): string | null {
  return decryptGcm(wrapped, createHash("sha256").update(instanceKey).digest("hex"));
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function attempt(open: () => string): string | null {
  try {
    return open();
  } catch {
    return null;
  }
}
