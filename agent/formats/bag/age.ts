/**
 * Whether a sealed credential opens with the key at hand. Files are in the age format (age-encryption.org/v1, C2SP). What comes out is
 * thrown away at once: the question is whether it can be had, not what it is.
 */
import type { Decrypter } from "age-encryption";
import type { Credential } from "../../core/content.ts";

/** What sealed credentials are tried with. */
export interface KeyRing {
  opens(file: Uint8Array): Promise<boolean>;
}

const INTRO = "age-encryption.org/v1\n";

/** @param key lines with `AGE-SECRET-KEY-1…` (comments allowed), or a passphrase; null gives null */
export function keyRing(key: string | null): KeyRing | null {
  if (key === null) return null;
  let decrypter: Promise<Decrypter> | null = null;
  return {
    async opens(file) {
      decrypter ??= decrypterOf(key);
      try {
        await (await decrypter).decrypt(file);
        return true;
      } catch {
        // Not to open is an answer here, not an error.
        return false;
      }
    },
  };
}

/** Loaded only where something is sealed: most bags hold no credential. */
async function decrypterOf(key: string): Promise<Decrypter> {
  const age = await import("age-encryption");
  const decrypter = new age.Decrypter();
  const identities = key
    .split(/\r?\n/u)
    .map((line) => line.trim().toUpperCase())
    .filter((line) => line.startsWith("AGE-SECRET-KEY-"));
  for (const identity of identities) decrypter.addIdentity(identity);
  if (identities.length === 0) decrypter.addPassphrase(key.trim());
  return decrypter;
}

/** @param sealed an age file, armoured or in base64 */
export async function stateOf(sealed: unknown, keys: KeyRing | null): Promise<Credential["state"]> {
  const file = typeof sealed === "string" ? decodeFile(sealed) : null;
  if (file === null || !isAge(file)) return "undecryptable";
  if (keys === null) return "key-missing";
  return (await keys.opens(file)) ? "decryptable" : "undecryptable";
}

function decodeFile(sealed: string): Buffer | null {
  const armour = /^\s*-----BEGIN AGE ENCRYPTED FILE-----([A-Za-z0-9+/=\s]+)-----END AGE ENCRYPTED FILE-----\s*$/u.exec(sealed);
  const text = (armour?.[1] ?? sealed).replaceAll(/\s/gu, "");
  return /^[A-Za-z0-9+/]+={0,2}$/u.test(text) ? Buffer.from(text, "base64") : null;
}

/** Whether it begins as an age file does and has a whole header. */
function isAge(file: Buffer): boolean {
  const text = file.toString("latin1");
  return text.startsWith(INTRO) && /\n--- [A-Za-z0-9+/]{43}\n/u.test(text);
}
