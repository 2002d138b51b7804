import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../../agent/config/load.ts";
import { errorOf, FIXTURES, loadFixture, loadText } from "./load-fixture.ts";
import { encode, testRegistries } from "./registries.ts";

const names = readdirSync(FIXTURES);
const bad = names.filter((name) => name.endsWith(".bad.yaml"));

describe("a configuration that is not valid", () => {
  test.each(bad)("%s is refused with exactly the lines beside it", async (name) => {
    const error = await errorOf(loadFixture(name));
    expect({ kind: error.kind, code: error.code }).toEqual({ kind: "config", code: "config-invalid" });
    expect(error.message.split("\n")).toEqual(
      readFileSync(`${FIXTURES}${name.replace(".yaml", ".txt")}`, "utf8")
        .trimEnd()
        .split("\n"),
    );
  });

  test("every fixture has its lines, each with a mend, and none repeats the planted secret", () => {
    expect(bad.length).toBeGreaterThanOrEqual(35);
    const texts = names.filter((name) => name.endsWith(".txt"));
    expect(texts.map((name) => name.replace(".txt", ".yaml"))).toEqual(bad);
    const lines = texts.flatMap((name) =>
      readFileSync(FIXTURES + name, "utf8")
        .trimEnd()
        .split("\n"),
    );
    expect(lines.filter((line) => !/^[\w-]+\.bad\.yaml(:\d+:\d+)?( \S+)?: .+; mend: .+$/u.test(line))).toEqual([]);
    expect(lines.filter((line) => /hunter/iu.test(line))).toEqual([]);
  });
});

const loadFile = (path: string) => loadConfig({ path, readFile: (at) => readFile(at), env: {}, registries: testRegistries });

const failing = (code: string) =>
  errorOf(
    loadConfig({
      path: "conf/restorewatch.yaml",
      readFile: () => Promise.reject(Object.assign(new Error("no"), { code })),
      env: {},
      registries: testRegistries,
    }),
  ).then((error) => error.message);

