/** What a source says of its live product. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { loadConfig } from "../../../agent/config/load.ts";
import { secretSchema } from "../../../agent/kit/secret.ts";
import { encode, testRegistries } from "./registries.ts";

const connectors = [
  {
    type: "nocodb",
    summary: "NocoDB, self-hosted",
    schema: z.strictObject({
      url: z.string().describe("Address of NocoDB."),
      base: z.string().describe("Id of the base."),
      token: secretSchema.describe("API token."),
      pageSize: z.int().default(1000).describe("Records a request."),
    }),
    scratchSchema: z.strictObject({ url: z.string().describe("Address."), token: secretSchema.describe("Token of the scratch place.") }),
  },
];

const load = (source: string) =>
  loadConfig({
    path: "restorewatch.yaml",
    readFile: () =>
      Promise.resolve(encode(`vaults:\n  nightly: { type: dir, path: ./b }\nsources:\n  - id: crm\n${source.replace(/^/gmu, "    ")}\n`)),
    env: { T: "planted-token" },
    registries: { ...testRegistries, connectors },
  });

async function said(source: string): Promise<string[]> {
  const thrown: unknown = await load(source).catch((error: unknown) => error);
  return thrown instanceof Error ? thrown.message.split("\n").map((line) => line.replace(/^[^ ]+ /u, "")) : [];
}

const PLATFORM = "platform: { type: nocodb, url: https://n.example.org, base: p1, token: { env: T } }";
const BACKUPS = "backups: { vault: nightly, path: crm }";

describe("a connection", () => {
  test("holds what its connector needs, with defaults, and its secrets by reference", async () => {
    const config = await load(
      `${PLATFORM}\nscratch: { url: https://s.example.org, token: { env: T } }\ncapture: { schedule: "0 2 * * *" }\nverify: { layers: [artifact, content, scratch, live], sample: { records: 7 } }\n${BACKUPS}`,
    );
    expect(config.connections).toMatchObject([
      {
        sourceId: "crm",
        platform: "nocodb",
        config: { url: "https://n.example.org", base: "p1", pageSize: 1000 },
        scratch: { url: "https://s.example.org" },
        capture: { schedule: "0 2 * * *", keepMs: null, resumeMs: 21_600_000 },
        sample: { records: 7, most: 500, apiCallsPerDay: null },
      },
    ]);
    const [first] = config.secrets;
    expect(await first?.secret.reveal()).toBe("planted-token");
    expect(config.secrets.map((secret) => secret.at)).toEqual(["sources[0].platform.token", "sources[0].scratch.token"]);
    expect(JSON.stringify(config)).not.toContain("planted-token");
  });

  test("a label alone calls nothing", async () => {
    expect((await load(`platform: { type: nocodb }\n${BACKUPS}`)).connections).toEqual([]);
  });
});

test.each([
  [
    "half a connection",
    `platform: { type: nocodb, url: https://n }\n${BACKUPS}`,
    [
      "sources[0].platform.base: is missing; mend: add it: Id of the base.",
      "sources[0].platform.token: is missing; mend: add it: API token.",
    ],
  ],
  [
    "an unknown field",
    `platform: { type: nocodb, url: https://n, bse: p1 }\n${BACKUPS}`,
    [
      "sources[0].platform.base: is missing; mend: add it: Id of the base.",
      "sources[0].platform.token: is missing; mend: add it: API token.",
      "sources[0].platform.bse: is not known here; mend: did you mean base?",
    ],
  ],
  [
    "scratch without a place for it",
    `${PLATFORM}\n${BACKUPS}\nverify: { layers: [artifact, content, scratch] }`,
    ["sources[0].verify.layers[2]: layer scratch needs a place to restore to; mend: add scratch to this source, or take scratch out"],
  ],
  [
    "an incomplete scratch",
    `${PLATFORM}\nscratch: { url: https://s, tokn: { env: T } }\n${BACKUPS}`,
    ["sources[0].scratch.token: is missing; mend: add it", "sources[0].scratch.tokn: is not known here; mend: did you mean token?"],
  ],
  [
    "a product nobody restores into",
    `platform: { type: grist }\nscratch: { url: https://s }\n${BACKUPS}`,
    ["sources[0].scratch: nothing can be restored into grist through its API by this agent; mend: take scratch out"],
  ],
  [
    "captures of a label",
    `platform: { type: nocodb }\ncapture: {}\n${BACKUPS}`,
    ["sources[0].capture: captures are made of a platform that is only named; mend: say how to reach this nocodb"],
  ],
  [
    "captures without a folder",
    `${PLATFORM}\ncapture: {}\nbackups: { vault: nightly }`,
    ["sources[0].capture: captures need a folder of their own; mend: add backups with a path that nothing else writes to"],
  ],
  [
    "a recipient that is no key",
    `${PLATFORM}\ncapture: { recipients: [AGE-SECRET-KEY-1ABC] }\n${BACKUPS}`,
    ["sources[0].capture.recipients[0]: a recipient is an age public key; mend: write it as age-keygen printed it, age1…"],
  ],
  [
    "a literal token",
    `platform: { type: nocodb, url: https://n, base: p1, token: planted-token }\n${BACKUPS}`,
    [expect.stringContaining("a secret is never written here") as string],
  ],
])("%s is told", async (_, source, lines) => {
  const told = await said(source);
  expect(told).toEqual(lines);
  expect(told.join(" ")).not.toMatch(/planted|SECRET-KEY-1ABC/u);
});
