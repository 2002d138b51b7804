/** What lies in one folder of the bucket, as a listing of the vault. */
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { VaultEntry, VaultListing } from "../../core/ports.ts";
import { CHECKSUM_LIST, MAX_CHECKSUM_BYTES, parseChecksums } from "../../core/vault-names.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import type { Bucket, Listed } from "./bucket.ts";
import type { Folder } from "./folder.ts";
import { CONCURRENCY, mayNotAsk, type Measured, measureFile, measureFolder } from "./measure.ts";

type Checksum = NonNullable<VaultEntry["checksum"]>;
const FOLDERS_AT_ONCE = 4;
const MAX_REPORT_TOTAL = 32 * 1024 * 1024;

/** @param prefix folder that `folder` was read of, relative to the vault, empty or with a slash at its end */
export async function listingOf(bucket: Bucket, prefix: string, folder: Folder, signal: AbortSignal): Promise<VaultListing> {
  const problems = [...folder.problems];
  const checksums = await readChecksums(bucket, prefix, folder, problems, signal);
  // Asked once here, not by every entry that is looked at side by side.
  if (folder.files.length + folder.folders.length > 0) await bucket.canLock(signal);
  const files = await mapLimit(folder.files, CONCURRENCY, (file) =>
    entryOf(
      file.key,
      () => measureFile(bucket, file, false, signal),
      async () => ({ ...file, kind: "file", immutableUntil: null, identity: "", sha256: null, files: [] }),
    ),
  );
  const folders = await mapLimit(folder.folders, FOLDERS_AT_ONCE, (name) => {
    const measure = (locks: boolean): Promise<Measured> =>
      measureFolder(bucket, `${prefix}${name}/`, { keep: false, locks, afresh: false, signal });
    return entryOf(
      `${prefix}${name}`,
      () => measure(true),
      () => measure(false),
    );
  });
  const entries = [...files, ...folders].filter((entry) => entry !== null).sort((a, b) => (a.path < b.path ? -1 : 1));
  return { entries, reports: await readReports(bucket, folder, problems, signal), problems: problems.sort() };

  async function entryOf(path: string, measure: () => Promise<Measured>, plainly: () => Promise<Measured>): Promise<VaultEntry | null> {
    try {
      const one = await measure().catch((thrown: unknown) => {
        if (!mayNotAsk(thrown)) throw thrown;
        problems.push(
          `${path}: Whether it is protected, and its checksum, may not be asked; mend: grant s3:GetObject and s3:GetObjectRetention.`,
        );
        return plainly().then((plain): Measured => ({ ...plain, lockUnknown: true }));
      });
      return toEntry(path, one, (await checksums(path.slice(prefix.length))) ?? ownChecksum(path, one));
    } catch (thrown) {
      return note(problems, path, thrown, signal);
    }
  }
}

export function toEntry(path: string, measured: Measured, checksum: Checksum | null): VaultEntry {
  const { kind, bytes, modifiedAt, immutableUntil, lockUnknown } = measured;
  return { path, kind, bytes, modifiedAt, immutableUntil, ...(lockUnknown === true ? { lockUnknown } : {}), checksum };
}

export function ownChecksum(path: string, measured: Measured): Checksum | null {
  return measured.sha256 === null ? null : { algorithm: "sha256", value: measured.sha256, from: `x-amz-checksum-sha256 of ${path}` };
}

async function readReports(bucket: Bucket, folder: Folder, problems: string[], signal: AbortSignal): Promise<VaultListing["reports"]> {
  let total = 0;
  const within = [...folder.reports]
    .sort((a, b) => b.modifiedAt - a.modifiedAt)
    .filter((report) => {
      total += report.bytes;
      return total <= MAX_REPORT_TOTAL;
    });
  if (within.length < folder.reports.length)
    problems.push(
      `*.run.json: Only the newest ${within.length} run reports are read, together they are larger than ${MAX_REPORT_TOTAL / 2 ** 20} MiB.`,
    );
  const reports = await mapLimit(within, CONCURRENCY, async (report) => {
    try {
      return { path: report.key, text: await bucket.text(report, signal), modifiedAt: report.modifiedAt };
    } catch (thrown) {
      return note(problems, report.key, thrown, signal);
    }
  });
  return reports.filter((one) => one !== null).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** @returns how to find the checksum that lies beside an artifact; the common list is read once, an artifact's own file when it is asked for */
export async function readChecksums(
  bucket: Bucket,
  prefix: string,
  folder: Pick<Folder, "sums" | "list">,
  problems: string[],
  signal: AbortSignal,
): Promise<(name: string) => Promise<Checksum | null>> {
  const read = async (object: Listed, only: string | null): Promise<ReadonlyMap<string, string>> => {
    try {
      if (object.bytes > MAX_CHECKSUM_BYTES)
        throw new AgentError("unsupported", "checksum-unreadable", "It is not a checksum file, or too large to be one.");
      const sums = parseChecksums(await bucket.text(object, signal), only);
      if (only === null ? sums.size === 0 : !sums.has(only))
        problems.push(`${object.key}: It holds no SHA-256 digest${only === null ? "" : " of the artifact beside it"}.`);
      return sums;
    } catch (thrown) {
      note(problems, object.key, thrown, signal);
      return new Map();
    }
  };
  const common = folder.list === null ? new Map<string, string>() : await read(folder.list, null);
  return async (name) => {
    const beside = folder.sums.get(name);
    const own = beside === undefined ? undefined : (await read(beside, name)).get(name);
    const value = own ?? common.get(name);
    const from = own === undefined ? CHECKSUM_LIST : `${name}.sha256`;
    return value === undefined ? null : { algorithm: "sha256", value, from: `${prefix}${from}` };
  };
}

/** Notes a sentence about one path; throws what concerns the listing as a whole. */
function note(problems: string[], path: string, thrown: unknown, signal: AbortSignal): null {
  const error = asAgentError(thrown);
  const whole =
    !["auth", "not_found", "unsupported"].includes(error.kind) && !["directory-too-large", "artifact-changed"].includes(error.code);
  const keys = error.kind === "auth" && error.code !== "no-permission";
  if (signal.aborted || whole || keys || error.code === "no-such-bucket") throw thrown;
  // Between listing and looking a backup may rightly be rotated away.
  if (error.kind !== "not_found") problems.push(`${path}: ${error.message}`);
  return null;
}
