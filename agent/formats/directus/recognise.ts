/** Whether an artifact is a backup of Directus: a schema snapshot, alone or with what was exported beside it. */
import type { ArtifactProbe, Recognition } from "../../core/ports.ts";
import { LOOKING, looksLikeZip, namesInZipHead, openZip } from "../../kit/zip.ts";
import { findSchema, likenessOf, named, type SchemaPlace } from "./likeness.ts";

export async function recogniseDirectus(probe: ArtifactProbe): Promise<Recognition> {
  if (probe.kind === "directory") {
    const place = await findSchema(named(probe.entries), (name, bytes) => probe.readHead(name, bytes));
    return told(place, "a directory");
  }
  if (looksLikeZip(probe.head)) return inZip(probe);
  const { confidence, version } = likenessOf(probe.head);
  if (confidence === 0) return no("it is no schema snapshot of Directus");
  return { confidence, formatVersion: version, because: "a schema snapshot of Directus" };
}

async function inZip(probe: ArtifactProbe): Promise<Recognition> {
  const { signal } = new AbortController();
  const zip = await openZip(probe.path, LOOKING, signal).catch(() => null);
  if (zip === null) return cutArchive(named(namesInZipHead(probe.head)));
  try {
    const names = named(zip.entries.map((entry) => entry.name));
    const look = async (name: string, bytes: number): Promise<Uint8Array> => {
      for await (const chunk of zip.read(name, signal)) return chunk.subarray(0, bytes);
      return new Uint8Array(0);
    };
    return told(await findSchema(names, look), "a zip archive");
  } finally {
    await zip.close();
  }
}

/** Its end is missing, and with it the list of what is inside: the names at its beginning are all there is to go by. */
function cutArchive(names: readonly string[]): Recognition {
  const snapshot = names.some((name) => /(?:^|\/)(?:snapshot|schema)\.(?:ya?ml|json)$/u.test(name));
  const beside = names.some((name) => /(?:^|\/)(?:(?:items|content)\/[^/]+\.(?:json|ndjson|jsonl|csv)|directus_\w+\.json)$/u.test(name));
  if (!snapshot || !beside) return no("a broken zip whose beginning names nothing of Directus");
  return { confidence: 0.6, formatVersion: null, because: "a broken zip that begins with files named as in an export of Directus" };
}

function told(place: SchemaPlace | null, what: string): Recognition {
  if (place === null) return no(`${what} without a schema snapshot of Directus`);
  if (place.kind === "lists")
    return {
      confidence: 0.93,
      formatVersion: null,
      because: `${what} with collections, fields and relations as directus-template-cli writes them`,
    };
  return {
    confidence: place.likeness.confidence,
    formatVersion: place.likeness.version,
    because: `${what} with a schema snapshot of Directus`,
  };
}

function no(because: string): Recognition {
  return { confidence: 0, formatVersion: null, because };
}
