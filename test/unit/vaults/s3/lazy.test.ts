import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const API = new URL("../../../../agent/vaults/api.ts", import.meta.url).href;

/** Names every module of the S3 client that is loaded while the script runs. */
const SCRIPT = `
import { registerHooks } from "node:module";
const loaded = [];
registerHooks({ resolve: (specifier, context, next) => {
  const found = next(specifier, context);
  if (/node_modules\\/@(aws-sdk|smithy)/.test(found.url)) loaded.push(found.url);
  return found;
} });
const { vaults } = await import(${JSON.stringify(API)});
const s3 = vaults.find((one) => one.type === "s3");
const vault = s3.create("v", s3.schema.parse({ bucket: "backups", endpoint: "http://127.0.0.1:9" }), { baseDir: "/", clock: { now: Date.now, monotonic: () => 0, sleep: (ms) => (ms > 5000 ? new Promise(() => {}) : Promise.resolve()) } });
const before = loaded.length;
process.env.AWS_ACCESS_KEY_ID = "a";
process.env.AWS_SECRET_ACCESS_KEY = "b";
const error = await vault.list("", { pattern: "*", signal: new AbortController().signal }).catch((thrown) => thrown);
console.log(JSON.stringify([before, loaded.length > 0, error.code]));
`;

it("the S3 client is loaded at the first call and not before; without keys it looks for them as the AWS tools do", () => {
  const said = execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", SCRIPT], {
    cwd: fileURLToPath(new URL("../../../../", import.meta.url)),
    encoding: "utf8",
    env: { AWS_EC2_METADATA_DISABLED: "true", HOME: "/nonexistent" },
  });
  expect(JSON.parse(said)).toEqual([0, true, "connection"]);
});
