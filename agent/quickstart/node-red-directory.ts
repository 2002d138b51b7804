/** Writes a Node-RED user directory as Node-RED 5 leaves it on disk: flows, encrypted credentials, package.json. */
import { createCipheriv, createHash } from "node:crypto";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface NodeRedDirectory {
  readonly flows: readonly Readonly<Record<string, unknown>>[];
  /** Secrets by node id. */
  readonly credentials: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What the runtime would derive its key from. */
  readonly credentialSecret: string;
  /** 32 hex digits; taken as given, so that the same input gives the same bytes. */
  readonly ivHex: string;
  readonly modules: Readonly<Record<string, string>>;
  readonly modifiedAt: number;
}

/** `{"$": iv (32 hex) + AES-256-CTR ciphertext (base64)}`, key = SHA-256 of the secret: Node-RED's own scheme. */
export function encryptCredentials(credentials: NodeRedDirectory["credentials"], secret: string, ivHex: string): { readonly $: string } {
  const key = createHash("sha256").update(secret).digest();
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.from(ivHex, "hex"));
  return { $: ivHex + cipher.update(JSON.stringify(credentials), "utf8", "base64") + cipher.final("base64") };
}

/** The directory must not exist yet. Every file carries the same modification time. */
export function writeNodeRedDirectory(path: string, content: NodeRedDirectory): void {
  mkdirSync(path, { recursive: true });
  const write = (name: string, value: unknown): void => {
    const file = join(path, name);
    writeFileSync(file, `${JSON.stringify(value, null, 4)}\n`);
    utimesSync(file, content.modifiedAt / 1000, content.modifiedAt / 1000);
  };
  write("flows.json", content.flows);
  write("flows_cred.json", encryptCredentials(content.credentials, content.credentialSecret, content.ivHex));
  write("package.json", {
    name: "node-red-project",
    description: "A Node-RED Project",
    version: "0.0.1",
    private: true,
    dependencies: content.modules,
  });
  utimesSync(path, content.modifiedAt / 1000, content.modifiedAt / 1000);
}
