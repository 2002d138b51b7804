/**
 * `npm run bench:faults`: what `verify` catches of every fault class in every format, alone and held against a baseline, and what it
 * says wrongly of documents that are whole. Options: --only class,format · --seed 1 · --json · --write (test/bench/faults/result.json)
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FAULT_CLASSES } from "./faults/classes.ts";
import { DOCUMENTS } from "./faults/documents.ts";
import { emptyFolder, measureFaults } from "./faults/measure.ts";
import { realDocuments } from "./faults/real.ts";
import { summaryOf } from "./faults/summary.ts";
import { printed } from "./faults/table.ts";
import { verifierIn } from "./faults/verify-here.ts";
import { measure } from "./measure.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const seed = Number(options.seed);
if (!Number.isSafeInteger(seed)) throw new Error(`--seed ${options.seed} is no number`);
const only = options.only.split(",").filter((word) => word !== "");
const formats = only.filter((word) => DOCUMENTS.some((document) => document.format === word));
const faults = only.filter((word) => !formats.includes(word));
const unknown = faults.filter((word) => !FAULT_CLASSES.some((fault) => fault.id.includes(word)));
if (unknown.length > 0) throw new Error(`--only ${unknown.join(", ")}: neither a format nor a part of a class's name`);
if (options.write && only.length > 0) throw new Error("--write takes all of it, or what is committed would be part of it");

const home = await mkdtemp(join(tmpdir(), "restorewatch-faults-"));
try {
  const began = performance.now();
  const verifier = verifierIn(await emptyFolder(home, "drills"));
  const tell = (line: string): void => console.error(line);
  const chosen = DOCUMENTS.filter((document) => formats.length === 0 || formats.includes(document.format));
  const measured = await measureFaults(chosen, verifier, home, {
    seed,
    fault: (id) => faults.length === 0 || faults.some((word) => id.includes(word)),
    told: tell,
  });
  const real = faults.length > 0 && formats.length === 0 ? [] : await realDocuments(verifier, formats);
  const summary = summaryOf(measured, real, seed);
  if (options.json) console.log(JSON.stringify({ summary, ...measured, real }));
  else console.log(printed(summary, measured));
  tell(`${((performance.now() - began) / 1000).toFixed(0)} s`);
  if (options.write) {
    const file = fileURLToPath(new URL("faults/result.json", import.meta.url));
    await writeFile(file, `${JSON.stringify(summary, null, 1)}\n`);
    // It is committed, and what is committed is formatted.
    await measure(fileURLToPath(new URL("../../node_modules/.bin/oxfmt", import.meta.url)), [file]);
  }
  if (summary.falseAlarms.length > 0) process.exitCode = 1;
} finally {
  await rm(home, { recursive: true, force: true });
}