describe("a file that cannot be read", () => {
  test.each([
    [
      "ENOENT",
      "conf/restorewatch.yaml: there is no such file; mend: write its right path, or run: restorewatch init conf/restorewatch.yaml",
    ],
    ["EISDIR", "conf/restorewatch.yaml: is a folder; mend: name the file in it"],
    ["EACCES", "conf/restorewatch.yaml: may not be read; mend: give the agent's user permission to read it"],
    ["EIO", "conf/restorewatch.yaml: cannot be read (EIO); mend: see whether other programs can read it"],
  ])("%s", async (code, message) => {
    expect(await failing(code)).toBe(message);
  });

  test("a real folder and a real missing file say so", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rw-config-"));
    try {
      expect((await errorOf(loadFile(folder))).message).toBe(`${folder}: is a folder; mend: name the file in it`);
      expect((await errorOf(loadFile(join(folder, "x.yaml")))).message).toContain("there is no such file");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("a file of more than 1 MiB is not parsed", async () => {
    expect((await errorOf(loadText(`#${"x".repeat(2 ** 20)}`))).message).toBe(
      "restorewatch.yaml: is larger than 1 MiB; mend: name the configuration file, not a backup",
    );
  });

  test("deep nesting and a byte order mark neither crash nor confuse", async () => {
    expect((await errorOf(loadText("[".repeat(20_000)))).code).toBe("config-invalid");
    const text = readFileSync(`${FIXTURES}minimal.good.yaml`, "utf8");
    expect((await loadText(`\uFEFF${text}`)).sources).toHaveLength(1);
  });
});

describe("a configuration that is valid", () => {
  test("the smallest gets every default", async () => {
    const config = await loadFixture("minimal.good.yaml");
    expect(config.sources).toEqual([
      {
        id: "crm",
        platform: "grist",
        owner: null,
        domain: "default",
        tier: "standard",
        data: { retentionMs: null, classification: null },
        objectives: { rpoMs: null, rtoMs: null, verifyMs: 7 * 86_400_000 },
        backups: {
          vaultId: "nightly",
          path: "crm",
          pattern: "*",
          format: "auto",
          everyMs: null,
          jitterMs: 0,
          settleMs: 60_000,
          retentionMs: null,
          minPoints: null,
          immutableMs: null,
          key: null,
        },
        anomalies: { falseAlarmsPerYear: 2, suppress: [], toldPerDay: 10 },
        pollMs: 60_000,
        verify: {
          layers: ["artifact", "content"],
          baseline: { accept: [], removedShare: 0.05 },
          coverWithinMs: 30 * 86_400_000,
          keepDifferencesMs: 7 * 86_400_000,
          repeatMs: 7 * 86_400_000,
          history: 2,
          critical: [],
          limits: {
            memoryMb: 256,
            diskMb: 4000,
            threads: 2,
            timeMs: 600_000,
            maxBytes: 20e9,
            maxEntries: 100_000,
            maxRatio: 200,
            maxDepth: 200,
          },
        },
      },
    ]);
    expect(config).toMatchObject({
      statePath: join(process.cwd(), "restorewatch.db"),
      evidenceDir: join(process.cwd(), "evidence"),
      workDir: join(process.cwd(), "restorewatch-work"),
      http: { host: "127.0.0.1", port: 9464, runsToken: null },
      telemetry: { otlpEndpoint: null, exportEveryMs: null, headers: {}, environment: "production", serviceName: "restorewatch" },
      agent: { pollConcurrency: 4, drillConcurrency: 1, retentionMs: 400 * 86_400_000 },
      vaults: [{ id: "nightly", type: "dir", config: { path: "./backups", followLinks: false } }],
      calendars: [],
      secrets: [],
      warnings: [],
    });
  });

  test("the environment says where to tell where the configuration does not", async () => {
    const at = (endpoint: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    expect((await loadFixture("minimal.good.yaml", at("http://collector:4318"))).telemetry.otlpEndpoint).toBe("http://collector:4318");
    expect((await loadFixture("minimal.good.yaml", at(""))).telemetry.otlpEndpoint).toBeNull();
    expect((await loadFixture("everything.good.yaml", at("http://collector:4318"))).telemetry.otlpEndpoint).toBe(
      "https://otel.example.org/base",
    );
    await expect(loadFixture("minimal.good.yaml", at("collector:4318"))).rejects.toThrow(
      "OTEL_EXPORTER_OTLP_ENDPOINT in the environment: must be an http:// or https:// address; mend: write it so",
    );
    const every = (ms: string) => loadFixture("minimal.good.yaml", { OTEL_METRIC_EXPORT_INTERVAL: ms });
    expect((await every("5000")).telemetry.exportEveryMs).toBe(5000);
    await expect(every("5s")).rejects.toThrow("OTEL_METRIC_EXPORT_INTERVAL in the environment: must be milliseconds from 1000 to 60000");
  });

  test("everything that can be written comes out in the agent's units", async () => {
    const config = await loadFixture("everything.good.yaml");
    expect(config.http).toMatchObject({ host: "::1", port: 9500 });
    expect(config.telemetry).toMatchObject({
      otlpEndpoint: "https://otel.example.org/base",
      environment: "staging",
      serviceName: "rw-1",
    });
    expect(config.vaults[1]).toMatchObject({ id: "off-site", type: "bucket", config: { bucket: "backups" } });
    expect(config.sources[0]).toMatchObject({
      owner: { team: "sales-ops", contact: "#sales-ops" },
      objectives: { rpoMs: 26 * 3_600_000, rtoMs: 5_400_000, verifyMs: 3 * 86_400_000 },
      data: { retentionMs: 40 * 86_400_000, classification: "personal" },
      backups: { path: "nocode/crm", jitterMs: 7_200_000, settleMs: 0, minPoints: 30, immutableMs: 7 * 86_400_000 },
      pollMs: 300_000,
      verify: {
        layers: ["artifact", "content"],
        critical: [
          { collection: "Deals", key: "1042" },
          { collection: "Files", key: "a/b.txt" },
        ],
        limits: { memoryMb: 512, diskMb: 1073, threads: 1, timeMs: 90_000, maxBytes: 2.5e9, maxEntries: 10, maxRatio: 20, maxDepth: 30 },
      },
    });
    expect(config.sources[1]?.backups).toMatchObject({ path: "", pattern: "*", format: "auto" });
    expect(config.calendars).toEqual([
      { kind: "smoke", schedule: "30 5 * * 1", timezone: "Europe/Berlin", rotate: "domain" },
      { kind: "deep", schedule: "0 6 1 1,4,7,10 *", timezone: "UTC", rotate: "all" },
    ]);
    expect(config.secrets.map(({ at, secret }) => `${at}: ${secret.describe()}`)).toEqual([
      "telemetry.otlp.headers.authorization: environment variable OTLP_AUTH",
      "http.runs.token: file ./token",
      "vaults.off-site.secretKey: command op",
      "sources[0].backups.key: environment variable CRM_KEY",
    ]);
  });

  test("jitter is a quarter of every, and repeat no longer than what was promised", async () => {
    const config = await loadText(`
vaults: { v: { type: dir, path: . } }
sources:
  - { id: a, platform: { type: grist }, objectives: { verify: 2d }, backups: { vault: v, every: 8h } }
`);
    expect(config.sources[0]).toMatchObject({ backups: { jitterMs: 7_200_000 }, verify: { repeatMs: 2 * 86_400_000 } });
  });

  test("takes a bucket in every way it can be written down, plain http only to this machine or where it is allowed", async () => {
    const config = await loadFixture("s3-vault.good.yaml");
    expect(config.warnings).toEqual([]);
    const kept = {
      type: "s3",
      config: { region: "us-east-1", prefix: "", objectLock: "compliance", pageSize: 1000, maxArtifacts: 50_000 },
    };
    expect(config.vaults).toMatchObject([
      { ...kept, id: "aws", config: { ...kept.config, region: "eu-central-1" } },
      { id: "own", config: { prefix: "no code/ü/", pathStyle: true, objectLock: "governance", pageSize: 500, maxArtifacts: 100_000 } },
      { id: "here", config: { endpoint: "http://127.0.0.1:7070", allowPlain: false } },
      { ...kept, id: "there", config: { ...kept.config, allowPlain: true } },
    ]);
    expect(config.secrets.map(({ at }) => at).filter((at) => at.startsWith("vaults.own"))).toHaveLength(3);
  });

  test("aliases share parts, and sources may share a folder by pattern", async () => {
    const config = await loadFixture("anchors.good.yaml");
    expect(config.sources.map((source) => source.objectives.rpoMs)).toEqual([36 * 3_600_000, 36 * 3_600_000]);
  });

  test("a source without a backup can be said, stands apart from those that are polled, and is warned of", async () => {
    const config = await loadText(`vaults: { nightly: { type: dir, path: ./backups } }
sources:
  - { id: crm, platform: { type: grist }, backups: { vault: nightly, path: crm } }
  - { id: wiki, platform: { type: notion }, owner: { team: docs }, objectives: { rpo: 24h }, data: { classification: internal } }
`);
    expect(config.sources.map((source) => source.id)).toEqual(["crm"]);
    expect(config.uncovered).toMatchObject([
      { id: "wiki", platform: "notion", owner: { team: "docs" }, objectives: { rpoMs: 86_400_000 }, data: { classification: "internal" } },
    ]);
    expect(config.uncovered[0]).not.toHaveProperty("backups");
    expect(config.warnings).toEqual([
      "restorewatch.yaml:4:5 sources[1]: has no backups, so nothing of it is polled or verified; mend: say under backups in which vault they lie, once there are any",
    ]);
  });

  test("what is allowed but doubtful is warned of, in the order of the file", async () => {
    const config = await loadFixture("warnings.good.yaml");
    expect(config.warnings.map((line) => line.replace(/; mend:.*/u, ""))).toEqual([
      "warnings.good.yaml:1:17 http.listen: whoever reaches this address can read every page",
      "warnings.good.yaml:4:3 vaults.spare: no source uses this vault",
      "warnings.good.yaml:8:24 sources[0].objectives.rpo: 4h is shorter than backups.every (24h), so it is missed before each backup",
      "warnings.good.yaml:9:81 sources[0].backups.immutable: 30d is longer than retention (7d), so old backups cannot be removed in time",
      "warnings.good.yaml:10:11 sources[0].poll: 6h is longer than objectives.rpo, so a breach is seen late",
      "warnings.good.yaml:11:23 sources[0].verify.repeat: 7d is longer than objectives.verify (1d), so it is missed when no new backup comes",
    ]);
  });

  test("the hash follows the settings, not the layout of the file, its defaults or its comments", async () => {
    const text = readFileSync(`${FIXTURES}minimal.good.yaml`, "utf8");
    const { hash } = await loadText(text);
    expect(hash).toMatch(/^[0-9a-f]{64}$/u);
    expect((await loadText(`# a comment\nagent: { drillConcurrency: 1 }\n${text}`)).hash).toBe(hash);
    expect((await loadText(`agent: { drillConcurrency: 2 }\n${text}`)).hash).not.toBe(hash);
  });

  test("secrets are found beside the file, and printing the whole configuration shows none", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rw-config-"));
    try {
      const path = join(folder, "restorewatch.yaml");
      await writeFile(join(folder, "token"), "s3cret-token\n");
      await writeFile(path, readFileSync(`${FIXTURES}everything.good.yaml`));
      const env = { CRM_KEY: "s3cret-key", OTLP_AUTH: "s3cret-auth" };
      const config = await loadConfig({ path, readFile: (at) => readFile(at), env, registries: testRegistries });
      expect(await config.http.runsToken?.reveal()).toBe("s3cret-token");
      expect(await config.sources[0]?.backups.key?.reveal()).toBe("s3cret-key");
      const printed = `${inspect(config, { depth: 12, showHidden: true })}${JSON.stringify(config)}`;
      expect(printed).toContain("[redacted]");
      expect(printed).not.toContain("s3cret");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("a secret written where only a reference may stand", () => {
  const places = [
    (secret: string) => `http: { runs: { token: ${secret} } }`,
    (secret: string) => `telemetry: { otlp: { endpoint: "http://127.0.0.1:4318", headers: { authorization: ${secret} } } }`,
    (secret: string) => `telemetry: { otlp: { endpoint: ${secret} } }`,
    (secret: string) => `http:\n  runs:\n    token:\n      env: A\n      value: ${secret}`,
    (secret: string) => `http:\n  runs:\n    token: { ${secret}: x }`,
    (secret: string) => `http:\n  runs:\n    token: [${secret}]`,
    (secret: string) => `vaults: { v: { type: bucket, bucket: b, secretKey: ${secret} } }`,
    (secret: string) => `sources:\n  - { id: a, platform: { type: grist }, backups: { vault: v, key: ${secret} } }`,
    (secret: string) => `password: ${secret}`,
    (secret: string) => `vaults: { v: { type: dir, path: ., password: ${secret} } }`,
    (secret: string) => `token: "${secret}`,
    (secret: string) => `token: {${secret}`,
    (secret: string) => `token: *${secret}`,
    (secret: string) => `token: !${secret} x`,
    (secret: string) => `  token: ${secret}\n bad: [${secret}: ]}`,
  ];
  const word = fc.stringMatching(/^[a-z0-9]{6,20}$/u).map((tail) => `zq${tail}`);
  const plain = fc.tuple(word, fc.constantFrom("", ":", "'", '"', "\\", " ", "#", "%", "&", "-----BEGIN")).map(([a, b]) => `${a}${b}${a}`);
  const written = fc.oneof(
    plain,
    plain.map((secret) => JSON.stringify(secret)),
  );

  test("is never repeated by the error", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), written, async (place, secret) => {
        const error = await errorOf(loadText(`${place(secret)}\n`));
        const core = /zq[a-z0-9]{6,20}/u.exec(secret)?.[0] ?? secret;
        expect(`${error.message}${error.stack ?? ""}${inspect(error.cause)}`.includes(core)).toBe(false);
      }),
      { numRuns: 400, seed: 11 },
    );
  });

  test("any bytes at all are either loaded or refused in one-line problems", async () => {
    const start = "vaults: { v: { type: dir, path: . } }\n";
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 60 }), async (tail) => {
        const outcome = await loadConfig({
          path: "f.yaml",
          readFile: async () => encode(start + tail),
          env: {},
          registries: testRegistries,
        }).catch((error: unknown) => error);
        expect(outcome).toMatchObject({ kind: "config" });
        for (const line of (outcome as Error).message.split("\n")) expect(line).toMatch(/^f\.yaml(:\d+:\d+)?.*; mend: /u);
      }),
      { numRuns: 300, seed: 5 },
    );
  });
});
