/** What the contract of connectors needs of a real Directus on PostgreSQL, and an empty second one to restore into; also for drills from end to end. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import type { PlatformDeps } from "../../../agent/core/platform-ports.ts";
import type { Clock } from "../../../agent/core/ports.ts";
import { createHttpFactory } from "../../../agent/engine/platforms/http.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { systemRandom } from "../../../agent/kit/random.ts";
import { bindSecrets } from "../../../agent/kit/secret.ts";
import { directus } from "../../../agent/platforms/directus/index.ts";
import type { KnownCell, PlatformHarness } from "../../contracts/platform.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { run } from "../../servers/cache.ts";
import { type Directus, startDirectus } from "../../servers/directus.ts";
import { startPostgres } from "../../servers/postgres.ts";
import { ARTICLES, type Call, caller, FILE, FLOW_SECRET, LARGE, seedDirectus, UNICODE, UUID } from "./seed.ts";

export interface DirectusHarness extends PlatformHarness {
  readonly production: Directus;
  readonly scratch: Directus;
  readonly call: Call;
  readonly callScratch: Call;
  readonly deps: (clock?: Clock) => PlatformDeps;
  /** Beneath Directus, as its administrator would: what its API would not do. */
  readonly sql: (database: "production" | "scratch", statement: string) => Promise<string>;
}

/** Directus sends nothing to this machine unless told so: without it the sink could hear nobody, and its silence would prove nothing. */
const HEARABLE = { IMPORT_IP_DENY_LIST: "169.254.169.254" };
export const NARROW = "narrow-token-of-a-reader-0123456789";

