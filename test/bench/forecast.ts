/**
 * Whether full restores end within the interval that was foretold for them. On each real product a source grows from trial to trial; a few
 * samples are restored, the full restore is foretold from these alone, and then it is done. `npm run bench:forecast -- n8n`: only that one;
 * `TRIALS=40`: so many restores; `RECORD=trials.jsonl`: what was measured is kept there, `REPLAY=trials.jsonl`: foretold again from it.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { Agent } from "undici";
import { incompleteBeta } from "../../agent/core/statistics/student.ts";
import type { PlatformDeps } from "../../agent/core/platform-ports.ts";
import { createHttpFactory } from "../../agent/engine/platforms/http.ts";
import { systemClock } from "../../agent/kit/clock.ts";
import { seededRandom } from "../../agent/kit/random.ts";
import { bindSecrets } from "../../agent/kit/secret.ts";
import { openMetered } from "../../agent/platforms/open.ts";
import { memoryTelemetry } from "../doubles/telemetry.ts";
import { type FaultyProduct, PRODUCTS } from "../platforms/faults/products.ts";
import { grow, wholeSet } from "./forecast/sources.ts";
import { calibration, foretold, type Trial, trial } from "./forecast/trial.ts";
import { machine, table } from "./table.ts";

const TRIALS = Number(process.env["TRIALS"] ?? 24);
/** With these many samples before the full restore, in turns. */
const DRILLS = [3, 4, 5, 6];
const SAMPLE = [60, 240] as const;
/** Airtable is a double: how long it takes would say nothing. */
const REAL = ["node-red", "nocodb", "directus", "n8n"];
const { RECORD: record, REPLAY: replay } = process.env;
const never = new AbortController().signal;

async function trials(product: FaultyProduct): Promise<readonly Trial[]> {
  const { definition } = product;
  const started = await product.start();
  const dispatcher = new Agent();
  try {
    const [clock, random, telemetry] = [systemClock(), seededRandom(6), memoryTelemetry()];
    const budgets = { spend: () => Promise.resolve({ granted: true, left: 1 }) };
    const deps: PlatformDeps = { clock, random, telemetry, http: createHttpFactory({ clock, random, telemetry, dispatcher, budgets }) };
    const pageSize = definition.type === "n8n" ? 250 : 1000;
    const config = definition.schema.parse({ url: started.url, ...started.config, pageSize });
    const open = definition.open(bindSecrets(config, { env: started.secrets, baseDir: "/" }).value, deps);
    const place = await started.scratch();
    const there = definition.scratchSchema?.parse({ url: place.url, ...place.config });
    const scratch = openMetered(definition, bindSecrets(there, { env: place.secrets, baseDir: "/" }).value, deps);
    const found: Trial[] = [];
    let added = 0;
    for (let at = 0; at < TRIALS; at += 1) {
      const more = Math.round(40 * 20 ** random.next());
      await grow(product, started, (await open.platform.inventory(never)).collections, added, more);
      added += more;
      const { identity } = await open.platform.probe(never);
      const drawn = (): number => Math.round(SAMPLE[0] * (SAMPLE[1] / SAMPLE[0]) ** random.next());
      const one = await trial(await wholeSet(open), DRILLS[at % DRILLS.length] ?? 3, drawn, {
        scratch,
        production: identity,
        clock,
        random,
      });
      const { forecast, actualMs } = one;
      const said = actualMs > forecast.upperMs ? "ABOVE" : actualMs < forecast.lowerMs ? "below" : "inside";
      console.error(
        `${definition.type} ${at + 1}: ${one.records} records, ${one.drills} samples: ${ms(forecast.lowerMs)} ${ms(forecast.expectedMs)} ${ms(forecast.upperMs)}, took ${ms(actualMs)}: ${said} (${forecast.dominates.step} ${Math.round(forecast.dominates.share * 100)} %)`,
      );
      if (record !== undefined) appendFileSync(record, `${JSON.stringify({ product: definition.type, ...one })}\n`);
      found.push(one);
    }
    return found;
  } finally {
    await dispatcher.destroy();
    await started.stop();
  }
}

/** Trials of an earlier run, foretold by the model as it is now. */
function replayed(type: string, path: string): readonly Trial[] {
  const lines = readFileSync(path, "utf8").trim().split("\n");
  const kept = lines.map((line) => JSON.parse(line) as Trial & { readonly product: string }).filter(({ product }) => product === type);
  return kept.flatMap((one) => {
    const forecast = foretold(one.told);
    return forecast === null ? [] : [{ ...one, forecast }];
  });
}

function ms(value: number): string {
  return `${(value / 1000).toFixed(2)} s`;
}

/** Clopper–Pearson, two-sided, 95 %. */
function shareInterval(inside: number, restores: number): string {
  return `${percent(1 - shareUpper(restores - inside, restores))}–${percent(shareUpper(inside, restores))}`;
}

/** The share at which so few as `hits` would come with a chance of 2.5 %. */
function shareUpper(hits: number, tries: number): number {
  if (hits === tries) return 1;
  let [low, high] = [0, 1];
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2;
    if (incompleteBeta(1 - middle, tries - hits, hits + 1) > 0.025) low = middle;
    else high = middle;
  }
  return high;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

const GOAL = [0.8, 0.97] as const;
console.log(machine());
const rows: (string | number | null)[][] = [];
const wanted = process.argv.slice(2);
for (const product of PRODUCTS.filter(({ definition: { type } }) => (wanted.length === 0 ? REAL : wanted).includes(type))) {
  const all = replay === undefined ? await trials(product) : replayed(product.definition.type, replay);
  if (all.length === 0) continue;
  const { restores, inside, above, error, width } = calibration(all);
  const sizes = all.map(({ records }) => records);
  const share = inside / restores;
  rows.push([
    product.definition.type,
    restores,
    `${Math.min(...sizes)}–${Math.max(...sizes)}`,
    `${inside} (${percent(share)})`,
    shareInterval(inside, restores),
    above,
    percent(error),
    width.toFixed(2),
    share >= GOAL[0] && share <= GOAL[1] ? "met" : share > GOAL[1] ? "wider than need be" : "missed",
  ]);
}
const headers = [
  "product",
  "full restores",
  "records",
  "inside the 90 % interval",
  "95 % interval of that share",
  "slower than upper",
  "median error",
  "upper / expected",
  `goal ${GOAL[0]}–${GOAL[1]}`,
];
console.log(table("Full restores beside their forecast", headers, rows));
