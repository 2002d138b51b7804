/** A capture of a real Node-RED is an artifact that the agent itself verifies, from the command line and without the product. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { captureSource } from "../../../agent/engine/capture/capture.ts";
import { openBagWriter } from "../../../agent/formats/bag/writer.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { sealFor } from "../../../agent/kit/seal.ts";
import { dirVaultWriter } from "../../../agent/vaults/dir/writer.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { type NodeRed, startNodeRed } from "../../servers/node-red.ts";
import { adminOf, BROKER_SECRET, production } from "./flows.ts";
import { opener as createOpener } from "./opener.ts";

const never = new AbortController().signal;
const MAIN = join(import.meta.dirname, "../../../agent/main.ts");
const opener = createOpener();

let root: string;
let live: NodeRed;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "rw-node-red-capture-"));
  await mkdir(join(root, "vault"));
  live = await startNodeRed();
  await (await adminOf(live)).deploy(production("http://127.0.0.1:1/nobody"));
});

afterAll(async () => {
  await opener.close();
  await live.stop();
  await rm(root, { recursive: true, force: true });
});

interface Verified {
  readonly verdict: string;
  readonly inventory: Readonly<Record<string, number>>;
  readonly checks: readonly { readonly id: string; readonly status: string; readonly observed: string }[];
}

test("it holds every node, credentials sealed, and nothing of it is found wanting", async () => {
  const staging = join(root, "staging");
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const result = await captureSource(
    { sourceId: "flows", platform: "node-red", prefix: "flows/", immutableMs: null, resumeWithinMs: 3_600_000 },
    opener.open(live.url, { user: live.user, password: live.password }, { userDir: live.userDir }),
    {
      clock: systemClock(),
      telemetry: memoryTelemetry(),
      openWriter: (begin) => openBagWriter(staging, begin),
      discard: () => rm(staging, { recursive: true, force: true }),
      seal: (clear) => sealFor([recipient], clear),
      vault: dirVaultWriter(join(root, "vault"), "flows/"),
    },
    never,
  );
  expect(result).toMatchObject({ records: production("").length, files: 0, changed: [] });
  const path = join(root, "vault", result.path);
  const key = join(root, "key.txt");
  await writeFile(key, identity);
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, "verify", path, "--key", key, "--output", "json"], {
    maxBuffer: 64 * 1024 * 1024,
  }).catch((thrown: unknown) => thrown as { stdout: string });
  const verified = JSON.parse(stdout) as Verified;
  expect(verified.checks.filter((check) => check.status === "fail").map((check) => `${check.id}: ${check.observed}`)).toEqual([]);
  expect(verified.inventory).toMatchObject({ collections: 5, records: production("").length, automations: 4 });
  const credentials = verified.checks.filter((check) => check.id.includes("credentials") && check.status === "pass");
  expect(credentials.length, "what was sealed opens with the key").toBeGreaterThan(0);
  const bytes = await readFile(path);
  for (const secret of [BROKER_SECRET, live.password, live.secret]) expect(bytes.includes(secret)).toBe(false);
  expect(verified.verdict, verified.checks.map((check) => `${check.id} ${check.status} ${check.observed}`).join("\n")).toBe("verified");
}, 120_000);