export async function directusOnThisMachine(env: Readonly<Record<string, string>> = {}): Promise<DirectusHarness> {
  const postgres = await startPostgres();
  const production = await startDirectus(postgres, "production", { ACCESS_TOKEN_TTL: "1s", ...HEARABLE, ...env });
  const scratch = await startDirectus(postgres, "scratch", HEARABLE);
  const [call, callScratch] = [caller(production.url, production.token), caller(scratch.url, scratch.token)];
  const sink = await startSink();
  await seedDirectus(production.url, production.token, sink.url);
  await call("POST", "/users", { email: "narrow@example.com", role: UUID.reader, token: NARROW });
  const login = await call("POST", "/auth/login", { email: "admin@example.com", password: "Passw0rd!1" });
  const expired = (login as { access_token: string }).access_token;
  const telemetry = memoryTelemetry();
  const dispatcher = new Agent();
  const deps = (clock: Clock = systemClock()): PlatformDeps => ({
    clock,
    random: systemRandom(),
    telemetry,
    http: createHttpFactory({
      clock: systemClock(),
      random: systemRandom(),
      telemetry,
      dispatcher,
      budgets: { spend: () => Promise.resolve({ granted: true, left: 1 }) },
    }),
  });
  const bound = (config: unknown, token: string): unknown => bindSecrets(config, { env: { TOKEN: token }, baseDir: "/" }).value;
  const tokens = { wrong: "no-token-of-anybody", expired, narrow: NARROW };
  // An access token lives a second here: by then it has really expired.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const cell = (field: string, value: KnownCell["value"], key = "1", collection = "articles"): KnownCell => ({
    what: `${collection}.${field}`,
    collection,
    key,
    field,
    value,
  });
  return {
    production,
    scratch,
    call,
    callScratch,
    deps,
    sql: (database, statement) => {
      const place = ["-h", "127.0.0.1", "-p", String(postgres.port), "-U", postgres.user, "-d", database];
      return run("psql", [...place, "-v", "ON_ERROR_STOP=1", "-Atc", statement], { cwd: "/" });
    },
    seed: {
      main: { collection: "articles", keys: Array.from({ length: ARTICLES }, (_, at) => String(at * 3 + 1)) },
      empty: "empties",
      types: [
        cell("title", "article 0"),
        cell("pages", "0"),
        cell("big", "9007199254740993"),
        cell("ratio", "0.1"),
        cell("price", "12345678901234567.89123"),
        cell("ok", "false"),
        cell("ok", "true", "4"),
        cell("ok", null, "7"),
        cell("meta", '{"a":"ü","b":[1,{"c":null}]}'),
        cell("words", '["b","a","b"]'),
        cell("ref", "11111111-1111-4111-8111-111111111111"),
        cell("pin", null),
        cell("day", "2026-02-28"),
        cell("hour", "23:59:58"),
        cell("local", "2026-03-29T02:30:00.000Z"),
        cell("moment", "2026-03-29T00:30:00.123Z"),
        cell("state", "out"),
        cell("cover", UUID.file),
        cell("motto", "one of a kind", "1", "site"),
      ],
      links: [
        cell("author", UUID.ada),
        cell("parent", "4"),
        cell("country", "è 1/2", UUID.bob, "authors"),
        cell("tags_id", "2", "2", "articles_tags"),
        cell("item:quotes", "0a000000-0000-4000-8000-0000000000aa", "1", "articles_blocks"),
        cell("item:quotes", null, "2", "articles_blocks"),
        cell("item:notes", "5", "2", "articles_blocks"),
      ],
      unicode: cell("body", UNICODE),
      large: cell("body", LARGE, "4"),
      file: { id: UUID.file, bytes: FILE },
      automations: [UUID.flow, UUID.subFlow],
      views: [`dashboard:${UUID.dashboard}`],
      roles: [UUID.editor, UUID.reader],
    },
    mutate: {
      deleteRecord: async (collection, key) => {
        await call("DELETE", `/items/${collection}/${encodeURIComponent(key)}`);
      },
      editRecord: async (collection, key) => {
        await call("PATCH", `/items/${collection}/${encodeURIComponent(key)}`, { spare: "edited" });
      },
      changeSchema: async (collection) => {
        await call("DELETE", `/fields/${collection}/spare`);
      },
    },
    open: ({ token, pageSize, clock } = {}) => {
      const config = directus.schema.parse({
        url: production.url,
        token: { env: "TOKEN" },
        ...(pageSize === undefined ? {} : { pageSize }),
      });
      return directus.open(bound(config, token === undefined ? production.token : tokens[token]), deps(clock));
    },
    openScratch: ({ production: same } = {}) => {
      const place = same === true ? production : scratch;
      return directus.openScratch(bound(directus.scratchSchema?.parse({ url: place.url, token: { env: "TOKEN" } }), place.token), deps());
    },
    leftovers: (prefix) => leftovers(callScratch, prefix),
    fired: sink.fired,
    secrets: [production.token, scratch.token, NARROW, expired, FLOW_SECRET],
    told: () => JSON.stringify([telemetry.spans.map((span) => ({ ...span, parent: null })), telemetry.logs.length, telemetry.counts]),
    dispose: async () => {
      await dispatcher.destroy();
      await Promise.all([production.stop(), scratch.stop(), sink.stop()]);
      await postgres.stop();
    },
  };
}

/** Whatever bears the tag in any of its texts, wherever it lies; what Directus keeps of its past (activity, revisions) is told apart. */
async function leftovers(call: Call, prefix: string): Promise<number> {
  const places = ["collections", "folders", "flows", "roles", "policies", "dashboards", "users", "files"];
  const found = await Promise.all(
    places.map(
      async (place) =>
        ((await call("GET", `/${place}?limit=-1`)) as unknown[]).filter((one) => JSON.stringify(one).includes(prefix)).length,
    ),
  );
  return found.reduce((sum, one) => sum + one, 0);
}

async function startSink(): Promise<{ readonly url: string; fired(): Promise<number>; stop(): Promise<void> }> {
  let count = 0;
  const server = createServer((request, answer) => {
    count += 1;
    request.resume();
    answer.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sink`,
    // Flows run behind the answer: what is under way gets time to arrive.
    fired: async () => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const fired = count;
      count = 0;
      return fired;
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
