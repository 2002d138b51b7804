/** A capture of a real NocoDB is an artifact that the agent itself verifies, from the command line and without the product. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { captureSource } from "../../../agent/engine/capture/capture.ts";
import { openBagWriter } from "../../../agent/formats/bag/writer.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { dirVaultWriter } from "../../../agent/vaults/dir/writer.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { type Opener, openerOf } from "./opener.ts";
import { HEADER_SECRET, type NocoShop, startShop } from "./shop.ts";

const never = new AbortController().signal;
const MAIN = join(import.meta.dirname, "../../../agent/main.ts");

let root: string;
let shop: NocoShop;
let opener: Opener;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "rw-nocodb-capture-"));
  await mkdir(join(root, "vault"));
  shop = await startShop();
  opener = openerOf(shop.noco.url);
});

afterAll(async () => {
  await opener.close();
  await shop.stop();
  await rm(root, { recursive: true, force: true });
});

interface Verified {
  readonly verdict: string;
  readonly inventory: Readonly<Record<string, number>>;
  readonly checks: readonly { readonly id: string; readonly status: string; readonly observed: string }[];
}

test("it holds everything that was counted, and nothing of it is found wanting", async () => {
  const staging = join(root, "staging");
  const result = await captureSource(
    { sourceId: "shop", platform: "nocodb", prefix: "shop/", immutableMs: null, resumeWithinMs: 3_600_000 },
    opener.open(shop.noco.token, shop.base),
    {
      clock: systemClock(),
      telemetry: memoryTelemetry(),
      openWriter: (begin) => openBagWriter(staging, begin),
      discard: () => rm(staging, { recursive: true, force: true }),
      seal: null,
      vault: dirVaultWriter(join(root, "vault"), "shop/"),
    },
    never,
  );
  expect(result).toMatchObject({ records: 58, files: 1, changed: [] });
  const path = join(root, "vault", result.path);
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, "verify", path, "--output", "json"], {
    maxBuffer: 64 * 1024 * 1024,
  }).catch((thrown: unknown) => thrown as { stdout: string });
  const verified = JSON.parse(stdout) as Verified;
  expect(verified.checks.filter((check) => check.status === "fail").map((check) => `${check.id}: ${check.observed}`)).toEqual([]);
  expect(verified.verdict).toBe("verified");
  expect(verified.inventory).toMatchObject({ collections: 5, records: 58, automations: 1, files: 1 });
  expect(stdout).not.toContain(HEADER_SECRET);
}, 120_000);
