/**
 * `npm run bench:verify`: how long `verify` takes for a capture bag, with every check it can ask, beside what tools take that look at the
 * same content as bytes only. Options: --records 10000,1000000 · --runs 3 · --without-peers
 */
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeBag } from "./make-bag.ts";
import { type Measured, measure } from "./measure.ts";
import { beside, machine, median, megabytes, seconds, table } from "./table.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The size that the goal speaks of. */
const PEERS_AT = 1_000_000;
const GOAL_MS = 4000;
const GOAL_BYTES = 600e6;
const GOAL_RATIO = 4;
const TABLES = 8;
const PEER_WORDS: Readonly<Record<string, string>> = {
  sha256sum: "bytes, as they are unpacked",
  "zstd -d": "bytes, as they are packed",
  "restic check --read-data": "bytes, in an encrypted repository",
  "borg check --verify-data": "bytes, in an encrypted repository",
};

interface Bag {
  readonly path: string;
  /** The same content unpacked: NDJSON files. */
  readonly raw: string;
  readonly records: number;
  readonly rawBytes: number;
}

interface Verified extends Measured {
  readonly phases: Readonly<Record<string, number>>;
  readonly passed: number;
  readonly skipped: number;
}

const { values: options } = parseArgs({
  options: {
    records: { type: "string", default: "10000,100000,1000000,3000000" },
    runs: { type: "string", default: "3" },
    "without-peers": { type: "boolean", default: false },
  },
});
const sizes = options.records.split(",").map(Number);
const runs = Number(options.runs);
if (sizes.some((size) => !Number.isSafeInteger(size) || size < 1)) throw new Error(`--records ${options.records} are no numbers`);
if (!Number.isSafeInteger(runs) || runs < 1) throw new Error(`--runs ${options.runs} is no number`);
const withPeers = !options["without-peers"] && sizes.includes(PEERS_AT);
const missing = withPeers ? await missingTools(["sha256sum", "zstd", "restic", "borg"]) : [];
if (missing.length > 0) {
  console.error(`${missing.join(", ")} missing: apt-get install coreutils zstd restic borgbackup, or run with --without-peers`);
  process.exit(1);
}

console.log(machine());
const rows: (string | number | null)[][] = [];
for (const size of sizes) {
  const bag = await cachedBag(size);
  const peers = withPeers && size === PEERS_AT ? await preparePeers(bag) : null;
  try {
    // One run to warm the page cache, then every tool in turn, so that all meet the same machine.
    await verifyBag(bag);
    const verified: Verified[] = [];
    const others = new Map<string, Measured[]>();
    for (let run = 0; run < runs; run += 1) {
      verified.push(await verifyBag(bag));
      for (const peer of peers?.list ?? []) others.set(peer.name, [...(others.get(peer.name) ?? []), await peer.run()]);
    }
    const wall = median(verified.map((one) => one.wallMs));
    const peak = Math.max(...verified.map((one) => one.peakBytes ?? 0));
    rows.push([
      size.toLocaleString("en"),
      megabytes(bag.rawBytes),
      seconds(wall),
      seconds(Math.min(...verified.map((one) => one.wallMs))),
      seconds(median(verified.map((one) => one.cpuMs ?? 0))),
      `${Math.round(bag.rawBytes / 1000 / wall)} MB/s`,
      `${((wall * 1000) / size).toFixed(2)} µs`,
      megabytes(peak),
    ]);
    if (size === PEERS_AT) tellGoal(bag, verified, others);
  } finally {
    await peers?.remove();
  }
}
console.log(
  `\n${table("verify, everything asked of the content", ["records", "raw", "wall (median)", "wall (best)", "CPU", "speed", "a record", "peak memory"], rows)}`,
);
console.log(`\nmedian of ${runs} runs · CPU and memory: the agent and its drill child together · ${machine().split("\n")[1] ?? ""}`);

function tellGoal(bag: Bag, verified: readonly Verified[], others: ReadonlyMap<string, readonly Measured[]>): void {
  const wall = median(verified.map((one) => one.wallMs));
  const peak = Math.max(...verified.map((one) => one.peakBytes ?? 0));
  const first = verified[0];
  const line = (name: string, looksAt: string, all: readonly Measured[]): (string | number | null)[] => {
    const own = median(all.map((one) => one.wallMs));
    return [
      name,
      looksAt,
      seconds(own),
      seconds(Math.min(...all.map((one) => one.wallMs))),
      seconds(median(all.map((one) => one.cpuMs ?? 0))),
      megabytes(Math.max(...all.map((one) => one.peakBytes ?? 0))),
      `${(wall / own).toFixed(1)} ×`,
    ];
  };
  const asked = `bytes, structure, every value, every link: ${first?.passed ?? 0} checks passed, ${first?.skipped ?? 0} do not apply`;
  console.log(
    `\n${table(
      `the same ${megabytes(bag.rawBytes)} (${bag.records.toLocaleString("en")} records in ${TABLES} linked tables)`,
      ["tool", "looks at", "wall (median)", "wall (best)", "CPU", "peak memory", "verify takes"],
      [line("restorewatch verify", asked, verified), ...[...others].map(([name, all]) => line(name, PEER_WORDS[name] ?? "bytes", all))],
    )}`,
  );
  const phases = Object.keys(first?.phases ?? {}).map(
    (phase) => `${phase} ${seconds(median(verified.map((one) => one.phases[phase] ?? 0)))}`,
  );
  console.log(`\nphases: ${phases.join(", ")}; the rest is starting the agent and its child`);
  console.log(`wall: ${beside(seconds(wall), `< ${seconds(GOAL_MS)}`, wall < GOAL_MS)}`);
  console.log(`peak memory: ${beside(megabytes(peak), `< ${megabytes(GOAL_BYTES)}`, peak < GOAL_BYTES)}`);
  for (const name of ["restic check --read-data", "borg check --verify-data"]) {
    const all = others.get(name);
    if (all === undefined) continue;
    const ratio = wall / median(all.map((one) => one.wallMs));
    console.log(`against ${name}: ${beside(`${ratio.toFixed(1)} times as long`, `< ${GOAL_RATIO}`, ratio < GOAL_RATIO)}`);
  }
}

