/**
 * A workspace export: a zip with `manifest.json` (which files there are, and their SHA-256), `manifest_signature.json`, one JSON
 * file an application, and the files that rows name, all beside each other.
 */
import { createHash } from "node:crypto";
import type { Integrity } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/ports.ts";
import { describeCount } from "../../core/words-for-people.ts";
import { quoted } from "../../kit/file-tree.ts";
import { isObject, type JsonObject, MAX_JSON_BYTES, objectsIn, textOf } from "../../kit/json.ts";
import { openZip, type Zip, type ZipBudget } from "../../kit/zip.ts";
import { asFormatError, jsonOf } from "../reading.ts";
import { idOf } from "./ids.ts";
import { checkSignature, parsePublicKey, type SignatureState } from "./signature.ts";

export const MANIFEST = "manifest.json";
export const SIGNATURE = "manifest_signature.json";

export interface Archive {
  readonly zip: Zip;
  readonly manifest: JsonObject;
  readonly version: string | null;
  readonly onlyStructure: boolean;
  readonly signature: SignatureState | "absent";
  /** When the signature says it was made; it is written without a zone and read as UTC, which Baserow's servers run in. */
  readonly createdAt: number | null;
  readonly applications: readonly JsonObject[];
  /** Name of a stored file → the entry that holds it, and its unpacked length. */
  readonly files: ReadonlyMap<string, { readonly entry: string; readonly bytes: number }>;
  readonly faults: readonly string[];
  readonly checksums: NonNullable<Integrity["checksums"]>;
}

/** Reads every entry once: digests are compared, JSON is parsed, files are left in the zip. */
export async function openArchive(path: string, context: FormatContext): Promise<Archive> {
  const trusted = context.key === null ? null : parsePublicKey(context.key);
  const zip = await openZip(path, context.limits, context.signal).catch((thrown: unknown) => {
    throw asFormatError(thrown);
  });
  try {
    return await readArchive(zip, trusted, context);
  } catch (thrown) {
    await zip.close();
    throw asFormatError(thrown);
  }
}

async function readArchive(zip: Zip, trusted: ReturnType<typeof parsePublicKey> | null, context: FormatContext): Promise<Archive> {
  const names = new Set(zip.entries.map((entry) => entry.name));
  if (!names.has(MANIFEST))
    throw new AgentError("damaged", "baserow-no-manifest", `The zip has no ${MANIFEST}: it is no whole Baserow export.`);
  const manifest = jsonOf((await readEntry(zip, MANIFEST, true, context, { unpacked: 0 })).bytes, MANIFEST, context.limits.maxDepth);
  if (!isObject(manifest) || !isObject(manifest["applications"]))
    throw new AgentError("damaged", "baserow-manifest", `The ${MANIFEST} of the zip names no applications.`);

  const parts = applicationParts(manifest);
  const wanted = new Set([...parts.map((part) => part.entry), MANIFEST, SIGNATURE]);
  const read = new Map<string, EntryRead>();
  const budget: ZipBudget = { unpacked: 0 };
  for (const { name } of zip.entries) read.set(name, await readEntry(zip, name, wanted.has(name), context, budget));

  const faults = [...zip.problems];
  const checksums = compareChecksums(manifest, read, faults);
  const signature = readSignature(manifest, read.get(SIGNATURE) ?? null, trusted, context);
  if (signature.state !== "absent") checksums.compared += 1;
  if (signature.state === "wrong") checksums.mismatched.push(`${MANIFEST} (its signature)`);
  if (signature.state === "wrong") faults.push("The signature does not fit the manifest.");
  if (signature.state === "foreign") faults.push("The export is signed, but not with the key that was given.");
  if (signature.state === "absent") faults.push(`The signature, ${SIGNATURE}, is missing.`);
  const total = manifest["total_files"];
  if (typeof total === "number" && total !== zip.entries.length)
    faults.push(`The manifest counts ${describeCount(total, "file")}, the zip holds ${zip.entries.length}.`);

  return {
    zip,
    manifest,
    version: textOf(manifest["version"]),
    onlyStructure: isObject(manifest["configuration"]) && manifest["configuration"]["only_structure"] === true,
    signature: signature.state,
    createdAt: signature.createdAt,
    applications: readParts(parts, read, faults, context),
    files: filesOf(read, wanted),
    faults,
    checksums,
  };
}

interface EntryRead {
  readonly name: string;
  readonly length: number;
  readonly sha256: string;
  /** Empty where the bytes were not kept. */
  readonly bytes: Uint8Array;
}

async function readEntry(zip: Zip, name: string, keep: boolean, context: FormatContext, budget: ZipBudget): Promise<EntryRead> {
  const hash = createHash("sha256");
  const kept: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of zip.read(name, context.signal, budget)) {
    length += chunk.length;
    hash.update(chunk);
    if (!keep) continue;
    if (length > MAX_JSON_BYTES)
      throw new AgentError("limit", "too-large", `${quoted(name)} is more than the ${MAX_JSON_BYTES} bytes that are parsed at once.`);
    kept.push(chunk);
  }
  return { name, length, sha256: hash.digest("hex"), bytes: Buffer.concat(kept) };
}

