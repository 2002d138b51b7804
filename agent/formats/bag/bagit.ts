/** The bag around the data (BagIt 1.0, RFC 8493): declaration, bag-info, manifests, and whether every file is as they say. */
import { createHash } from "node:crypto";
import type { Integrity } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import { type FileTree, problemList, quoted, readChunks, readStart, type TreeFile } from "../../kit/file-tree.ts";

export const DECLARATION = "bagit.txt";
export const PAYLOAD = "data/";
const PAYLOAD_MANIFEST = "manifest-sha256.txt";
const TAG_MANIFEST = "tagmanifest-sha256.txt";
const BAG_INFO = "bag-info.txt";
const FETCH = "fetch.txt";
const MAX_TAG_BYTES = 64 * 1024 * 1024;

export interface Bag {
  readonly tree: FileTree;
  /** Labels of bag-info.txt in lower case; the first value of each. */
  readonly info: ReadonlyMap<string, string>;
  /** File, relative to the bag → SHA-256 in lower-case hex. */
  readonly payload: ReadonlyMap<string, string>;
  readonly tags: ReadonlyMap<string, string>;
  /** What is wrong with the tag files themselves. */
  readonly problems: readonly string[];
  /** Files that are the bag's and were not read, with their bytes. */
  readonly unread: ReadonlyMap<string, number>;
}

/**
 * Reads the tag files of the bag whose files are `tree` and, in the vault, `unread`.
 * @throws AgentError `damaged` where there is no usable declaration or payload manifest, and for a bag with files to be fetched:
 *   nothing is ever fetched. `unsupported` for a version or encoding that is not known.
 */
export async function readBag(tree: FileTree, unread: ReadonlyMap<string, number> = new Map()): Promise<Bag> {
  await assertDeclaration(tree);
  if (tree.files.has(FETCH))
    throw new AgentError("damaged", "bag-fetch", "The bag is not whole: fetch.txt names files that lie elsewhere, and nothing is fetched.");
  const problems = problemList();
  const payload = await readManifest(tree, PAYLOAD_MANIFEST, (path) => path.startsWith(PAYLOAD), problems.add);
  if (payload === null) throw new AgentError("damaged", "bag-manifest", `The bag has no ${PAYLOAD_MANIFEST}.`);
  const tags = await readManifest(tree, TAG_MANIFEST, (path) => !path.startsWith(PAYLOAD) && path !== TAG_MANIFEST, problems.add);
  const info = tree.files.has(BAG_INFO) ? parseInfo(await tagText(tree, BAG_INFO)) : new Map<string, string>();
  return { tree, info, payload, tags: tags ?? new Map(), problems: problems.all(), unread };
}

async function assertDeclaration(tree: FileTree): Promise<void> {
  if (!tree.files.has(DECLARATION)) throw new AgentError("damaged", "bag-declaration", `The bag has no ${DECLARATION}.`);
  const text = await tagText(tree, DECLARATION);
  const match = /^BagIt-Version: (\d+\.\d+)(?:\r\n|\n|\r)Tag-File-Character-Encoding: ([\w.:-]+)\s*$/u.exec(text);
  if (match === null) throw new AgentError("damaged", "bag-declaration", `${DECLARATION} is not the declaration of a bag.`);
  const [, version = "", encoding = ""] = match;
  if (version !== "1.0" && version !== "0.97")
    throw new AgentError("unsupported", "bag-version", `Bags of version ${version} are not known.`);
  if (/^utf-?8$/iu.test(encoding)) return;
  if (/^(?:utf-?(?:16|32)|iso-|windows-|us-ascii)/iu.test(encoding))
    throw new AgentError("unsupported", "bag-encoding", "The bag's tag files are not in UTF-8.");
  throw new AgentError("damaged", "bag-declaration", `${DECLARATION} names an encoding that does not exist.`);
}

async function tagText(tree: FileTree, name: string): Promise<string> {
  const file = tree.files.get(name);
  if (file === undefined) throw new AgentError("damaged", "bag-tag-file", `The bag has no ${name}.`);
  if (file.bytes > MAX_TAG_BYTES) throw new AgentError("limit", "bag-tag-file", `${name} is larger than ${MAX_TAG_BYTES} bytes.`);
  return (await readStart(file.place, file.bytes)).toString("utf8").replace(/^\uFEFF/u, "");
}

