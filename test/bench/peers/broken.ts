/** Documents that are broken before they are backed up: what each verifier says of a repository of them. */
import { cp, mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { seededRandom } from "../../../agent/kit/random.ts";
import { FAULT_CLASSES } from "../faults/classes.ts";
import { DOCUMENTS } from "../faults/documents.ts";
import { judged } from "../faults/measure.ts";
import { DoesNotApply } from "../faults/model.ts";
import type { Verifier } from "../faults/verify-here.ts";

const FORMATS = ["bag", "csv", "grist"];
/** Damage to bytes is measured in the repository itself, and what is wrong outside of the artifact not at all. */
const OF_BYTES = ["truncated file or part", "flipped byte in data", "flipped byte in manifest", "missing part", "empty artifact"];

export interface BrokenClass {
  readonly fault: string;
  readonly documents: number;
  readonly alone: number;
  /** Against the backup before it: failed, and shown as a change. */
  readonly baseline: number;
  readonly told: number;
}

/** @param root an empty directory that holds the broken documents afterwards */
export async function breakDocuments(root: string, clean: string, verifier: Verifier): Promise<readonly BrokenClass[]> {
  const documents = DOCUMENTS.filter((document) => FORMATS.includes(document.format));
  const originals = new Map<(typeof documents)[number], string>();
  for (const [n, document] of documents.entries()) {
    const folder = join(clean, String(n));
    await mkdir(folder);
    originals.set(document, await document.write(folder));
  }
  const found: BrokenClass[] = [];
  for (const fault of FAULT_CLASSES.filter((one) => one.unchanged !== true && !OF_BYTES.includes(one.id))) {
    const severity = fault.severities.at(-1);
    if (severity === undefined) continue;
    let [count, alone, baseline, told] = [0, 0, 0, 0];
    for (const [n, document] of documents.entries()) {
      if (fault.id in document.reasons) continue;
      const original = originals.get(document) ?? "";
      const folder = join(root, fault.id.replaceAll(/\W+/gu, "-"), String(n));
      await mkdir(folder, { recursive: true });
      const path = join(folder, basename(original));
      await cp(original, path, { recursive: true });
      try {
        await fault.plant({ path, document, random: seededRandom(1) }, severity);
      } catch (thrown) {
        if (thrown instanceof DoesNotApply) continue;
        throw thrown;
      }
      count += 1;
      const key = document.key ?? null;
      if (judged(await verifier.verify(path, { key })).outcome === "caught") alone += 1;
      const held = judged(await verifier.verify(path, { key, baseline: original })).outcome;
      if (held === "caught") baseline += 1;
      if (held === "told") told += 1;
    }
    if (count > 0) found.push({ fault: fault.id, documents: count, alone, baseline, told });
  }
  return found;
}
