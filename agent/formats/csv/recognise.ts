/** Whether an artifact is one CSV file, or a directory or zip archive of them. Contents decide; a name lowers the bar. */
import { basename } from "node:path";
import type { ArtifactProbe, Recognition } from "../../core/ports.ts";
import { LOOKING, looksLikeZip, namesInZipHead, openZip } from "../../kit/zip.ts";
import { isDeclaration } from "./declared.ts";
import { isHidden, isTablePath } from "./names.ts";
import { type Likeness, likeness } from "./likeness.ts";

const HEAD_BYTES = 64 * 1024;
const LOOKED_AT = 3;

export async function recogniseCsv(probe: ArtifactProbe): Promise<Recognition> {
  if (probe.kind === "directory") return several(probe.entries, (name) => probe.readHead(name, HEAD_BYTES));
  if (looksLikeZip(probe.head)) return inZip(probe);
  return { ...likeness(probe.head, probe.head.length >= probe.bytes, isTablePath(basename(probe.path))), formatVersion: null };
}

async function inZip(probe: ArtifactProbe): Promise<Recognition> {
  const signal = new AbortController().signal;
  const zip = await openZip(probe.path, LOOKING, signal).catch(() => null);
  if (zip === null) return cutArchive(probe.head);
  try {
    return await several(
      zip.entries.map((entry) => entry.name),
      (name) => startOf(zip.read(name, signal), HEAD_BYTES),
    );
  } finally {
    await zip.close();
  }
}

async function startOf(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    kept.push(chunk);
    length += chunk.length;
    if (length >= limit) break;
  }
  return Buffer.concat(kept).subarray(0, limit);
}

/** An archive whose directory, at its end, cannot be read: the names at its beginning are all there is to go by. */
function cutArchive(head: Uint8Array): Recognition {
  const names = namesInZipHead(head).filter((name) => !isHidden(name));
  const tables = names.filter((name) => isTablePath(name) || isDeclaration(name)).length;
  const because = `a zip archive whose end is missing; ${tables} of the ${names.length} names at its beginning are those of CSV files`;
  return { confidence: tables > 0 && tables === names.length ? 0.6 : 0, formatVersion: null, because };
}

async function several(entries: readonly string[], head: (name: string) => Promise<Uint8Array>): Promise<Recognition> {
  const names = entries.filter((name) => !isHidden(name));
  const tables = names.filter(isTablePath);
  const known = names.filter((name) => isTablePath(name) || isDeclaration(name));
  if (tables.length === 0) return { confidence: 0, formatVersion: null, because: "there is no CSV file in it" };
  const looks: Likeness[] = [];
  for (const name of tables.slice(0, LOOKED_AT)) {
    const bytes = await head(name);
    looks.push(likeness(bytes, bytes.length < HEAD_BYTES, true));
  }
  const alike = looks.filter((look) => look.confidence > 0).length;
  const because = `${tables.length} of its ${names.length} files are called as CSV files, and ${alike} of the first ${looks.length} look like it`;
  if (alike === 0) return { confidence: 0, formatVersion: null, because };
  const most = known.length * 2 >= names.length;
  return { confidence: most && alike === looks.length ? 0.85 : most ? 0.6 : 0.4, formatVersion: null, because };
}
