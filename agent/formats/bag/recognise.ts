/** Whether an artifact is a capture bag: a directory or zip archive with BagIt's declaration and a data package. */
import type { ArtifactProbe, Recognition } from "../../core/ports.ts";
import { LOOKING, looksLikeZip, namesInZipHead, openZip } from "../../kit/zip.ts";
import { DECLARATION } from "./bagit.ts";
import { PACKAGE } from "./package.ts";

export async function recogniseBag(probe: ArtifactProbe): Promise<Recognition> {
  if (probe.kind === "directory") return directory(probe);
  if (!looksLikeZip(probe.head)) return no("it is neither a directory nor a zip archive");
  const head = namesInZipHead(probe.head);
  if (bagRoot(head) !== null) return judge(namesBelow(head, bagRoot(head) ?? ""), "a zip archive");
  const names = await namesInZip(probe.path).catch(() => []);
  return judge(namesBelow(names, bagRoot(names) ?? ""), "a zip archive");
}

async function namesInZip(path: string): Promise<readonly string[]> {
  const zip = await openZip(path, LOOKING, new AbortController().signal);
  await zip.close();
  return zip.entries.map((entry) => entry.name);
}

async function directory(probe: ArtifactProbe): Promise<Recognition> {
  const names = new Set(probe.entries);
  if (names.has(DECLARATION) && !(await declares(probe))) names.delete(DECLARATION);
  return judge(names, "a directory");
}

async function declares(probe: ArtifactProbe): Promise<boolean> {
  const head = await probe.readHead(DECLARATION, 64);
  return Buffer.from(head).toString("latin1").startsWith("BagIt-Version:");
}

function judge(names: ReadonlySet<string>, what: string): Recognition {
  const declared = names.has(DECLARATION);
  const packaged = names.has(PACKAGE);
  const tables = [...names].some((name) => /^data\/tables\/.+\.ndjson(?:\.zst)?$/u.test(name));
  const manifest = names.has("manifest-sha256.txt");
  const found = (confidence: number, because: string): Recognition => ({ confidence, formatVersion: null, because: `${what} ${because}` });
  if (declared && packaged) return found(0.98, "with BagIt's declaration and a data package");
  if (declared && tables) return found(0.8, "with BagIt's declaration and tables of a capture, but no data package");
  if (packaged && (manifest || tables)) return found(0.7, "with the data package of a bag, but no declaration");
  if (declared) return found(0.3, "with BagIt's declaration, but without a data package");
  return no(`${what} without BagIt's declaration`);
}

function no(because: string): Recognition {
  return { confidence: 0, formatVersion: null, because };
}

/** @returns "" or the name of the one folder, with its slash, in which the bag lies; null where there is none */
export function bagRoot(names: Iterable<string>): string | null {
  let root: string | null = null;
  for (const name of names) {
    const parts = name.split("/");
    if (name === DECLARATION || name === PACKAGE) return "";
    const inFolder = name.endsWith(`/${DECLARATION}`) ? parts.length === 2 : name.endsWith(`/${PACKAGE}`) && parts.length === 3;
    if (inFolder) root ??= `${parts[0] ?? ""}/`;
  }
  return root;
}

export function namesBelow(names: Iterable<string>, root: string): ReadonlySet<string> {
  return new Set([...names].filter((name) => name.startsWith(root)).map((name) => name.slice(root.length)));
}
