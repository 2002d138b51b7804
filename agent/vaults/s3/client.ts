/** One S3 server as the vault uses it: loaded at the first call, every call bounded, tried again where that helps, and its errors told plainly. */
import type * as Sdk from "@aws-sdk/client-s3";
import { AgentError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { systemClock } from "../../kit/clock.ts";
import { systemRandom } from "../../kit/random.ts";
import { mayBeOldKeys, refusalOf, type S3Place, s3Error } from "./errors.ts";
import { type Env, proxyOptions } from "./proxy.ts";
import type { S3VaultConfig } from "./schema.ts";

export type S3Sdk = typeof Sdk;
export type S3Client = Sdk.S3Client;

export interface S3Deps {
  readonly clock: Clock;
  /** Uniform in [0, 1), for the spread of waits. */
  readonly random?: () => number;
  /** Longest that one request may take, in milliseconds; 60,000 unless told. */
  readonly requestMs?: number;
  /** Where a proxy is looked for; without it there is none. */
  readonly env?: Env;
}

export type S3Work<T> = (sdk: S3Sdk, client: S3Client, signal: AbortSignal) => Promise<T>;

export interface S3Calls {
  /** Does the work, again after what passes by itself. @throws AgentError */
  call<T>(signal: AbortSignal, work: S3Work<T>): Promise<T>;
  /** Does it once, with fresh keys where they were refused; for work that has its own way of going on. @throws AgentError */
  once<T>(signal: AbortSignal, work: S3Work<T>): Promise<T>;
  /** Waits before try number `tried` + 1. */
  pause(tried: number, signal: AbortSignal): Promise<void>;
}

export const TRIES = 4;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5000;

export function s3Calls(config: S3VaultConfig, deps: S3Deps): S3Calls {
  const { clock } = deps;
  const random = deps.random ?? (() => systemRandom().next());
  const requestMs = deps.requestMs ?? 60_000;
  const place: S3Place = {
    bucket: config.bucket,
    region: config.region,
    host: config.endpoint === undefined ? null : new URL(config.endpoint).host,
  };
  let client: Promise<{ sdk: S3Sdk; client: S3Client }> | null = null;

  const connected = (): Promise<{ sdk: S3Sdk; client: S3Client }> => {
    client ??= connect(config, clock, requestMs, deps.env ?? {});
    const mine = client;
    mine.catch(() => {
      if (client === mine) client = null;
    });
    return mine;
  };
  const forget = (): void => {
    const old = client;
    client = null;
    // What still runs on it ends by itself; its idle connections are closed.
    void old?.then(
      (made) => made.client.destroy(),
      () => undefined,
    );
  };

  const attempt = async <T>(signal: AbortSignal, work: S3Work<T>): Promise<T> => {
    signal.throwIfAborted();
    const made = await connected();
    const late = new AbortController();
    const timer = new AbortController();
    void clock.sleep(requestMs, timer.signal).then(
      () => late.abort(new AgentError("transient", "timeout", `${place.host ?? "S3"} did not answer in time.`)),
      () => undefined,
    );
    try {
      return await work(made.sdk, made.client, AbortSignal.any([signal, late.signal]));
    } catch (thrown) {
      throw late.signal.aborted && !signal.aborted ? late.signal.reason : thrown;
    } finally {
      timer.abort();
    }
  };

  const once = async <T>(signal: AbortSignal, work: S3Work<T>): Promise<T> => {
    try {
      return await attempt(signal, work).catch((thrown: unknown) => {
        if (!mayBeOldKeys(thrown)) throw thrown;
        // Keys may have been changed since they were read; a second refusal is one.
        forget();
        return attempt(signal, work);
      });
    } catch (thrown) {
      signal.throwIfAborted();
      // The SDK quietly corrects a wrong clock from then on; what the agent says of ages would still be wrong.
      if (refusalOf(thrown).name === "RequestTimeTooSkewed") forget();
      throw s3Error(thrown, place);
    }
  };

  const pause = (tried: number, signal: AbortSignal): Promise<void> =>
    clock.sleep(random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tried), signal);

  return {
    once,
    pause,
    async call(signal, work) {
      for (let tried = 0; ; tried += 1) {
        try {
          return await once(signal, work);
        } catch (thrown) {
          if (tried + 1 >= TRIES || !passes(thrown) || signal.aborted) throw thrown;
        }
        await pause(tried, signal);
      }
    },
  };
}

/** True for what is likely over in a moment. */
export function passes(thrown: unknown): boolean {
  return thrown instanceof AgentError && (thrown.kind === "rate_limited" || (thrown.kind === "transient" && !LASTING.has(thrown.code)));
}
const LASTING: ReadonlySet<string> = new Set(["artifact-changed", "tls", "aborted", "copy-differs"]);

async function connect(config: S3VaultConfig, clock: Clock, requestMs: number, env: Env): Promise<{ sdk: S3Sdk; client: S3Client }> {
  const address = new URL(config.endpoint ?? `https://s3.${config.region}.amazonaws.com`);
  const agent = { ...AGENT, ...proxyOptions(env, address, process.versions.node) };
  const { accessKeyId, secretAccessKey, sessionToken } = config;
  const [id, key, token] = await Promise.all([accessKeyId?.reveal(), secretAccessKey?.reveal(), sessionToken?.reveal()]);
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({
    region: config.region,
    forcePathStyle: config.pathStyle ?? config.endpoint !== undefined,
    ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
    ...(id === undefined || key === undefined
      ? {}
      : { credentials: { accessKeyId: id, secretAccessKey: key, ...(token === undefined ? {} : { sessionToken: token }) } }),
    // It signs by the system's clock, whatever ours is.
    systemClockOffset: clock.now() - systemClock().now(),
    // Tried again here, where the clock is injected and a download goes on where it was cut.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: Math.min(10_000, requestMs), socketTimeout: requestMs, httpAgent: agent, httpsAgent: agent },
    // Servers other than AWS know no trailing checksums; where one is wanted it is given.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  return { sdk, client };
}
const AGENT = { keepAlive: true, maxSockets: 64 } as const;
