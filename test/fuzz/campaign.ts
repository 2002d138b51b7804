/**
 * Rounds of fuzzing one format. Round `n` of seed `s` is the same mutation everywhere and always; whatever comes out of it, the reader
 * opens it, tells that it is damaged, or meets a limit, soon; and a drill never verifies what its own checksums contradict.
 */
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { seededRandom } from "../../agent/kit/random.ts";
import { chooseMutation } from "./mutate.ts";
import { at, pick } from "./pick.ts";
import { drillArtifact, readArtifact } from "./reading.ts";
import { type Files, type Seed, seedsOf } from "./seeds.ts";

/** Ends in an artifact's fault or a limit of ours; a password on a zip is `auth`. */
const ALLOWED = new Set(["opened", "damaged", "limit", "unsupported", "auth"]);
/** Far more than any round takes. */
const MOST_MS = 15_000;

export interface Round {
  readonly round: number;
  readonly seed: string;
  readonly mutation: string;
  /** `damaged`, `limit`, …; `neutral`: reads as the clean one does; `caught`: the drill does not verify it; `unseen`: it does. */
  readonly result: string;
  readonly told: string;
  readonly ms: number;
  /** What must not happen, or null. */
  readonly violation: string | null;
}

export interface Campaign {
  run(round: number): Promise<Round>;
  /** The mutated artifact, as it would be written. */
  artifact(round: number): Files;
  close(): Promise<void>;
}

interface Clean {
  readonly digest: string | null;
  readonly verified: boolean;
  readonly records: number | null;
}

export async function startCampaign(format: string, seedNumber: number): Promise<Campaign> {
  const seeds = await seedsOf(format);
  const home = await mkdtemp(join(tmpdir(), `rw-fuzz-${format}-`));
  const work = join(home, "work");
  await mkdir(work);
  const clean = new Map<Seed, Clean>();

  const prepare = (round: number): { seed: Seed; mutation: string; files: Files } => {
    const random = seededRandom(seedNumber * 1_000_003 + round);
    const seed = pick(random, seeds);
    const files = new Map(seed.files);
    const names: string[] = [];
    // More than one fault at a time finds the paths that follow a first fault; one at a time tells which is seen.
    for (let left = random.next() < 0.75 ? 1 : 2 + at(random, 3); left > 0; left -= 1) {
      const path = pick(random, [...files.keys()]);
      if (path !== "" && random.next() < 0.04) {
        names.push(`${path} removed`);
        files.delete(path);
        if (files.size === 0) break;
        continue;
      }
      const mutation = chooseMutation(seed.kindOf(path), random);
      names.push(mutation.name);
      files.set(path, mutation.apply(files.get(path) ?? Buffer.alloc(0), random));
    }
    return { seed, mutation: names.join(" + "), files: seed.finish === null ? files : seed.finish(files) };
  };

  const cleanOf = async (seed: Seed): Promise<Clean> => {
    const known = clean.get(seed);
    if (known !== undefined) return known;
    const path = await write(join(home, "clean"), seed.finish === null ? seed.files : seed.finish(seed.files));
    const read = await readArtifact(format, path, work, seed.key);
    const drilled = await drillArtifact(format, path, home, seed.key);
    await rm(path, { recursive: true });
    if (read.outcome !== "opened" || drilled.defects.length > 0)
      throw new Error(`${seed.name} does not even open clean: ${read.told} ${drilled.defects.join(" ")}`);
    const found = { digest: read.digest, verified: drilled.verdict === "verified", records: drilled.records };
    clean.set(seed, found);
    return found;
  };

  return {
    artifact: (round) => prepare(round).files,
    async run(round) {
      const { seed, mutation, files } = prepare(round);
      const before = await cleanOf(seed);
      const path = await write(join(home, "mutated"), files);
      const began = performance.now();
      const done = (result: string, told: string, violation: string | null): Round => {
        const ms = performance.now() - began;
        const slow = ms > MOST_MS ? `took ${Math.round(ms)} ms` : null;
        return { round, seed: seed.name, mutation, result, told, ms, violation: violation ?? slow };
      };
      try {
        const read = await readArtifact(format, path, work, seed.key);
        const left = await readdir(work);
        if (left.length > 0) {
          await rm(work, { recursive: true });
          await mkdir(work);
          return done(read.outcome, read.told, `left ${left.join(", ")} behind`);
        }
        if (!ALLOWED.has(read.outcome)) return done(read.outcome, read.told, `${read.outcome}: ${read.told}`);
        if (/\n/u.test(read.told)) return done(read.outcome, read.told, `more than one line: ${read.told}`);
        if (read.outcome === "opened" && read.digest === before.digest && read.complete) return done("neutral", read.told, null);
        // What is read as broken is drilled now and then: the verdict has to say so too.
        if (!(read.outcome === "opened" && read.complete) && round % 8 > 0) return done(read.outcome, read.told, null);
        const drilled = await drillArtifact(format, path, home, seed.key);
        const [defect] = drilled.defects;
        if (defect !== undefined) return done("defect", read.told, defect);
        if (drilled.verdict !== "verified")
          return done(read.outcome === "opened" ? "caught" : read.outcome, drilled.reasons[0] ?? "", null);
        if (read.outcome !== "opened" || !read.complete)
          return done("false verdict", read.told, `verified although ${read.outcome}: ${read.told}`);
        if (seed.covered) return done("false verdict", read.told, "verified although its own checksums cover what was changed");
        return done(before.verified ? "unseen" : "mended", `${drilled.records} records, ${before.records} before`, null);
      } finally {
        await rm(path, { recursive: true, force: true });
      }
    },
    close: () => rm(home, { recursive: true, force: true }),
  };
}

/** @returns the path of the artifact: `place` itself */
async function write(place: string, files: Files): Promise<string> {
  const only = files.get("");
  if (only !== undefined) {
    await writeFile(place, only);
    return place;
  }
  await mkdir(place, { recursive: true });
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(place, path)), { recursive: true });
    await writeFile(join(place, path), bytes);
  }
  return place;
}

/** Descriptors this process holds open, or null where the system does not tell. */
export function openDescriptors(): number | null {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : null;
}

/** For putting a found artifact aside. */
export async function saveArtifact(files: Files, place: string): Promise<string> {
  await unlink(place).catch(() => undefined);
  return write(place, files);
}
