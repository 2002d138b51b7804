/** One pass over a folder of the vault, holding only what is wanted of it. */
import { AgentError } from "../../core/errors.ts";
import { MAX_REPORT_BYTES, nameKind } from "../../core/vault-names.ts";
import type { Bucket, Listed } from "./bucket.ts";

export interface Folder {
  /** False where no key begins with it. */
  readonly exists: boolean;
  readonly files: readonly Listed[];
  /** Names of wanted folders. */
  readonly folders: readonly string[];
  /** The newest run reports. */
  readonly reports: readonly Listed[];
  /** Checksum files of their own, by the name of what they stand beside. */
  readonly sums: ReadonlyMap<string, Listed>;
  readonly list: Listed | null;
  readonly problems: readonly string[];
}

/** Run reports beyond these are older ones, known from earlier listings. */
const MAX_REPORTS = 2000;

/**
 * @param folder relative to the vault, empty or with a slash at its end
 * @throws AgentError `limit` where more than `config.maxArtifacts` are wanted
 */
export async function readFolder(
  bucket: Bucket,
  folder: string,
  wanted: (name: string) => boolean,
  wantedReport: (name: string) => boolean,
  signal: AbortSignal,
): Promise<Folder> {
  const files: Listed[] = [];
  const folders: string[] = [];
  const sums = new Map<string, Listed>();
  const problems: string[] = [];
  let reports: Listed[] = [];
  let older = 0;
  let list: Listed | null = null;
  let exists = folder === "";
  for await (const page of bucket.pages(folder, { deep: false, signal })) {
    exists ||= page.objects.length + page.folders.length > 0;
    for (const object of page.objects) {
      const name = object.key.slice(folder.length);
      const kind = nameKind(name);
      if (kind === "artifact" && wanted(name)) files.push(object);
      else if (kind === "checksum" && wanted(name.slice(0, -".sha256".length))) sums.set(name.slice(0, -".sha256".length), object);
      else if (kind === "checksum-list") list = object;
      else if (kind === "report" && wantedReport(name)) {
        if (object.bytes > MAX_REPORT_BYTES) problems.push(`${object.key}: The run report is larger than ${MAX_REPORT_BYTES / 1024} KiB.`);
        else reports.push(object);
      }
    }
    for (const key of page.folders) {
      const name = key.slice(folder.length, -1);
      if (nameKind(name) === "artifact" && wanted(name)) folders.push(name);
    }
    if (files.length + folders.length > bucket.config.maxArtifacts || sums.size > 2 * bucket.config.maxArtifacts || problems.length > 1000)
      throw new AgentError("limit", "too-many-artifacts", `More than ${bucket.config.maxArtifacts} artifacts lie here.`, {
        mend: "narrow path or pattern of the source, or raise maxArtifacts of the vault",
      });
    if (reports.length > 2 * MAX_REPORTS) cut();
  }
  if (reports.length > MAX_REPORTS) cut();
  if (older > 0) problems.push(`${folder}*.run.json: Only the newest ${MAX_REPORTS} run reports are read, ${older} older ones are not.`);
  const named = new Set(files.map((file) => file.key.slice(folder.length)));
  const twice = folders.filter((name) => named.has(name));
  for (const name of twice) problems.push(`${folder}${name}: There is a folder of the same name as this file; the file is taken.`);
  return { exists, files, folders: folders.filter((name) => !named.has(name)), reports, sums, list, problems };

  function cut(): void {
    const all = reports.length;
    reports = reports.sort((a, b) => b.modifiedAt - a.modifiedAt || (a.key < b.key ? 1 : -1)).slice(0, MAX_REPORTS);
    older += all - reports.length;
  }
}

/** The one object of exactly that key, or null. */
export async function findObject(bucket: Bucket, key: string, signal: AbortSignal): Promise<Listed | null> {
  // Keys come in order, and none that begins with it comes before the key itself.
  for await (const { objects } of bucket.pages(key, { deep: true, limit: 1, signal }))
    return objects.find((one) => one.key === key) ?? null;
  return null;
}
