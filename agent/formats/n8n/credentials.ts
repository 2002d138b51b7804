/** Credentials: whether what is kept of each could be used again. What they hold is never kept. */
import type { Credential } from "../../core/content.ts";
import { isObject, type JsonObject, textOf } from "../../kit/json.ts";
import { decryptCbc, decryptGcm } from "./cipher.ts";

/** What is at hand to open credentials with. */
export interface Keys {
  /** Candidates for the instance's key, as the person gave them. */
  readonly given: readonly string[];
  /** Data keys by id that were found in the artifact and could be opened. */
  readonly data: ReadonlyMap<string, { readonly key: string; readonly algorithm: string }>;
  /** False where it is known that the instance's key is not among those given. */
  readonly instance: boolean;
}

export function keysOf(key: string | null): Keys {
  const given = (key ?? "").split(/\r?\n/u).map((line) => line.trim());
  return { given: [...new Set(given)].filter((line) => line !== ""), data: new Map(), instance: true };
}

export function isCredential(value: unknown): value is JsonObject {
  return (
    isObject(value) && textOf(value["id"]) !== null && textOf(value["type"]) !== null && "data" in value && !Array.isArray(value["nodes"])
  );
}

export function credentialOf(value: JsonObject, keys: Keys): Credential {
  return { id: String(value["id"]), type: String(value["type"]).slice(0, 200), state: stateOf(value["data"], keys) };
}

function stateOf(data: unknown, keys: Keys): Credential["state"] {
  if (isObject(data)) return "plain";
  const sealed = textOf(data);
  if (sealed === null) return "undecryptable";
  const named = /^([A-Za-z0-9_-]{1,36}):(.+)$/su.exec(sealed);
  if (named !== null) {
    const dataKey = keys.data.get(named[1] ?? "");
    if (dataKey === undefined) return "key-missing";
    const open = dataKey.algorithm === "aes-256-gcm" ? decryptGcm : decryptCbc;
    return holdsObject(open(named[2] ?? "", dataKey.key)) ? "decryptable" : "undecryptable";
  }
  if (keys.given.some((key) => holdsObject(decryptCbc(sealed, key)))) return "decryptable";
  return keys.given.length === 0 || !keys.instance ? "key-missing" : "undecryptable";
}

/** One wrong key in some hundreds yields bytes that end as they should; none of them is an object. */
function holdsObject(text: string | null): boolean {
  if (text === null) return false;
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

export function plainSecretsOf(credentials: readonly Credential[]): readonly string[] {
  const many = credentials.filter((one) => one.state === "plain").length;
  return many === 0 ? [] : [`The export holds ${many === 1 ? "1 credential" : `${many} credentials`} in clear (--decrypted).`];
}
