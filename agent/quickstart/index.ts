/**
 * The quickstart: 45 days of nightly backups of five sources with run reports, made in a folder of its own, and a configuration
 * that watches them. The agent runs on it as on anything real. Made again only for nights that are not there yet, so what a person
 * broke by hand stays broken.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../kit/random.ts";
import { buildingCredentials, buildingFlows } from "./flows.ts";
import { writeGristDocument } from "./grist-document.ts";
import { shopOn } from "./invent.ts";
import { writeNodeRedDirectory } from "./node-red-directory.ts";
import { dayNumber, nightName, nightsUntil, startOfBackup } from "./nights.ts";
import { quickstartConfig } from "./config.ts";
import { type Damage, shopDocument } from "./shop-document.ts";

export interface Quickstart {
  readonly directory: string;
  readonly configPath: string;
  /** Backups written now; 0 when all were there. */
  readonly written: number;
}

const NIGHTS = 45;
const LATE_NIGHTS = 3;
const COLLAPSED_NIGHTS = 2;
/** Not a secret: it encrypts invented logins, and the configuration refers to it as to a real one. */
const SECRET = "quickstart-credential-secret";
const OTHER_SECRET = "a-secret-nobody-wrote-down";

interface Written {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string | null;
  readonly records: number;
}

/** @param now decides which nights there are; the same night always gets the same bytes */
export function ensureQuickstart(directory: string, now: number): Quickstart {
  const vault = join(directory, "backups");
  const ledger = join(directory, "nights.json");
  mkdirSync(vault, { recursive: true });
  writeOnce(join(directory, "node-red.key"), SECRET);
  const configPath = join(directory, "restorewatch.yaml");
  writeOnce(configPath, quickstartConfig());
  const done = new Set(existsSync(ledger) ? (JSON.parse(readFileSync(ledger, "utf8")) as { nights: number[] }).nights : []);
  const nights = nightsUntil(now, NIGHTS);
  const first = done.size > 0;
  let written = 0;
  for (const [index, night] of nights.entries()) {
    if (done.has(night)) continue;
    const age = nights.length - 1 - index;
    written += writeNight(vault, night, age, first);
    done.add(night);
  }
  writeFileSync(`${ledger}.tmp`, JSON.stringify({ nights: [...done].sort((a, b) => a - b) }));
  renameSync(`${ledger}.tmp`, ledger);
  return { directory, configPath, written };
}

/** @param later the quickstart was made on an earlier day: what was late or broken then stays so */
function writeNight(vault: string, night: number, age: number, later: boolean): number {
  const day = dayNumber(night) % 10_000;
  const backups: [source: string, extension: string, write: (path: string) => { readonly records: number }][] = [
    ["healthy", ".grist", (path) => writeShop(path, 11, 220, day, null)],
    ["collapsed", ".grist", (path) => writeShop(path, 23, 1500, day, age < COLLAPSED_NIGHTS || later ? "collapsed" : null)],
    ["broken", ".grist", (path) => writeShop(path, 37, 260, day, age === 0 || later ? "broken" : null)],
    ["locked", "", (path) => writeBuilding(path, 9, day, age === 0 || later ? OTHER_SECRET : SECRET, night)],
  ];
  if (age >= LATE_NIGHTS && !later) backups.push(["late", "", (path) => writeBuilding(path, 6, day, SECRET, night)]);
  for (const [source, extension, write] of backups) {
    const folder = join(vault, source);
    mkdirSync(folder, { recursive: true });
    const name = `${nightName(night)}${extension}`;
    const path = join(folder, name);
    const { records } = write(path);
    report(folder, name, night, describe(path, records), seededRandom(day * 7 + source.length).next());
  }
  return backups.length;
}

function writeShop(path: string, seed: number, orders: number, day: number, damage: Damage | null): { readonly records: number } {
  const data = shopOn(seed, day % 365, { customers: 60, orders, openedAt: Date.UTC(2025, 0, 1) });
  const document = shopDocument(data, damage);
  writeGristDocument(path, document);
  return { records: document.tables.reduce((sum, table) => sum + table.rows.length, 0) };
}

function writeBuilding(path: string, rooms: number, day: number, secret: string, night: number): { readonly records: number } {
  const flows = buildingFlows(rooms, day);
  const ivHex = createHash("sha256").update(path.split("/").slice(-2).join("/")).digest("hex").slice(0, 32);
  writeNodeRedDirectory(path, {
    flows,
    credentials: buildingCredentials("invented"),
    credentialSecret: secret,
    ivHex,
    modules: { "node-red-node-email": "5.2.0" },
    modifiedAt: startOfBackup(night),
  });
  return { records: flows.length };
}

/** Size and, for a file, digest, as a backup job would know them. */
function describe(path: string, records: number): Written {
  const directory = !path.endsWith(".grist");
  if (directory)
    return {
      path,
      bytes: ["flows.json", "flows_cred.json", "package.json"].reduce((sum, name) => sum + readFileSync(join(path, name)).length, 0),
      sha256: null,
      records,
    };
  const bytes = readFileSync(path);
  return { path, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex"), records };
}

/** A run report beside the artifact, as `restorewatch record` would leave it; durations vary a little from night to night. */
function report(folder: string, name: string, night: number, written: Written, chance: number): void {
  const started = startOfBackup(night);
  const finished = started + Math.round(20_000 + written.bytes / 20 + chance * 15_000);
  const document = {
    started: new Date(started).toISOString(),
    finished: new Date(finished).toISOString(),
    outcome: "success",
    bytes: written.bytes,
    items: { records: written.records },
    artifact: name,
    ...(written.sha256 === null ? {} : { sha256: written.sha256 }),
  };
  const sidecar = join(folder, `${name}.run.json`);
  writeFileSync(sidecar, `${JSON.stringify(document, null, 2)}\n`);
  for (const path of [sidecar, join(folder, name)]) utimesSync(path, finished / 1000, finished / 1000);
}

function writeOnce(path: string, text: string): void {
  if (!existsSync(path)) writeFileSync(path, text, { mode: 0o600 });
}
