/** A process whose receiver hangs ends by itself, in time, with nothing left that holds it. */
import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { otlpReceiver } from "../../doubles/otlp-receiver.ts";

const program = (endpoint: string): string => `
  const { createTelemetry } = await import(${JSON.stringify(new URL("../../../agent/telemetry/instrument.ts", import.meta.url).href)});
  const { systemClock } = await import(${JSON.stringify(new URL("../../../agent/kit/clock.ts", import.meta.url).href)});
  const { systemRandom } = await import(${JSON.stringify(new URL("../../../agent/kit/random.ts", import.meta.url).href)});
  const agent = createTelemetry({
    service: { name: "restorewatch", version: "0.0.0", instanceId: "one", environment: null },
    clock: systemClock(), random: systemRandom(), log: { level: "info", write: (line) => process.stdout.write(line) },
  });
  await agent.start({ endpoint: ${JSON.stringify(endpoint)}, headers: {} });
  await agent.telemetry.span("restore.drill", {}, async () => agent.telemetry.log("info", "hello"));
  const before = performance.now();
  await agent.stop();
  process.stdout.write(JSON.stringify({ stopped: performance.now() - before }) + "\\n");
`;

async function run(
  endpoint: string,
): Promise<{ readonly code: number | null; readonly ms: number; readonly out: string; readonly err: string }> {
  const before = performance.now();
  const child = spawn(process.execPath, ["--input-type=module", "-e", program(endpoint)], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, ms: performance.now() - before, out, err };
}

test.each(["hang", "ok"] as const)("a receiver that is in the mood: %s", async (kind) => {
  const receiver = await otlpReceiver();
  receiver.mood({ kind });
  const { code, ms, out, err } = await run(receiver.endpoint);
  await receiver.close();
  expect([code, err]).toEqual([0, ""]);
  const { stopped } = JSON.parse(out.trim().split("\n").at(-1) ?? "") as { stopped: number };
  expect(stopped).toBeLessThan(kind === "hang" ? 3500 : 1500);
  expect(ms - stopped).toBeLessThan(6000);
  expect(out.includes("telemetry could not be delivered")).toBe(kind === "hang");
});
