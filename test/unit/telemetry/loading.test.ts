/** An idle agent without an endpoint does not carry what it would export with. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Everything that is loaded with a file: imports that are no types and not asked for later. */
function loadedWith(file: URL, seen = new Set<string>()): ReadonlySet<string> {
  const text = readFileSync(file, "utf8");
  for (const [, from = ""] of text.matchAll(/^(?:import|export)(?! type) [^;]*?from "([^"]+)";|^import "([^"]+)";/gm)) {
    if (seen.has(from)) continue;
    seen.add(from);
    if (from.startsWith(".")) loadedWith(new URL(from, file), seen);
  }
  return seen;
}

test("nothing of the export is loaded with the telemetry itself", () => {
  const loaded = loadedWith(new URL("../../../agent/telemetry/instrument.ts", import.meta.url));
  const heavy = [...loaded].filter((from) => /exporting|bridge|otlp|sdk-metrics|exporter|node:https?|node:zlib/.test(from));
  expect(heavy).toEqual([]);
  expect([...loaded]).toEqual(expect.arrayContaining(["./sdk.ts", "@opentelemetry/sdk-trace", "prom-client", "pino"]));
});

test("and all of it is loaded with the export", () => {
  const loaded = loadedWith(new URL("../../../agent/telemetry/exporting.ts", import.meta.url));
  expect([...loaded]).toEqual(expect.arrayContaining(["./bridge.ts", "./otlp-json.ts", "./otlp-sender.ts", "@opentelemetry/sdk-metrics"]));
});