interface ApplicationPart {
  readonly type: string;
  /** 1 for the first application of the manifest. */
  readonly number: number;
  readonly entry: string;
}

/** Since its first release the manifest names the file directly; the schema of version 1.0.0 also allows it as `{file, checksum}`. */
function applicationParts(manifest: JsonObject): ApplicationPart[] {
  const groups = isObject(manifest["applications"]) ? Object.entries(manifest["applications"]) : [];
  const items = groups.flatMap(([type, group]) => (isObject(group) ? objectsIn(group["items"]).map((item) => ({ type, item })) : []));
  return items.map(({ type, item }, at) => {
    const files = isObject(item["files"]) ? item["files"] : {};
    const named = files["schema"] ?? files["data"];
    const entry = textOf(isObject(named) ? named["file"] : named);
    if (entry === null)
      throw new AgentError("damaged", "baserow-manifest", `The ${MANIFEST} does not say in which file application ${at + 1} lies.`);
    return { type, number: at + 1, entry };
  });
}

function readParts(
  parts: readonly ApplicationPart[],
  read: ReadonlyMap<string, EntryRead>,
  faults: string[],
  context: FormatContext,
): JsonObject[] {
  let parsed = 0;
  return parts.flatMap((part) => {
    const entry = read.get(part.entry);
    if (entry === undefined) {
      faults.push(`The file of application ${part.number} (${part.type}), which the manifest names, is missing.`);
      return [];
    }
    parsed += entry.length;
    if (parsed > MAX_JSON_BYTES)
      throw new AgentError("limit", "too-large", `The applications are more than the ${MAX_JSON_BYTES} bytes that are parsed at once.`);
    const what = `The file of application ${part.number} (${part.type})`;
    const value = jsonOf(entry.bytes, what, context.limits.maxDepth);
    if (!isObject(value) || idOf(value["id"]) === null)
      throw new AgentError("damaged", "baserow-structure", `${what} does not hold an application.`);
    return [value];
  });
}

/** Baserow writes an empty checksum for a file it could not find while it exported. */
function compareChecksums(
  manifest: JsonObject,
  read: ReadonlyMap<string, EntryRead>,
  faults: string[],
): { compared: number; mismatched: string[] } {
  const claims = isObject(manifest["checksums"]) ? Object.entries(manifest["checksums"]) : [];
  const mismatched: string[] = [];
  const missing: string[] = [];
  let compared = 0;
  for (const [name, claim] of claims) {
    const entry = read.get(name);
    if (entry === undefined) missing.push(name);
    else if (textOf(claim) !== null) {
      compared += 1;
      if (entry.sha256 !== String(claim).toLowerCase()) mismatched.push(quoted(name));
    }
  }
  if (missing.length > 0)
    faults.push(`${describeCount(missing.length, "file")} that the manifest names ${missing.length === 1 ? "is" : "are"} missing.`);
  const own = new Set([MANIFEST, SIGNATURE, ...claims.map(([name]) => name)]);
  const strange = [...read.keys()].filter((name) => !own.has(name)).length;
  if (claims.length > 0 && strange > 0) faults.push(`The zip holds ${describeCount(strange, "file")} that the manifest does not know.`);
  return { compared, mismatched };
}

function readSignature(
  manifest: JsonObject,
  entry: EntryRead | null,
  trusted: ReturnType<typeof parsePublicKey> | null,
  context: FormatContext,
): { readonly state: SignatureState | "absent"; readonly createdAt: number | null } {
  if (entry === null) return { state: "absent", createdAt: null };
  const signature = jsonOf(entry.bytes, SIGNATURE, context.limits.maxDepth);
  const time = isObject(signature) ? textOf(signature["timestamp"]) : null;
  const zoned = time !== null && /(?:Z|[+-]\d\d:\d\d)$/u.test(time);
  const at = time === null || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/u.test(time) ? NaN : Date.parse(zoned ? time : `${time}Z`);
  return { state: checkSignature(manifest, signature, trusted), createdAt: Number.isNaN(at) ? null : at };
}

/** Files lie beside the manifest under their stored names; a folder before the name does no harm. */
function filesOf(read: ReadonlyMap<string, EntryRead>, own: ReadonlySet<string>): Archive["files"] {
  const files = new Map<string, { entry: string; bytes: number }>();
  for (const { name, length } of read.values()) {
    if (own.has(name)) continue;
    const base = name.slice(name.lastIndexOf("/") + 1);
    if (!files.has(base) || base === name) files.set(base, { entry: name, bytes: length });
  }
  return files;
}
