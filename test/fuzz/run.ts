/**
 * `npm run fuzz -- [SECONDS] [--seed N] [--format F] [--round N] [--save FILE]`: every reader (or one) against mutations of real documents,
 * SECONDS (60) each. With `--round` one round again; `--save` writes its artifact. Exit code 1 when anything happened that must not.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { ROOT } from "../meta/sources.ts";
import { type Round, saveArtifact, startCampaign } from "./campaign.ts";
import { FORMATS } from "./seeds.ts";

/** No round takes so long; a reader that is still at it hangs. */
const HANG_MS = 60_000;
const HEAP_MB = 384;
const MOST_RSS_KB = 1_200_000;

interface Tally {
  readonly results: Map<string, number>;
  readonly unseen: Map<string, number>;
  readonly violations: string[];
  rounds: number;
  slowestMs: number;
  peakRssKb: number;
}

type Message = Round | { readonly begins: number } | { readonly peakRssKb: number; readonly leaked: number };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, format: { type: "string" }, round: { type: "string" }, save: { type: "string" } },
});
const seconds = Number(positionals[0] ?? "60");
const seed = values.seed ?? "1";
if (!(seconds > 0) || !/^\d+$/u.test(seed) || (values.format !== undefined && !FORMATS.some((format) => format === values.format))) {
  process.stderr.write(`fuzz: SECONDS is a number above 0, --seed a whole number, --format one of ${FORMATS.join(", ")}\n`);
  process.exit(2);
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function take(tally: Tally, message: Message): void {
  if ("begins" in message) return;
  if ("peakRssKb" in message) {
    tally.peakRssKb = message.peakRssKb;
    if (message.peakRssKb > MOST_RSS_KB) tally.violations.push(`took ${message.peakRssKb} kB of memory`);
    if (message.leaked > 3) tally.violations.push(`left ${message.leaked} descriptors open`);
    return;
  }
  tally.rounds += 1;
  tally.slowestMs = Math.max(tally.slowestMs, message.ms);
  count(tally.results, message.result);
  if (message.result === "unseen") count(tally.unseen, message.mutation.includes(" + ") ? "several at once" : message.mutation);
  if (message.violation !== null)
    tally.violations.push(`round ${message.round} (${message.seed}, ${message.mutation}): ${message.violation.slice(0, 1500)}`);
}

/** Runs one format to its end, or to the moment it hangs. */
function fuzz(format: string): Promise<Tally> {
  const tally: Tally = { results: new Map(), unseen: new Map(), violations: [], rounds: 0, slowestMs: 0, peakRssKb: 0 };
  const flags = ["--disable-warning=ExperimentalWarning", `--max-old-space-size=${HEAP_MB}`];
  const child = spawn(process.execPath, [...flags, join(ROOT, "test/fuzz/worker.ts"), format, seed, String(seconds)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let begun = 0;
  let words = "";
  let hung = false;
  const stop = (): void => {
    hung = true;
    tally.violations.push(`round ${begun} hangs`);
    child.kill("SIGKILL");
  };
  let watch = setTimeout(stop, HANG_MS);
  child.stderr.on("data", (data: Buffer) => {
    words = (words + data.toString()).slice(-3000);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line) as Message;
    clearTimeout(watch);
    watch = setTimeout(stop, HANG_MS);
    if ("begins" in message) begun = message.begins;
    take(tally, message);
  });
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(watch);
      if (code !== 0 && !hung) tally.violations.push(`round ${begun} ended the process (${code ?? signal}): ${words}`);
      resolve(tally);
    });
  });
}

function told(counts: Map<string, number>): string {
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([name, times]) => `${name} ${times}`)
    .join(", ");
}

async function again(format: string, round: number): Promise<number> {
  const campaign = await startCampaign(format, Number(seed));
  try {
    if (values.save !== undefined) process.stdout.write(`${await saveArtifact(campaign.artifact(round), values.save)}\n`);
    const result = await campaign.run(round);
    process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);
    return result.violation === null ? 0 : 1;
  } finally {
    await campaign.close();
  }
}

if (values.round !== undefined) process.exit(await again(values.format ?? FORMATS[0], Number(values.round)));

let violations = 0;
for (const format of values.format === undefined ? FORMATS : [values.format]) {
  const tally = await fuzz(format);
  violations += tally.violations.length;
  process.stdout.write(
    `${format}: ${tally.rounds} rounds of seed ${seed}, slowest ${Math.round(tally.slowestMs)} ms, peak ${Math.round(tally.peakRssKb / 1024)} MiB\n` +
      `  results: ${told(tally.results)}\n` +
      (tally.unseen.size === 0 ? "" : `  unseen, by mutation: ${told(tally.unseen)}\n`) +
      tally.violations
        .slice(0, 20)
        .map((violation) => `  VIOLATION ${violation}\n`)
        .join("") +
      (tally.violations.length > 20 ? `  and ${tally.violations.length - 20} more\n` : ""),
  );
}
process.stdout.write(violations === 0 ? "nothing happened that must not\n" : `${violations} violations\n`);
process.exit(violations === 0 ? 0 : 1);
