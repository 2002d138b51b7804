/** Whether a file is a Baserow export, judged by its structure; the beginning of a file is enough, cut off anywhere. */
import type { ArtifactProbe, Recognition } from "../../core/ports.ts";
import { MANIFEST } from "./archive.ts";
import { endOfString, isObject, textOf } from "../../kit/json.ts";
import { LOOKING, looksLikeZip, namesInZipHead, openZip } from "../../kit/zip.ts";
import { jsonOf } from "../reading.ts";

/** Kinds of applications, and a list that each has. */
const APPLICATIONS: ReadonlyMap<string, string> = new Map([
  ["database", "tables"],
  ["builder", "pages"],
  ["automation", "workflows"],
  ["dashboard", "widgets"],
]);
const MAX_DEPTH = 64;
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

export async function recogniseBaserow(probe: ArtifactProbe): Promise<Recognition> {
  if (probe.kind !== "file") return no("it is a directory");
  const head = Buffer.from(probe.head.buffer, probe.head.byteOffset, probe.head.byteLength);
  return looksLikeZip(probe.head) ? recogniseZip(probe, head) : recogniseJson(head.toString("utf8"));
}

function no(because: string): Recognition {
  return { confidence: 0, formatVersion: null, because };
}

// ---- zip -----------------------------------------------------------------------------------------------------------

const APPLICATION_FILE = /^(?:database|builder|automation|dashboard)__[0-9a-f]{32}_[0-9a-f]{64}\.json$/u;
const STORED_FILE = /^[0-9A-Za-z]{32}_[0-9a-f]{64}(?:\.[^/]*)?$/u;

async function recogniseZip(probe: ArtifactProbe, head: Buffer): Promise<Recognition> {
  let whole = true;
  const manifest = await manifestOf(probe.path).catch(() => {
    whole = false;
    return null;
  });
  if (isObject(manifest) && isObject(manifest["applications"]) && textOf(manifest["version"]) !== null) {
    const known = Object.keys(manifest["applications"]).some((type) => APPLICATIONS.has(type));
    if (known || manifest["baserow_version"] !== undefined)
      return {
        confidence: 0.98,
        formatVersion: textOf(manifest["version"]),
        because: "a zip with the manifest of a Baserow workspace export",
      };
  }
  // Without its end a zip has no list of entries; the names before each of them are still there, those of stored files first.
  const names = namesInZipHead(head);
  if (names.some((name) => APPLICATION_FILE.test(name)))
    return { confidence: 0.8, formatVersion: null, because: "a zip that begins with files named as in a Baserow workspace export" };
  if (!whole && names[0] !== undefined && STORED_FILE.test(names[0]))
    return { confidence: 0.6, formatVersion: null, because: "a broken zip that begins with a file named as Baserow stores them" };
  return no("a zip without the manifest of a Baserow export");
}

async function manifestOf(path: string): Promise<unknown> {
  const { signal } = new AbortController();
  const zip = await openZip(path, LOOKING, signal);
  try {
    if (!zip.entries.some((entry) => entry.name === MANIFEST)) return null;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of zip.read(MANIFEST, signal)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_MANIFEST_BYTES) return null;
    }
    return jsonOf(Buffer.concat(chunks), MANIFEST, MAX_DEPTH);
  } finally {
    await zip.close();
  }
}

// ---- JSON ----------------------------------------------------------------------------------------------------------

interface Frame {
  readonly list: boolean;
  key: string | null;
  readonly application: Sighting | null;
}

/** What the head shows of one object that may be an application. */
interface Sighting {
  type: string | null;
  readonly keys: Set<string>;
}

interface Seen {
  /** Text of `baserow_template_version`; null where there is none. */
  version: string | null;
  exports: boolean;
  readonly applications: Sighting[];
}

function recogniseJson(text: string): Recognition {
  const seen = look(text.replace(/^\ufeff/u, ""));
  const known = seen.applications.filter((one) => one.type !== null && looksWhole(one.type, one.keys)).length;
  if (seen.version !== null && (seen.exports || known > 0))
    return { confidence: 0.98, formatVersion: seen.version, because: "a Baserow template: it says so, and lists applications" };
  if (seen.version !== null)
    return { confidence: 0.9, formatVersion: seen.version, because: "the beginning of a Baserow template: it says so" };
  if (known > 0) return { confidence: 0.93, formatVersion: null, because: "a list of Baserow applications" };
  return no("it lists no Baserow applications");
}

function looksWhole(type: string, keys: ReadonlySet<string>): boolean {
  const list = APPLICATIONS.get(type);
  return list !== undefined && keys.has("id") && keys.has("name") && (keys.has(list) || keys.has("order"));
}

/** Walks the text without recursion and without asking that it be whole. */
function look(text: string): Seen {
  const seen: Seen = { version: null, exports: false, applications: [] };
  const stack: Frame[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    const top = stack.at(-1);
    if (char === '"') {
      const end = endOfString(text, at);
      if (end < 0) break;
      if (top !== undefined && !top.list) {
        const raw = text.slice(at + 1, end);
        if (top.key === null) {
          top.key = raw;
          top.application?.keys.add(raw);
        } else if (top.key === "type" && top.application !== null) top.application.type = raw;
      }
      at = end;
    } else if (char === "[" || char === "{") {
      const list = char === "[";
      if (list && stack.length === 1 && top?.key === "export") seen.exports = true;
      const application: Sighting | null = !list && mayBeApplication(stack) ? { type: null, keys: new Set() } : null;
      if (application !== null) seen.applications.push(application);
      stack.push({ list, key: null, application });
    } else if (char === "]" || char === "}") {
      stack.pop();
      if (stack.length === 0) break;
    } else if (char === "," && top !== undefined) top.key = null;
    else if (stack.length === 1 && top?.key === "baserow_template_version" && seen.version === null)
      seen.version = /^\d{1,9}(?=[\s,}])/u.exec(text.slice(at, at + 10))?.[0] ?? null;
  }
  return seen;
}

/** An object that stands alone, in the outermost list, or in the list `export` of an outermost object. */
function mayBeApplication(stack: readonly Frame[]): boolean {
  if (stack.length === 0) return true;
  if (stack.length === 1) return stack[0]?.list === true;
  return stack.length === 2 && stack[0]?.key === "export" && stack[1]?.list === true;
}
