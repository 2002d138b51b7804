/**
 * `npm run bench:peers`: the same repository of backups verified by restic, borg and Restorewatch: what each catches, how much each has
 * read after so many days at equal bytes a day, seconds a gigabyte. Options: --documents 200 · --json · --only caught,coverage,speed
 */
import { createHash } from "node:crypto";
import { access, cp, mkdir, mkdtemp, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "../../agent/kit/random.ts";
import { judged } from "./faults/measure.ts";
import { type Verifier, verifierIn } from "./faults/verify-here.ts";
import { breakDocuments, type BrokenClass } from "./peers/broken.ts";
import { type Artifact, type Corpus, writeCorpus } from "./peers/corpus.ts";
import { borgWhole, type Covered, type Life, type Reader, restorewatch, resticParts, resticPercent, simulate } from "./peers/coverage.ts";
import { borgIn, DAMAGES, damaged, flipMiddle, type Repository, resticIn } from "./peers/repositories.ts";
import { type Cell, machine, megabytes, seconds, table } from "./table.ts";

const { values: options } = parseArgs({
  options: {
    documents: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
    only: { type: "string", default: "caught,coverage,speed" },
  },
});
const documents = Number(options.documents);
if (!Number.isSafeInteger(documents) || documents < 12) throw new Error(`--documents ${options.documents} is no number of at least 12`);
const parts = options.only.split(",");
const wrong = parts.filter((part) => !["caught", "coverage", "speed"].includes(part));
if (wrong.length > 0) throw new Error(`--only ${wrong.join(", ")} is none of caught, coverage, speed`);
const tell = (line: string): void => console.error(line);

const SHARE = 0.02;
const DAYS = [30, 100, 365] as const;
const GROWTH = 0.003;
const UNITS = 1000;
/** Artifacts that bytes are flipped in. */
const TRIED = 24;

interface Row {
  readonly fault: string;
  /** By tool; null: it does not look there. */
  readonly caught: Readonly<Record<string, string | null>>;
}

interface Speed {
  readonly tool: string;
  readonly looksAt: string;
  readonly wallMs: number;
  readonly cpuMs: number | null;
  readonly secondsPerGb: number;
}

const missing = await missingTools(["restic", "borg"]);
for (const tool of missing) tell(`${tool} is missing: it is not measured (apt-get install ${tool === "borg" ? "borgbackup" : tool})`);
// Elsewhere a tool may be missing; what is told of them in CI must have been measured.
if (missing.length > 0 && !["", "0", "false"].includes(process.env["CI"] ?? "")) process.exitCode = 1;

const home = await mkdtemp(join(tmpdir(), "restorewatch-peers-"));
try {
  const folder = async (name: string): Promise<string> => {
    const path = join(home, name);
    await mkdir(path);
    return path;
  };
  const corpus = await writeCorpus(await folder("backups"), documents);
  tell(`${corpus.artifacts.length} artifacts, ${corpus.real} of them real, ${megabytes(corpus.bytes)}`);
  const verifier = verifierIn(await folder("drills"));
  const peers: Repository[] = [];
  if (!missing.includes("restic")) peers.push(await resticIn(await folder("restic-home")));
  if (!missing.includes("borg")) peers.push(await borgIn(await folder("borg-home")));
  for (const peer of peers) await peer.backup(corpus.root, "clean");

  const speed = parts.includes("speed") ? await speeds(corpus, peers, verifier) : [];
  const bytes = parts.includes("caught") ? await caughtInBytes(corpus, peers, verifier) : [];
  const broken = parts.includes("caught") ? await caughtInContent(peers, verifier, folder) : null;
  const coverage = parts.includes("coverage") ? covered(corpus) : [];
  if (options.json)
    console.log(
      JSON.stringify({ bytes: corpus.bytes, artifacts: corpus.artifacts.length, missing, caught: bytes, broken, coverage, speed }),
    );
  else print(corpus, peers, bytes, broken, coverage, speed);
} finally {
  await rm(home, { recursive: true, force: true });
}

/** The whole repository once, each tool after the other; a first round that is not counted warms the page cache. */
async function speeds(corpus: Corpus, peers: readonly Repository[], verifier: Verifier): Promise<readonly Speed[]> {
  const found: Speed[] = [];
  const add = (tool: string, looksAt: string, wallMs: number, cpuMs: number | null): void =>
    void found.push({ tool, looksAt, wallMs, cpuMs, secondsPerGb: wallMs / 1000 / (corpus.bytes / 1e9) });
  for (const peer of peers) {
    await peer.thorough.run();
    const { sound, measured } = await peer.thorough.run();
    if (!sound) throw new Error(`${peer.name} says that its fresh repository is damaged`);
    add(peer.thorough.name, "bytes, as they were given to it", measured.wallMs, measured.cpuMs);
  }
  const began = performance.now();
  const cpu = process.cpuUsage();
  for (const { path } of corpus.artifacts) await verifier.verify(path);
  const used = process.cpuUsage(cpu);
  add("restorewatch verify", "bytes, structure, every value, every link", performance.now() - began, (used.user + used.system) / 1000);
  return found;
}

/** Damage after the backup: in what the peers store, and in the artifacts as they lie in a vault. */
async function caughtInBytes(corpus: Corpus, peers: readonly Repository[], verifier: Verifier): Promise<readonly Row[]> {
  const own = corpus.artifacts.filter(({ path }) => !path.includes("/real/")).slice(0, TRIED);
  const rows: Row[] = [];
  for (const damage of DAMAGES) {
    const caught: Record<string, string | null> = {};
    for (const peer of peers) {
      const { quick, thorough } = await damaged(peer, damage);
      caught[peer.quick.name] = quick ? "yes" : "no";
      caught[peer.thorough.name] = thorough ? "yes" : "no";
    }
    const act = damage.of === "index" ? null : damage.name.includes("cut") ? cutOne : damage.name.includes("missing") ? null : flipMiddle;
    caught["restorewatch verify"] = act === null ? null : await shareCaught(own, verifier, act, false);
    caught["… with a recorded checksum"] = act === null ? null : await shareCaught(own, verifier, act, true);
    rows.push({ fault: damage.name, caught });
  }
  return rows;
}

async function cutOne(path: string): Promise<void> {
  await truncate(path, Math.floor((await stat(path)).size * 0.99));
}

async function shareCaught(
  own: readonly Artifact[],
  verifier: Verifier,
  act: (path: string) => Promise<void>,
  withSum: boolean,
): Promise<string> {
  let [caught, tried] = [0, 0];
  for (const { path } of own) {
    const copy = join(home, `damaged-${basename(path)}`);
    await cp(path, copy, { recursive: true });
    const file = (await stat(copy)).isFile();
    // A bag has its own checksums, and no file beside it speaks of a folder.
    await act(file ? copy : join(copy, "data/tables/table1/part-00000.ndjson.zst"));
    const value = file
      ? createHash("sha256")
          .update(await readFile(path))
          .digest("hex")
      : null;
    const known = withSum && value !== null ? { checksum: { algorithm: "sha256" as const, value, from: "its sidecar" } } : {};
    const { outcome } = judged(await verifier.verify(copy, { known }));
    tried += 1;
    if (outcome === "caught") caught += 1;
    await rm(copy, { recursive: true });
  }
  return `${caught} of ${tried}`;
}

/** Every kind of broken document is backed up by the peers: they are asked of a repository that holds nothing else. */
async function caughtInContent(
  peers: readonly Repository[],
  verifier: Verifier,
  folder: (name: string) => Promise<string>,
): Promise<{ readonly classes: readonly BrokenClass[]; readonly peers: Readonly<Record<string, boolean>> }> {
  const root = await folder("broken");
  const classes = await breakDocuments(root, await folder("whole"), verifier);
  const told: Record<string, boolean> = {};
  for (const peer of peers) {
    await peer.backup(root, "broken");
    told[peer.thorough.name] = !(await peer.thorough.run()).sound;
  }
  return { classes, peers: told };
}

function covered(corpus: Corpus): readonly { readonly tool: string; readonly life: string; readonly days: readonly Covered[] }[] {
  // As many as a day's share holds some of: the sampler reads whole artifacts, and never more than the share.
  const all = corpus.artifacts.map((one) => one.bytes);
  const sizes = Array.from({ length: UNITS }, (_, at) => all[at % all.length] ?? 1);
  const random = (): ReturnType<typeof seededRandom> => seededRandom(7);
  const readers: readonly (readonly [string, () => Reader])[] = [
    ["restic, another n/50 every day", () => resticParts(SHARE)],
    ["restic, 2 % at random every day", () => resticPercent(SHARE, seededRandom(11))],
    ["borg, all of it once it can be afforded", () => borgWhole()],
    ["restorewatch, the cycle", () => restorewatch("bench", false)],
    ["restorewatch, new ones first", () => restorewatch("bench", true)],
  ];
  const lives: readonly (readonly [string, Life])[] = [
    ["nothing new", { sizes, growth: 0, share: SHARE, days: DAYS }],
    ["0.3 % new a day", { sizes, growth: GROWTH, share: SHARE, days: DAYS }],
  ];
  return lives.flatMap(([life, given]) => readers.map(([tool, reader]) => ({ tool, life, days: simulate(given, reader(), random()) })));
}

function print(
  corpus: Corpus,
  peers: readonly Repository[],
  bytes: readonly Row[],
  broken: Awaited<ReturnType<typeof caughtInContent>> | null,
  coverage: ReturnType<typeof covered>,
  speed: readonly Speed[],
): void {
  console.log(machine());
  console.log(
    `${peers.map((peer) => peer.version).join(", ")}; ${corpus.artifacts.length} artifacts (${corpus.real} real), ${megabytes(corpus.bytes)}`,
  );
  const tools = Object.keys(bytes[0]?.caught ?? {});
  if (bytes.length > 0) {
    const rows = bytes.map((row): Cell[] => [row.fault, ...tools.map((tool) => row.caught[tool] ?? "does not look")]);
    console.log(
      `\n${table("damage after the backup: in a peer's own repository; for Restorewatch in artifacts as they lie in a vault", ["", ...tools], rows)}`,
    );
    console.log("\nRestorewatch reads no restic or borg repositories: what holds them must be checked by their own tools.");
    console.log("That an artifact is missing is told by its schedule (the agent), not by verify, which is given a path.");
  }
  if (broken !== null) {
    const names = Object.keys(broken.peers);
    const rows = broken.classes.map((one): Cell[] => [
      one.fault,
      ...names.map((name) => (broken.peers[name] === true ? "alarm" : `0 of ${one.documents}`)),
      `${one.alone} of ${one.documents}`,
      `${one.baseline} of ${one.documents}${one.told > 0 ? ` + ${one.told} told` : ""}`,
    ]);
    console.log(
      `\n${table("broken before the backup: bags, CSV, Grist, at the highest severity", ["", ...names, "restorewatch verify", "… --baseline"], rows)}`,
    );
    console.log("\nThe peers keep what they are given, and say rightly that it is what they were given.");
  }
  if (coverage.length > 0) {
    const rows = coverage.map((one): Cell[] => [
      `${one.tool} (${one.life})`,
      ...one.days.map((day) => `${(day.ratio * 100).toFixed(1)} %, ${day.oldest} d`),
      `${((one.days.at(-1)?.read ?? 0) * 100).toFixed(2)} %`,
    ]);
    console.log(
      `\n${table(`bytes that were read at all, and the longest wait, at ${SHARE * 100} % a day`, ["", ...DAYS.map((day) => `day ${day}`), "read a day"], rows)}`,
    );
    console.log(
      `\nSimulated over ${UNITS.toLocaleString("en")} units of the sizes above: packs for restic, artifacts for Restorewatch. borg's partial checks (--max-duration) verify CRC32 only.`,
    );
  }
  if (speed.length > 0) {
    const rows = speed.map((one): Cell[] => [
      one.tool,
      one.looksAt,
      seconds(one.wallMs),
      one.cpuMs === null ? null : seconds(one.cpuMs),
      `${one.secondsPerGb.toFixed(1)} s`,
      one.cpuMs === null ? null : `${(one.cpuMs / 1000 / (corpus.bytes / 1e9)).toFixed(1)} s`,
    ]);
    console.log(
      `\n${table(`the whole of ${megabytes(corpus.bytes)} once`, ["tool", "looks at", "wall", "CPU", "wall a GB", "CPU a GB"], rows)}`,
    );
    console.log("\nRestorewatch within one process; a drill child of its own for each artifact, as the agent has it, comes on top.");
  }
}

async function missingTools(names: readonly string[]): Promise<string[]> {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const there = await Promise.all(
    names.map(async (name) => {
      const tried = folders.map((path) =>
        access(join(path, name)).then(
          () => true,
          () => false,
        ),
      );
      return (await Promise.all(tried)).some(Boolean);
    }),
  );
  return names.filter((_, index) => there[index] !== true);
}
