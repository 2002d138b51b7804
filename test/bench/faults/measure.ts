/** Plants every fault into copies of every clean document and asks what `verify` says of them. */
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { seededRandom } from "../../../agent/kit/random.ts";
import { FAULT_CLASSES, type FaultClass } from "./classes.ts";
import { type CleanDocument, DoesNotApply } from "./model.ts";
import type { Answer, Asked, Verifier } from "./verify-here.ts";

/** `verify PATH`, `verify PATH --baseline CLEAN`, and what a configured source is drilled with. */
export type Way = "alone" | "baseline" | "configured";

/** caught: failed. told: shown as a change, not failed. doubt: neither verified nor failed. missed: verified, nothing told. */
export type Outcome = "caught" | "told" | "doubt" | "missed";

export interface Trial {
  readonly fault: string;
  readonly format: string;
  readonly document: string;
  readonly severity: string;
  readonly way: Way;
  readonly outcome: Outcome;
  /** Ids of the checks that said it. */
  readonly by: readonly string[];
}

export interface Inapplicable {
  readonly fault: string;
  readonly format: string;
  readonly document: string;
  readonly reason: string;
}

export interface CleanResult {
  readonly document: string;
  readonly format: string;
  readonly falseAlarms: readonly string[];
}

export interface Measured {
  readonly trials: readonly Trial[];
  readonly inapplicable: readonly Inapplicable[];
  readonly clean: readonly CleanResult[];
}

export interface MeasureOptions {
  readonly seed: number;
  readonly fault: (id: string) => boolean;
  readonly told: (line: string) => void;
}

