import { expect, test } from "vitest";
import { type ConfigDiff, diffConfig } from "../../../agent/config/diff.ts";
import { loadText } from "./load-fixture.ts";

const BASE = `
http: { listen: 127.0.0.1:9464, runs: { token: { env: TOKEN } } }
vaults:
  nightly: { type: dir, path: ./a }
  cloud: { type: bucket, bucket: b, secretKey: { env: KEY } }
sources:
  - { id: crm, platform: { type: grist }, backups: { vault: nightly, path: crm } }
  - { id: hr, platform: { type: grist }, backups: { vault: cloud, path: hr, key: { env: HR_KEY } } }
drills: { smoke: {} }
`;
const NOTHING: ConfigDiff = {
  sources: { added: [], removed: [], changed: [] },
  vaults: { added: [], removed: [], changed: [] },
  calendars: { added: [], removed: [], changed: [] },
  settings: [],
  restart: [],
  unchanged: true,
};
const none = { added: [], removed: [], changed: [] };

test.each<[string, (text: string) => string, Partial<ConfigDiff>]>([
  ["a comment changes nothing", (text) => `# new\n${text}`, {}],
  ["defaults written out change nothing", (text) => `${text}agent: { pollConcurrency: 4 }\n`, {}],
  ["a source renamed", (text) => text.replace("id: hr", "id: people"), { sources: { added: ["people"], removed: ["hr"], changed: [] } }],
  ["a source's path", (text) => text.replace("path: crm", "path: crm2"), { sources: { ...none, changed: ["crm"] } }],
  ["a source's secret in another place", (text) => text.replace("HR_KEY", "HR_KEY_2"), { sources: { ...none, changed: ["hr"] } }],
  ["a vault's folder", (text) => text.replace("./a", "./b"), { vaults: { ...none, changed: ["nightly"] } }],
  ["a vault's secret in another place", (text) => text.replace("env: KEY", "file: ./key"), { vaults: { ...none, changed: ["cloud"] } }],
  ["a calendar added", (text) => text.replace("smoke: {}", "smoke: {}, deep: {}"), { calendars: { ...none, added: ["deep"] } }],
  ["the token in another place", (text) => text.replace("TOKEN", "TOKEN_2"), { settings: ["http.runs"] }],
  ["how much at once", (text) => `${text}agent: { drillConcurrency: 2 }\n`, { settings: ["agent.drillConcurrency"] }],
  ["the address", (text) => text.replace("9464", "9465"), { restart: ["http.listen"] }],
  [
    "where things lie",
    (text) => `${text}state: { sqlite: x.db }\nevidence: { directory: ./proof }\nagent: { workDirectory: ./w }\n`,
    { restart: ["state.sqlite", "evidence.directory", "agent.workDirectory"] },
  ],
  ["what it is called", (text) => `${text}telemetry: { service: { name: rw } }\n`, { restart: ["telemetry.service"] }],
])("%s", async (_name, edit, expected) => {
  const diff = diffConfig(await loadText(BASE), await loadText(edit(BASE)));
  expect(diff).toEqual({ ...NOTHING, ...expected, unchanged: Object.keys(expected).length === 0 });
});
