/**
 * The signature of a workspace export. Baserow signs the SHA-256 of the manifest, written as Python writes JSON with sorted keys, with
 * RSA-PSS and SHA-256, and puts the public key beside the signature. So without a key of our own only this can be told: the manifest
 * is the one that was signed by whoever made the file. Who that was is told only by comparing with a key one knows.
 */
import { constants, createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { AgentError } from "../../core/errors.ts";
import { ExactNumber, isObject, textOf } from "../../kit/json.ts";

/**
 * - `trusted`: made with the key that was given
 * - `consistent`: made with the key that lies beside it; whose that is was not asked
 * - `foreign`: sound, but made with another key than the one given
 * - `wrong`: does not fit the manifest, or cannot be read
 */
export type SignatureState = "trusted" | "consistent" | "foreign" | "wrong";

/**
 * @param manifest the parsed manifest
 * @param signature the parsed `manifest_signature.json`
 * @param trusted public key, as `parsePublicKey` gives it, or null
 */
export function checkSignature(manifest: unknown, signature: unknown, trusted: KeyObject | null): SignatureState {
  const parts = isObject(signature) ? signature : {};
  const own = keyFrom(Buffer.from(textOf(parts["public_key_pem"]) ?? "", "base64").toString("latin1"));
  const bytes = Buffer.from(textOf(parts["signature"]) ?? "", "base64");
  if (own === null || !fits(manifest, bytes, own)) return "wrong";
  if (trusted === null) return "consistent";
  return own.equals(trusted) ? "trusted" : "foreign";
}

function fits(manifest: unknown, signature: Buffer, key: KeyObject): boolean {
  const signed = createHash("sha256").update(pythonJson(manifest)).digest();
  try {
    return verify(
      "sha256",
      signed,
      { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO },
      signature,
    );
  } catch {
    return false;
  }
}

/**
 * @param text PEM, or PEM in base64 as `import_export` of Baserow prints it
 * @throws AgentError `config` when it is no RSA public key; the key is not in the message
 */
export function parsePublicKey(text: string): KeyObject {
  const pem = text.includes("-----BEGIN") ? text : Buffer.from(text, "base64").toString("latin1");
  const key = keyFrom(pem.trim());
  if (key === null)
    throw new AgentError("config", "baserow-key", "The key given for a Baserow export is not an RSA public key in PEM.", {
      mend: "give the public key that Baserow signs exports with, or none",
    });
  return key;
}

function keyFrom(pem: string): KeyObject | null {
  if (!pem.startsWith("-----BEGIN PUBLIC KEY-----")) return null;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === "rsa" ? key : null;
  } catch {
    return null;
  }
}

/** As Python's `json.dumps(value, sort_keys=True)`: a space after commas and colons, ASCII only, keys in order of code points. */
export function pythonJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (!isObject(value)) return ascii(JSON.stringify(value) ?? "null");
  const keys = Object.keys(value).sort(byCodePoint);
  return `{${keys.map((key) => `${ascii(JSON.stringify(key))}: ${pythonJson(value[key])}`).join(", ")}}`;
}

function ascii(json: string): string {
  return json.replaceAll(/[\u007f-\u{10ffff}]/gu, (char) =>
    [...Array(char.length).keys()].map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""),
  );
}

/** UTF-8 keeps the order of code points; JavaScript's own order of texts does not. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
