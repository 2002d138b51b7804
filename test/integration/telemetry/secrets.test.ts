/** Secrets and personal data planted everywhere a careless caller could put them: none comes out anywhere. */
import { expect, test } from "vitest";
import type { Attributes } from "../../../agent/core/ports.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { seededRandom } from "../../../agent/kit/random.ts";
import { createTelemetry } from "../../../agent/telemetry/instrument.ts";
import { otlpReceiver } from "../../doubles/otlp-receiver.ts";

const SECRET = "zq8-planted/secret+9";
const PLANTED = [
  SECRET,
  encodeURIComponent(SECRET),
  Buffer.from(SECRET).toString("base64"),
  "hunter2-password",
  "ann.lee@example.org",
  "tok_0123456789abcdef",
  "4111 1111 1111 1111",
  "CH93 0076 2011 6238 5295 7",
  "+41 44 668 18 00",
];
/** Everything in one text, each in the shape it usually has. */
const LEAK = [
  `failed for ann.lee@example.org with ${SECRET}`,
  `at https://ann:hunter2-password@db.example/rows?email=ann.lee@example.org&key=${encodeURIComponent(SECRET)}`,
  `Authorization: Bearer tok_0123456789abcdef`,
  Buffer.from(SECRET).toString("base64"),
  "card 4111 1111 1111 1111, account CH93 0076 2011 6238 5295 7, phone +41 44 668 18 00",
].join("; ");

test("spans, their errors, links to children, logs, metrics and the agent's own warnings", async () => {
  const receiver = await otlpReceiver();
  const lines: string[] = [];
  const agent = createTelemetry({
    service: { name: "restorewatch", version: "0.0.0", instanceId: "one", environment: null },
    clock: systemClock(),
    random: seededRandom(5),
    log: { level: "debug", write: (line) => lines.push(line) },
    processMetrics: false,
  });
  const { telemetry } = agent;
  agent.redactor.add(SECRET);
  await agent.start({ endpoint: receiver.endpoint, headers: {} });

  const cause = new Error(`because ${LEAK}`);
  const error = new AgentError("auth", "no-access", `no access: ${LEAK}`, { cause });
  const careless = { text: LEAK, error, [LEAK]: 1, object: { deep: [LEAK] }, stack: error.stack } as unknown as Attributes;
  const drill = telemetry.span("restore.drill", careless, async (span) => {
    span.set(careless);
    const child = span.start("vault.list", careless, { kind: "client" });
    child.fail(LEAK, LEAK);
    child.end();
    telemetry.log("error", LEAK, careless);
    for (const level of ["debug", "info", "warn"] as const)
      telemetry.log(level, "told", { "url.full": LEAK, err: error, ...careless } as unknown as Attributes);
    throw error;
  });
  await expect(drill).rejects.toBe(error);
  telemetry.count(LEAK, { [LEAK]: LEAK });
  telemetry.gauges({}, [{ metric: "backup_size_bytes", labels: { [LEAK]: LEAK }, value: 1 }]);
  await agent.stop();

  const outside = [JSON.stringify(receiver.requests), lines.join(""), await agent.metrics.text()].join("\n");
  for (const planted of PLANTED) expect(outside).not.toContain(planted);
  expect(receiver.bodies("traces")).toHaveLength(1);
  expect(lines).toHaveLength(6);
  // What is useful is still there.
  expect(outside).toContain("no access: failed for [e-mail] with [secret]; at https://db.example/rows?[query]");
  await receiver.close();
});
