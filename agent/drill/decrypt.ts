/** An artifact that is encrypted as a whole: recognised by its head, opened with the key given into the drill's own directory. */
import { createWriteStream, openAsBlob } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Decrypter } from "age-encryption";
import { AgentError } from "../core/errors.ts";
import type { ArtifactProbe, Encryption } from "../core/ports.ts";

const BINARY = "age-encryption.org/v1\n";
const ARMOURED = "-----BEGIN AGE ENCRYPTED FILE-----";
/** Armour is taken whole into memory. */
const MAX_ARMOUR = 64 * 1024 * 1024;

export function isAge(probe: Pick<ArtifactProbe, "kind" | "head">): boolean {
  const head = Buffer.from(probe.head.subarray(0, 64)).toString("latin1");
  return probe.kind === "file" && (head.startsWith(BINARY) || head.trimStart().startsWith(ARMOURED));
}

export interface Decrypted {
  readonly state: Encryption["state"];
  /** What is wrong, to be thrown once `state` is noted; null when it opened. */
  readonly error: AgentError | null;
}

/**
 * @param key lines with `AGE-SECRET-KEY-1…` (comments allowed), or a passphrase; null: there is none
 * @param target where the clear bytes are written; whoever calls removes it
 * @param maxBytes greatest size of the artifact, in bytes
 * Throws AgentError `limit` for one too large; aborting rejects.
 */
export async function decryptAge(
  probe: Pick<ArtifactProbe, "path" | "bytes" | "head">,
  key: string | null,
  target: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Decrypted> {
  if (key === null) {
    return {
      state: "no-key",
      error: new AgentError("auth", "key-missing", "The artifact is encrypted with age.", { mend: "give backups.key or --key" }),
    };
  }
  if (probe.bytes > maxBytes)
    throw new AgentError("limit", "artifact-too-large", "The decrypted artifact would not fit the drill's disk.", {
      mend: "raise verify.limits.disk",
    });
  // Loaded only where something is encrypted: it costs a drill its start-up.
  const age = await import("age-encryption");
  const decrypter = new age.Decrypter();
  try {
    addKeys(decrypter, key);
  } catch {
    return { state: "wrong-key", error: wrongKey("The key given is no age key.") };
  }
  const armoured = !Buffer.from(probe.head.subarray(0, BINARY.length)).toString("latin1").startsWith(BINARY);
  let clear: ReadableStream<Uint8Array>;
  try {
    clear = await decrypter.decrypt(armoured ? streamOf(age.armor.decode(await armourOf(probe))) : (await openAsBlob(probe.path)).stream());
  } catch (thrown) {
    if (thrown instanceof AgentError) throw thrown;
    signal.throwIfAborted();
    // The library tells its refusals apart by their words alone.
    const message = thrown instanceof Error ? thrown.message : "";
    if (message.includes("no identity matched"))
      return { state: "wrong-key", error: wrongKey("The artifact does not open with the key given.") };
    if (message.includes("work factor")) {
      const error = new AgentError("unsupported", "encryption-unsupported", "The artifact's passphrase is made too costly to try.");
      return { state: "unsupported", error };
    }
    return { state: "damaged", error: broken("its header is broken") };
  }
  try {
    await pipeline(Readable.fromWeb(clear), createWriteStream(target, { flags: "wx", mode: 0o600 }), { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    if ((thrown as NodeJS.ErrnoException).syscall !== undefined) throw thrown;
    return { state: "opened", error: broken("it opens, and does not end as it should") };
  }
  return { state: "opened", error: null };
}

/** Where a decrypted artifact lies while it is drilled. */
export function clearPath(workDir: string): string {
  return join(workDir, "decrypted-artifact");
}

function addKeys(decrypter: Decrypter, key: string): void {
  const identities = key
    .split(/\r?\n/u)
    .map((line) => line.trim())
    .filter((line) => line.toUpperCase().startsWith("AGE-SECRET-KEY-"));
  if (identities.length === 0) decrypter.addPassphrase(key.trim());
  else for (const identity of identities) decrypter.addIdentity(identity.toUpperCase());
}

async function armourOf(probe: Pick<ArtifactProbe, "path" | "bytes">): Promise<string> {
  if (probe.bytes > MAX_ARMOUR)
    throw new AgentError("limit", "artifact-too-large", "The artifact is age armour too large to be taken at once.", {
      mend: "encrypt without --armor",
    });
  return readFile(probe.path, "latin1");
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([Uint8Array.from(bytes)]).stream();
}

function wrongKey(message: string): AgentError {
  return new AgentError("damaged", "wrong-key", message);
}

function broken(how: string): AgentError {
  return new AgentError("damaged", "artifact-damaged", `The artifact is encrypted with age, and damaged: ${how}.`);
}