/** Null where there is no such manifest. */
async function readManifest(
  tree: FileTree,
  name: string,
  belongs: (path: string) => boolean,
  problem: (sentence: string) => void,
): Promise<Map<string, string> | null> {
  if (!tree.files.has(name)) return null;
  const listed = new Map<string, string>();
  for (const [index, line] of (await tagText(tree, name)).split(/\r\n|\n|\r/u).entries()) {
    if (line === "") continue;
    const match = /^([0-9a-f]{64})[ \t]+\*?(.+)$/iu.exec(line);
    const path = match === null ? "" : decodePath(match[2] ?? "");
    if (match === null) problem(`Line ${index + 1} of ${name} is no line of a manifest.`);
    else if (!isInside(path) || !belongs(path)) problem(`Line ${index + 1} of ${name} names a path that does not belong there.`);
    else if (listed.has(path)) problem(`${name} lists ${quoted(path)} twice.`);
    else listed.set(path, (match[1] ?? "").toLowerCase());
  }
  return listed;
}

/** RFC 8493 encodes only line ends and the percent sign itself. */
function decodePath(path: string): string {
  return path.replaceAll(/%(0A|0D|25)/giu, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))).replace(/^\.\//u, "");
}

function isInside(path: string): boolean {
  return !/^[/~]|^[A-Za-z]:|\\|\0/u.test(path) && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/** `Label: value`; lines that begin with white space go on with the value. */
function parseInfo(text: string): Map<string, string> {
  const info = new Map<string, string>();
  let last: string | null = null;
  for (const line of text.split(/\r\n|\n|\r/u)) {
    if (/^[ \t]/u.test(line)) {
      if (last !== null) info.set(last, `${info.get(last) ?? ""} ${line.trim()}`);
      continue;
    }
    const match = /^([^:]+):\s?(.*)$/u.exec(line);
    const label = match?.[1]?.trim().toLowerCase() ?? null;
    last = label !== null && !info.has(label) ? label : null;
    if (last !== null) info.set(last, match?.[2]?.trim() ?? "");
  }
  return info;
}

/**
 * Compares every file that is here with the manifests, and what is not read only by its name.
 * @param digest SHA-256 hex of one file, given where another reading of it already made one
 * @returns what was found; `complete` is false as soon as one file is missing, too many or changed
 */
export async function verifyBag(
  bag: Bag,
  digest: (path: string, file: TreeFile) => Promise<string>,
): Promise<Pick<Integrity, "complete" | "problems" | "checksums">> {
  const { tree, payload, tags, unread } = bag;
  const problems = problemList();
  for (const sentence of [...tree.problems, ...bag.problems]) problems.add(sentence);
  for (const sentence of oxumProblems(bag)) problems.add(sentence);
  const mismatched: string[] = [];
  let compared = 0;
  for (const [path, expected] of [...payload, ...tags]) {
    const file = tree.files.get(path);
    if (file === undefined) {
      if (unread.has(path)) continue;
      problems.add(`${quoted(path)} is listed in the manifest and is not there.`);
      continue;
    }
    compared += 1;
    if ((await digest(path, file)) === expected) continue;
    mismatched.push(path);
    problems.add(`${quoted(path)} differs from its checksum in the manifest.`);
  }
  for (const path of [...tree.files.keys(), ...unread.keys()].sort())
    if (path.startsWith(PAYLOAD) && !payload.has(path)) problems.add(`${quoted(path)} is there and is not listed in the manifest.`);
  const all = problems.all();
  return { complete: all.length === 0, problems: all, checksums: { compared, mismatched } };
}

function oxumProblems(bag: Bag): string[] {
  const oxum = bag.info.get("payload-oxum");
  if (oxum === undefined) return [];
  const match = /^(\d+)\.(\d+)$/u.exec(oxum);
  if (match === null) return ["Payload-Oxum in bag-info.txt is not two numbers."];
  const all = [...[...bag.tree.files].map(([path, file]) => [path, file.bytes] as const), ...bag.unread];
  const payload = all.filter(([path]) => path.startsWith(PAYLOAD));
  const bytes = payload.reduce((sum, [, size]) => sum + size, 0);
  if (match[1] === String(bytes) && match[2] === String(payload.length)) return [];
  return [`bag-info.txt declares ${match[1]} bytes in ${match[2]} files, and there are ${bytes} bytes in ${payload.length} files.`];
}

export async function sha256Of(file: TreeFile, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of readChunks(file.place, signal)) hash.update(chunk);
  return hash.digest("hex");
}