async function verifyBag(bag: Bag): Promise<Verified> {
  const measured = await measure(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    join(ROOT, "agent/main.ts"),
    "verify",
    bag.path,
    "--output",
    "json",
  ]);
  const told = JSON.parse(measured.stdout) as {
    readonly verdict: string;
    readonly phases: Record<string, number>;
    readonly inventory: { readonly records: number } | null;
    readonly checks: readonly { readonly id: string; readonly status: string; readonly observed: string }[];
  };
  const odd = told.checks.filter((check) => check.status !== "pass" && check.status !== "skip");
  if (told.verdict !== "verified" || told.inventory?.records !== bag.records || odd.length > 0)
    throw new Error(`the bag was not verified: ${JSON.stringify(odd)}`);
  const count = (status: string): number => told.checks.filter((check) => check.status === status).length;
  return { ...measured, phases: told.phases, passed: count("pass"), skipped: count("skip") };
}

/** A bag is made once and kept; a change of what makes it makes another. */
async function cachedBag(records: number): Promise<Bag> {
  const makers = ["make-bag.ts", "../fixtures/bag/write.ts"].map((name) => readFile(new URL(name, import.meta.url)));
  const version = createHash("sha256")
    .update(Buffer.concat(await Promise.all(makers)))
    .digest("hex")
    .slice(0, 12);
  const cache = join(process.env["XDG_CACHE_HOME"] ?? tmpdir(), "restorewatch-bench");
  const folder = join(cache, `bag-${records}-${TABLES}-${version}`);
  const about = join(folder, "about.json");
  if (!(await exists(about))) {
    await mkdir(cache, { recursive: true });
    const fresh = await mkdtemp(join(cache, "making-"));
    console.log(`making a bag of ${records.toLocaleString("en")} records in ${folder} …`);
    const made = await makeBag(join(fresh, "bag"), { records, tables: TABLES, seed: 1 });
    await writeFile(join(fresh, "about.json"), JSON.stringify(made));
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  }
  const made = JSON.parse(await readFile(about, "utf8")) as { readonly records: number; readonly rawBytes: number };
  return { path: join(folder, "bag"), raw: join(folder, "raw"), ...made };
}

interface Peer {
  readonly name: string;
  run(): Promise<Measured>;
}

/** Making the repositories is not timed. */
async function preparePeers(bag: Bag): Promise<{ readonly list: readonly Peer[]; remove(): Promise<void> }> {
  const parts = (await readdir(join(bag.path, "data/tables"), { recursive: true }))
    .filter((name) => name.endsWith(".zst"))
    .sort()
    .map((name) => join(bag.path, "data/tables", name));
  const raws = parts.map((_, index) => join(bag.raw, `${index}.ndjson`));
  if (!(await exists(join(bag.raw, "whole")))) {
    await rm(bag.raw, { recursive: true, force: true });
    await mkdir(bag.raw);
    for (const [index, part] of parts.entries()) await measure("zstd", ["-dqf", part, "-o", raws[index] ?? ""]);
    await writeFile(join(bag.raw, "whole"), "");
  }
  const home = await mkdtemp(join(tmpdir(), "restorewatch-peers-"));
  const env = {
    RESTIC_REPOSITORY: join(home, "restic"),
    RESTIC_PASSWORD: "bench",
    RESTIC_CACHE_DIR: join(home, "restic-cache"),
    BORG_REPO: join(home, "borg"),
    BORG_PASSPHRASE: "bench",
    BORG_BASE_DIR: join(home, "borg-base"),
  };
  console.log("making the repositories of the peers …");
  await measure("restic", ["init", "--quiet"], { env });
  await measure("restic", ["backup", "--quiet", bag.raw], { env });
  await measure("borg", ["init", "--encryption", "repokey"], { env });
  await measure("borg", ["create", "::bench", bag.raw], { env });
  return {
    list: [
      { name: "sha256sum", run: () => measure("sha256sum", raws) },
      { name: "zstd -d", run: () => measure("zstd", ["-dqt", ...parts]) },
      { name: "restic check --read-data", run: () => measure("restic", ["check", "--read-data", "--quiet"], { env }) },
      { name: "borg check --verify-data", run: () => measure("borg", ["check", "--verify-data"], { env }) },
    ],
    remove: () => rm(home, { recursive: true, force: true }),
  };
}

async function missingTools(names: readonly string[]): Promise<string[]> {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = await Promise.all(
    names.map(async (name) => (await Promise.all(folders.map((folder) => exists(join(folder, name))))).some(Boolean)),
  );
  return names.filter((_, index) => found[index] !== true);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
