/** The credentials file: `{"$": iv + base64}`, AES-256-CTR, key SHA-256 of a secret. A wrong key gives no error, only text that is no JSON. */
import { createDecipheriv, createHash } from "node:crypto";
import type { Credential } from "../../core/content.ts";
import { needsCredentials, shortId } from "../../products/node-red/automations.ts";
import type { FlowNode, FlowSet } from "../../products/node-red/flow-set.ts";
import { isObject, type JsonObject, textOf } from "../../kit/json.ts";

export interface CredentialFindings {
  readonly credentials: readonly Credential[];
  /** Ids of nodes with an entry; null when that could not be seen. */
  readonly ids: ReadonlySet<string> | null;
  readonly plainSecrets: readonly string[];
}

/** @returns the entries by node id, or null when `secret` is not the one it was encrypted with */
export function decryptCredentials(sealed: string, secret: string): JsonObject | null {
  if (!/^[0-9a-f]{32}[A-Za-z0-9+/]+={0,2}$/i.test(sealed)) return null;
  const key = createHash("sha256").update(secret).digest();
  const decipher = createDecipheriv("aes-256-ctr", key, Buffer.from(sealed.slice(0, 32), "hex"));
  const bytes = Buffer.concat([decipher.update(sealed.slice(32), "base64"), decipher.final()]);
  try {
    const entries: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return isObject(entries) ? entries : null;
  } catch {
    return null;
  }
}

/**
 * @param file what the credentials file holds; null: the artifact has none
 * @param secrets every secret at hand, the most likely first
 */
export function credentialsOf(
  set: FlowSet,
  file: { readonly name: string; readonly document: unknown } | null,
  secrets: readonly string[],
): CredentialFindings {
  const inline = inFlows(set);
  const rest = file === null ? notIncluded(set) : fromFile(set, file, secrets);
  const byId = new Map([...inline.credentials, ...rest.credentials].toReversed().map((each) => [each.id, each]));
  return { credentials: [...byId.values()].toReversed(), ids: rest.ids, plainSecrets: [...inline.plainSecrets, ...rest.plainSecrets] };
}

function fromFile(
  set: FlowSet,
  file: { readonly name: string; readonly document: unknown },
  secrets: readonly string[],
): CredentialFindings {
  const { name, document } = file;
  const unseen = (state: Credential["state"]): CredentialFindings => ({
    credentials: likely(set, name, state),
    ids: null,
    plainSecrets: [],
  });
  if (!isObject(document)) return unseen("undecryptable");
  if (!("$" in document)) {
    const entries = entriesOf(set, document, "plain");
    const many = entries.length === 1 ? "1 node" : `${entries.length} nodes`;
    return {
      credentials: entries,
      ids: new Set(Object.keys(document)),
      plainSecrets: entries.length === 0 ? [] : [`${name} holds the credentials of ${many} without encryption.`],
    };
  }
  const sealed = document["$"];
  if (typeof sealed !== "string") return unseen("undecryptable");
  if (secrets.length === 0) return unseen("key-missing");
  for (const secret of secrets) {
    const entries = decryptCredentials(sealed, secret);
    if (entries !== null)
      return { credentials: entriesOf(set, entries, "decryptable"), ids: new Set(Object.keys(entries)), plainSecrets: [] };
  }
  return unseen("undecryptable");
}

function entriesOf(set: FlowSet, entries: JsonObject, state: Credential["state"]): Credential[] {
  return Object.entries(entries).map(([id, entry]) => ({
    id: shortId(id),
    type: typeOf(set.byId.get(id)),
    state: isObject(entry) ? state : "undecryptable",
  }));
}

function typeOf(node: FlowNode | undefined): string {
  return (node?.type ?? "unknown").slice(0, 200);
}

/** Whose credentials lie in a file that cannot be read is not known but for a few; the file stands for the others. */
function likely(set: FlowSet, name: string, state: Credential["state"]): Credential[] {
  const nodes = set.nodes.filter(needsCredentials);
  if (nodes.length === 0) return [{ id: name, type: "credentials file", state }];
  return nodes.map((node) => ({ id: shortId(node.key), type: typeOf(node), state }));
}

function notIncluded(set: FlowSet): CredentialFindings {
  const nodes = set.nodes.filter(needsCredentials);
  return {
    credentials: nodes.map((node) => ({ id: shortId(node.key), type: typeOf(node), state: "not-included" })),
    ids: null,
    plainSecrets: [],
  };
}

/** Exports made with credentials carry them in the nodes; `__PWRD__` stands for one that was kept back. */
function inFlows(set: FlowSet): { credentials: Credential[]; plainSecrets: string[] } {
  const nodes = set.nodes.filter((node) => holdsText(node.props["credentials"], 0));
  return {
    credentials: nodes.map((node) => ({ id: shortId(node.key), type: typeOf(node), state: "plain" })),
    plainSecrets:
      nodes.length === 0
        ? []
        : [`The flows file itself holds the credentials of ${nodes.length === 1 ? "1 node" : `${nodes.length} nodes`} in clear.`],
  };
}

function holdsText(value: unknown, depth: number): boolean {
  if (isObject(value)) return depth < 4 && Object.values(value).some((each) => holdsText(each, depth + 1));
  return textOf(value) !== null && value !== "__PWRD__";
}
