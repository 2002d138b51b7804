/** What lies in one directory of the vault. */
import { join } from "node:path";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { VaultEntry, VaultListing } from "../../core/ports.ts";
import { CHECKSUM_LIST, MAX_CHECKSUM_BYTES, MAX_REPORT_BYTES, matchesPattern, nameKind, parseChecksums } from "../../core/vault-names.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import type { VaultFiles } from "./files.ts";
import { CONCURRENCY, measure } from "./measure.ts";

export type Checksum = NonNullable<VaultEntry["checksum"]>;

/** A directory of the vault and the artifacts wanted of it. */
export interface Place {
  readonly files: VaultFiles;
  /** Absolute path of the directory, with every symlink above it resolved. */
  readonly directory: string;
  /** Path within the vault with a slash at its end, or empty. */
  readonly prefix: string;
  readonly signal: AbortSignal;
}

/** @param wanted whether an artifact of that name belongs to the listing; reports are taken by `wantedReport` */
export async function listPlace(
  place: Place,
  wanted: (name: string) => boolean,
  wantedReport: (name: string) => boolean = () => true,
): Promise<VaultListing> {
  const { files, directory, prefix, signal } = place;
  const problems: string[] = [];
  const names = (await files.readdir(directory)).map((child) => child.name).sort();
  const kinds = new Map(names.map((name) => [name, nameKind(name)]));
  const checksums = await readChecksums(place, new Set(names), problems);
  const entries = await mapLimit(
    names.filter((name) => kinds.get(name) === "artifact" && wanted(name)),
    CONCURRENCY,
    async (name): Promise<VaultEntry | null> => {
      const path = `${prefix}${name}`;
      try {
        const { kind, bytes, modifiedAt } = await measure(files, join(directory, name), signal);
        return { path, kind, bytes, modifiedAt, immutableUntil: null, checksum: await checksums(name) };
      } catch (thrown) {
        return note(problems, path, thrown, signal);
      }
    },
  );
  const reports = await mapLimit(
    names.filter((name) => kinds.get(name) === "report" && wantedReport(name)),
    CONCURRENCY,
    async (name) => {
      const path = `${prefix}${name}`;
      try {
        return { path, ...(await readReport(place, name)) };
      } catch (thrown) {
        return note(problems, path, thrown, signal);
      }
    },
  );
  return { entries: entries.filter((entry) => entry !== null), reports: reports.filter((one) => one !== null), problems: problems.sort() };
}

export async function listMatching(place: Place, pattern: string): Promise<VaultListing> {
  return listPlace(place, (name) => matchesPattern(name, pattern));
}

async function readReport(place: Place, name: string): Promise<{ text: string; modifiedAt: number }> {
  const path = join(place.directory, name);
  const { kind, bytes, modifiedAt } = await measure(place.files, path, place.signal);
  if (kind === "directory") throw new AgentError("unsupported", "not-a-file", "It is a directory, not a run report.");
  if (bytes > MAX_REPORT_BYTES)
    throw new AgentError("unsupported", "report-too-large", `The run report is larger than ${MAX_REPORT_BYTES / 1024} KiB.`);
  return { text: new TextDecoder().decode(await place.files.read(path, MAX_REPORT_BYTES)), modifiedAt };
}

/** @returns how to find the checksum of an artifact of the place; the common list is read once, an artifact's own file when it is asked for */
export async function readChecksums(
  place: Place,
  names: ReadonlySet<string>,
  problems: string[],
): Promise<(name: string) => Promise<Checksum | null>> {
  const read = async (from: string, only: string | null): Promise<ReadonlyMap<string, string>> => {
    try {
      const path = join(place.directory, from);
      const { kind, bytes } = await measure(place.files, path, place.signal);
      if (kind === "directory" || bytes > MAX_CHECKSUM_BYTES)
        throw new AgentError("unsupported", "checksum-unreadable", "It is not a checksum file, or too large to be one.");
      const sums = parseChecksums(new TextDecoder().decode(await place.files.read(path, MAX_CHECKSUM_BYTES)), only);
      if (only === null ? sums.size === 0 : !sums.has(only))
        problems.push(`${place.prefix}${from}: It holds no SHA-256 digest${only === null ? "" : " of the artifact beside it"}.`);
      return sums;
    } catch (thrown) {
      note(problems, `${place.prefix}${from}`, thrown, place.signal);
      return new Map();
    }
  };
  const common = names.has(CHECKSUM_LIST) ? await read(CHECKSUM_LIST, null) : new Map<string, string>();
  return async (name) => {
    const own = names.has(`${name}.sha256`) ? (await read(`${name}.sha256`, name)).get(name) : undefined;
    const value = own ?? common.get(name);
    const from = own === undefined ? CHECKSUM_LIST : `${name}.sha256`;
    return value === undefined ? null : { algorithm: "sha256", value, from: `${place.prefix}${from}` };
  };
}

/** Notes a sentence about one path; throws what concerns the listing as a whole: an abort, our own limits, a fault of ours. */
function note(problems: string[], path: string, thrown: unknown, signal: AbortSignal): null {
  const error = asAgentError(thrown);
  const ours = error.kind === "transient" || (error.kind === "limit" && error.code !== "directory-too-large");
  const fault = error.kind === "internal" && (thrown as { errno?: unknown } | null)?.errno === undefined;
  if (signal.aborted || ours || fault) throw thrown;
  // Between listing and looking a backup may rightly be rotated away.
  if (error.kind !== "not_found") problems.push(`${path}: ${describe(error)}`);
  return null;
}

/** What is said of an error: our own sentence, or one by its kind, since a system's message repeats absolute paths. */
export function describe(error: AgentError): string {
  if (error.cause === undefined) return error.message;
  if (error.kind === "auth") return "Reading it is not permitted.";
  return error.kind === "not_found" ? "It went away while the vault was read." : "It could not be read.";
}
