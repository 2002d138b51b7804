/** Start and stop of what makes spans and of what exports. Without an endpoint spans still have ids, and nothing is sent or loaded for it. */
import type { Attributes, Tracer } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, type IdGenerator, type ReadableSpan, TracerProvider } from "@opentelemetry/sdk-trace";
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import type { Random } from "../core/ports.ts";
import type { ExportDeps, Exporting, ExportOptions } from "./exporting.ts";
import type { LogRecord } from "./logger.ts";

export interface ServiceIdentity {
  readonly name: string;
  readonly version: string;
  readonly instanceId: string;
  /** `deployment.environment.name`, or null. */
  readonly environment: string | null;
}

export function resourceOf({ name, version, instanceId, environment }: ServiceIdentity): Attributes {
  return {
    [ATTR_SERVICE_NAME]: name,
    [ATTR_SERVICE_VERSION]: version,
    [ATTR_SERVICE_INSTANCE_ID]: instanceId,
    ...(environment === null ? {} : { "deployment.environment.name": environment }),
  };
}

export interface Sdk {
  readonly tracer: Tracer;
  log(record: LogRecord): void;
  /** Exports there from now on; null: nowhere. What waits for the former endpoint is flushed first, for at most `timeoutMs`. */
  exportTo(target: ExportOptions | null, timeoutMs: number): Promise<void>;
}

export interface SdkDeps extends Omit<ExportDeps, "scope"> {
  readonly random: Random;
  readonly version: string;
}

export function createSdk(deps: SdkDeps): Sdk {
  const scope = { name: "restorewatch", version: deps.version };
  let exporting: Exporting | null = null;
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    idGenerator: idGenerator(deps.random),
    resource: resourceFromAttributes(deps.resource),
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: (span: ReadableSpan) => exporting?.span(span),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });

  return {
    tracer: provider.getTracer(scope.name, scope.version),
    log: (record) => exporting?.log(record),
    async exportTo(target, timeoutMs) {
      const former = exporting;
      exporting = null;
      await former?.stop(timeoutMs);
      if (target === null) return;
      const { startExporting } = await import("./exporting.ts");
      exporting = startExporting(target, { ...deps, scope });
    },
  };
}

/** W3C trace context forbids ids of zeros only. */
function idGenerator(random: Random): IdGenerator {
  const hex = (bytes: number): string => {
    for (;;) {
      const id = Buffer.from(random.bytes(bytes)).toString("hex");
      if (/[^0]/.test(id)) return id;
    }
  };
  return { generateTraceId: () => hex(16), generateSpanId: () => hex(8) };
}