export async function measureFaults(
  documents: readonly CleanDocument[],
  verifier: Verifier,
  home: string,
  options: MeasureOptions,
): Promise<Measured> {
  const trials: Trial[] = [];
  const inapplicable: Inapplicable[] = [];
  const clean: CleanResult[] = [];
  for (const document of documents) {
    const began = performance.now();
    const folder = await mkdtemp(join(home, `${document.format}-`));
    const original = await document.write(folder);
    const known = await falseAlarmsOf(verifier, original, document);
    clean.push({ document: document.name, format: document.format, falseAlarms: known });
    // Whatever is planted into what already fails would look caught.
    if (known.length > 0) continue;
    for (const fault of FAULT_CLASSES.filter((one) => options.fault(one.id))) {
      const { reason, found } = await measureClass(fault, document, original, verifier, home, options.seed);
      trials.push(...found);
      if (reason !== null) inapplicable.push({ fault: fault.id, format: document.format, document: document.name, reason });
    }
    options.told(`${document.format}, ${document.name}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  return { trials, inapplicable, clean };
}

async function falseAlarmsOf(verifier: Verifier, path: string, { key, format }: CleanDocument): Promise<string[]> {
  const alone = await verifier.verify(path, { key: key ?? null });
  if (alone.format !== format)
    throw new Error(`${path} was taken for ${alone.format ?? "nothing"}, not ${format}: ${alone.reasons.join("; ")}`);
  const held = await verifier.verify(path, { key: key ?? null, baseline: path });
  return [
    ...alarms(alone),
    ...alarms(held).map((one) => `with itself as baseline: ${one}`),
    ...tellingOf(held, "changed").map((id) => `${id} told a change`),
  ];
}

/** Empty where it is verified. */
export function alarms({ verdict, reasons, error }: Answer): readonly string[] {
  if (verdict === "verified") return [];
  return reasons.length === 0 ? [error ?? verdict] : reasons;
}

async function measureClass(
  fault: FaultClass,
  document: CleanDocument,
  original: string,
  verifier: Verifier,
  home: string,
  seed: number,
): Promise<{ readonly reason: string | null; readonly found: readonly Trial[] }> {
  const said = document.reasons[fault.id];
  if (said !== undefined) return { reason: said, found: [] };
  const found: Trial[] = [];
  const whole = await digestOf(original);
  for (const severity of fault.severities) {
    const folder = await mkdtemp(join(home, "planted-"));
    const path = join(folder, basename(original));
    await cp(original, path, { recursive: true });
    try {
      const before = await treeDigest(path);
      await fault.plant({ path, document, random: seededRandom(seed) }, severity);
      if (fault.unchanged !== true && (await treeDigest(path)) === before) throw new Error("nothing was planted");
      const ways: readonly [Way, Asked][] = [
        ["alone", {}],
        ["baseline", { baseline: original }],
        ...(fault.known === undefined
          ? []
          : [["configured", await configured(fault.known, severity.value, document, path, whole)] as [Way, Asked]]),
      ];
      for (const [way, asked] of ways) {
        const answer = await verifier.verify(path, { key: document.key ?? null, ...asked });
        const { outcome, by } = judged(answer);
        found.push({ fault: fault.id, format: document.format, document: document.name, severity: severity.name, way, outcome, by });
      }
    } catch (thrown) {
      if (thrown instanceof DoesNotApply) return { reason: `the document has no ${thrown.message} to damage`, found };
      throw new Error(`${fault.id}, ${severity.name}, in ${document.format} (${document.name})`, { cause: thrown });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { reason: null, found };
}

export function judged(answer: Answer): { readonly outcome: Outcome; readonly by: readonly string[] } {
  const failed = tellingOf(answer, "fail");
  if (answer.verdict === "failed") return { outcome: "caught", by: failed };
  if (answer.verdict !== "verified") return { outcome: "doubt", by: answer.error === null ? tellingOf(answer, "error") : [answer.error] };
  const told = tellingOf(answer, "changed");
  return told.length > 0 ? { outcome: "told", by: told } : { outcome: "missed", by: [] };
}

function tellingOf({ checks }: Answer, status: string): readonly string[] {
  return checks.filter((check) => check.status === status).map((check) => check.id);
}

/** What a source of that kind would know of its point beside the bytes. */
async function configured(
  known: NonNullable<FaultClass["known"]>,
  value: number,
  document: CleanDocument,
  path: string,
  whole: string | null,
): Promise<Asked> {
  const now = Date.now();
  if (known === "checksum")
    return { known: whole === null ? {} : { checksum: { algorithm: "sha256", value: whole, from: "shop.sha256" } } };
  if (known === "schedule") {
    const at = now - 60_000;
    const file = (await stat(path)).isFile();
    const point = {
      ...{ id: "p", sourceId: "verify", vaultId: "v", path: basename(path), kind: file ? ("file" as const) : ("directory" as const) },
      ...{
        createdAt: at + value * 86_400_000,
        createdFrom: "modified" as const,
        modifiedAt: at,
        bytes: 1,
        immutableUntil: null,
        runId: null,
      },
      ...{ firstSeenAt: at, goneAt: null },
    };
    const objectives = { rpoMs: 86_400_000, rtoMs: null, retentionMs: null, minPoints: null, immutableMs: null };
    // Days later by the vault's own clock: the content is as old as it was.
    return { known: { now: at + value * 86_400_000 + 60_000, point, objectives } };
  }
  const opened = await document.open(path);
  const table = opened.tables.people;
  const column = table?.roles.person;
  if (table === undefined || column === undefined) throw new DoesNotApply("person");
  const people = table.rows.slice(0, value === 0 ? 1 : table.rows.length).map((row) => String(row[column]).toLowerCase());
  const subjects = people.map((person) => ({
    digest: createHash("sha256").update(person.normalize("NFC").trim()).digest("hex"),
    erasedAt: now - 86_400_000,
  }));
  const fields = [{ collection: table.name, field: document.personField ?? column }];
  return { known: { erasure: { trouble: null, key: "", subjects, fields } } };
}

async function digestOf(path: string): Promise<string | null> {
  return (await stat(path)).isFile()
    ? createHash("sha256")
        .update(await readFile(path))
        .digest("hex")
    : null;
}

/** Names and bytes of everything there is. */
export async function treeDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  if ((await stat(path)).isFile()) return hash.update(await readFile(path)).digest("hex");
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(`${file}\0`).update(await readFile(file));
  return hash.digest("hex");
}

export async function emptyFolder(home: string, name: string): Promise<string> {
  const path = join(home, name);
  await mkdir(path);
  return path;
}
