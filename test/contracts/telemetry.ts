/** What every Telemetry keeps to: the running agent's and the memory double. */
import { describe, expect, test } from "vitest";
import type { AttributeValue, GaugeSample, Span, Telemetry } from "../../agent/core/ports.ts";

export interface SeenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly kind: "internal" | "client";
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly error: { readonly type: string; readonly message: string | null } | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface SeenLog {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, AttributeValue>>;
  readonly traceId: string | null;
  readonly spanId: string | null;
}

export interface TelemetryUnderTest {
  readonly telemetry: Telemetry;
  /** Spans that ended, in whatever order. */
  spans(): Promise<readonly SeenSpan[]>;
  logs(): Promise<readonly SeenLog[]>;
  gauges(): Promise<readonly GaugeSample[]>;
  /** Value of one counter series, null where it is absent. */
  counted(metric: string, labels: Readonly<Record<string, string>>): Promise<number | null>;
  /** Number and sum of what one histogram series observed. */
  observed(metric: string, labels: Readonly<Record<string, string>>): Promise<{ readonly count: number; readonly sum: number } | null>;
  dispose(): Promise<void>;
}

/** @param create a fresh, strict Telemetry: it throws at what names.ts does not have */
export function telemetryContract(create: () => Promise<TelemetryUnderTest>): void {
  const using = async (work: (given: TelemetryUnderTest) => Promise<void>): Promise<void> => {
    const given = await create();
    try {
      await work(given);
    } finally {
      await given.dispose();
    }
  };

  describe("spans", () => {
    test("nest by what runs inside what, across awaits and beside others", () =>
      using(async (given) => {
        const { telemetry } = given;
        await Promise.all(
          ["a", "b"].map((id) =>
            telemetry.span(`outer-${id}`, {}, async () => {
              await Promise.resolve();
              await telemetry.span(`inner-${id}`, {}, () => Promise.resolve());
            }),
          ),
        );
        for (const id of ["a", "b"]) {
          const outer = await named(given, `outer-${id}`);
          const inner = await named(given, `inner-${id}`);
          expect(outer.parentSpanId).toBeNull();
          expect(inner.parentSpanId).toBe(outer.spanId);
          expect(inner.traceId).toBe(outer.traceId);
        }
        expect((await named(given, "outer-a")).traceId).not.toBe((await named(given, "outer-b")).traceId);
      }));

    test("have ids of W3C trace context", () =>
      using(async ({ telemetry }) => {
        const seen = await telemetry.span("one", {}, (span) => Promise.resolve(span));
        expect(seen.traceId).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
        expect(seen.spanId).toMatch(/^(?!0+$)[0-9a-f]{16}$/);
      }));

    test("a root begins a trace of its own, linked to where it comes from", () =>
      using(async (given) => {
        const { telemetry } = given;
        let poll: Span | null = null;
        await telemetry.span("poll", {}, async (span) => {
          poll = span;
          await telemetry.span("drill", {}, () => Promise.resolve(), {
            root: true,
            links: [{ traceId: span.traceId, spanId: span.spanId }],
          });
        });
        const drill = await named(given, "drill");
        const found = await named(given, "poll");
        expect(drill.parentSpanId).toBeNull();
        expect(drill.traceId).not.toBe(found.traceId);
        expect(drill.links).toEqual([{ traceId: found.traceId, spanId: found.spanId }]);
        expect(poll).toMatchObject({ traceId: found.traceId });
      }));

    test("carry what was set, later values over earlier ones, without what is undefined", () =>
      using(async (given) => {
        await given.telemetry.span(
          "one",
          { a: 1, b: "x", gone: undefined },
          async (span) => {
            span.set({ b: "y", c: true, none: undefined });
          },
          { kind: "client" },
        );
        const span = await named(given, "one");
        expect(span.attributes).toEqual({ a: 1, b: "y", c: true });
        expect(span.kind).toBe("client");
        expect(span.error).toBeNull();
      }));

    test("an exception marks the span and goes on", () =>
      using(async (given) => {
        const thrown = Object.assign(new Error("no such host"), { code: "unreachable" });
        await expect(given.telemetry.span("one", {}, () => Promise.reject(thrown))).rejects.toBe(thrown);
        const span = await named(given, "one");
        expect(span.error).toEqual({ type: "unreachable", message: "no such host" });
        expect(span.attributes["error.type"]).toBe("unreachable");
      }));

    test("what was said to have failed is not overwritten by the exception that follows", () =>
      using(async (given) => {
        const work = given.telemetry.span("one", {}, async (span) => {
          span.fail("verification-failed", "3 links dangle");
          throw new TypeError("later");
        });
        await expect(work).rejects.toThrow("later");
        expect((await named(given, "one")).error).toEqual({ type: "verification-failed", message: "3 links dangle" });
      }));

    test("children can be told with times of their own, to fractions of a millisecond", () =>
      using(async (given) => {
        await given.telemetry.span("drill", {}, async (span) => {
          const load = span.start("load", { items: 3 }, { at: 1_768_478_400_000.25, kind: "client" });
          load.start("query", {}, { at: 1_768_478_400_001 }).end(1_768_478_400_002.5);
          load.end(1_768_478_400_003.75);
        });
        const drill = await named(given, "drill");
        const load = await named(given, "load");
        const query = await named(given, "query");
        expect(load).toMatchObject({ parentSpanId: drill.spanId, traceId: drill.traceId, kind: "client", attributes: { items: 3 } });
        expect(load.startedAt).toBe(1_768_478_400_000.25);
        expect(load.endedAt).toBe(1_768_478_400_003.75);
        expect(query.parentSpanId).toBe(load.spanId);
        expect(query.endedAt - query.startedAt).toBe(1.5);
      }));

    test("what is told after the end is ignored", () =>
      using(async (given) => {
        await given.telemetry.span("one", {}, async (span) => {
          span.set({ a: 1 });
          span.end();
          span.set({ a: 2 });
          span.fail("late");
          span.end();
        });
        const spans = await given.spans();
        expect(spans).toHaveLength(1);
        expect(spans[0]).toMatchObject({ attributes: { a: 1 }, error: null });
      }));
  });

  describe("metrics", () => {
    test("count adds up", () =>
      using(async (given) => {
        const labels = { source: "crm", outcome: "success" };
        given.telemetry.count("backup_runs_total", labels);
        given.telemetry.count("backup_runs_total", labels, 2);
        expect(await given.counted("backup_runs_total", labels)).toBe(3);
      }));

    test("observe keeps number and sum", () =>
      using(async (given) => {
        const labels = { platform: "grist", phase: "load" };
        given.telemetry.observe("restore_phase_duration_seconds", labels, 0.5);
        given.telemetry.observe("restore_phase_duration_seconds", labels, 2);
        expect(await given.observed("restore_phase_duration_seconds", labels)).toEqual({ count: 2, sum: 2.5 });
      }));

    test("gauges of a scope replace those of the scope, and no others", () =>
      using(async (given) => {
        const size: GaugeSample = { metric: "backup_size_bytes", labels: { source: "crm" }, value: 9 };
        given.telemetry.gauges({ source: "crm" }, [points(3), size]);
        given.telemetry.gauges({ source: "erp" }, [points(5, "erp")]);
        given.telemetry.gauges({ source: "crm" }, [points(4)]);
        expect(sorted(await given.gauges())).toEqual(sorted([points(4), points(5, "erp")]));
        given.telemetry.gauges({ source: "crm" }, []);
        expect(await given.gauges()).toEqual([points(5, "erp")]);
      }));

    test("the empty scope replaces what was told under it, and nothing that has a narrower scope", () =>
      using(async (given) => {
        const hash: GaugeSample = { metric: "restorewatch_config_hash_info", labels: { hash: "ab" }, value: 1 };
        const due: GaugeSample = { metric: "restorewatch_jobs", labels: { state: "due" }, value: 2 };
        given.telemetry.gauges({ source: "crm" }, [points(3)]);
        given.telemetry.gauges({ state: "due" }, [due]);
        given.telemetry.gauges({}, [beat(1), hash]);
        given.telemetry.gauges({}, [beat(2)]);
        expect(sorted(await given.gauges())).toEqual(sorted([points(3), due, beat(2)]));
      }));

    test.each<[string, (telemetry: Telemetry) => void]>([
      ["an unknown metric", (t) => t.count("backup_nonsense_total", {})],
      ["a missing label", (t) => t.count("backup_runs_total", { source: "crm" })],
      ["a label too many", (t) => t.observe("restore_phase_duration_seconds", { platform: "grist", phase: "load", source: "crm" }, 1)],
      ["a gauge that is counted", (t) => t.count("backup_size_bytes", { source: "crm" })],
      ["a sample outside its scope", (t) => t.gauges({ source: "erp" }, [points(1)])],
      ["a source under the empty scope", (t) => t.gauges({}, [points(1)])],
      ["a series told twice", (t) => t.gauges({ source: "crm" }, [points(1), points(2)])],
      ["a value that is no number", (t) => t.gauges({ source: "crm" }, [points(Number.NaN)])],
      ["an endless duration", (t) => t.observe("restore_phase_duration_seconds", { platform: "grist", phase: "load" }, Infinity)],
    ])("%s is a mistake in the code, and leaves what was told before", (_case, wrong) =>
      using(async (given) => {
        given.telemetry.gauges({ source: "crm" }, [points(7)]);
        expect(() => wrong(given.telemetry)).toThrow(/backup_|restore_/);
        expect(await given.gauges()).toEqual([points(7)]);
      }),
    );
  });

  describe("logs", () => {
    test("carry the span they were written in, or none", () =>
      using(async (given) => {
        const { telemetry } = given;
        telemetry.log("info", "started");
        await telemetry.span("poll", {}, async () => {
          telemetry.log("warn", "poll failed", { "backup.source": "crm", failures: 2, none: undefined });
        });
        const poll = await named(given, "poll");
        expect(await given.logs()).toEqual([
          { level: "info", message: "started", fields: {}, traceId: null, spanId: null },
          {
            level: "warn",
            message: "poll failed",
            fields: { "backup.source": "crm", failures: 2 },
            traceId: poll.traceId,
            spanId: poll.spanId,
          },
        ]);
      }));
  });
}

function sorted(samples: readonly GaugeSample[]): readonly GaugeSample[] {
  return samples.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function points(value: number, source = "crm"): GaugeSample {
  return { metric: "backup_recovery_points", labels: { source }, value };
}

function beat(value: number): GaugeSample {
  return { metric: "restorewatch_heartbeat_timestamp_seconds", labels: {}, value };
}

async function named(given: TelemetryUnderTest, name: string): Promise<SeenSpan> {
  const span = (await given.spans()).find((one) => one.name === name);
  if (span === undefined) throw new Error(`no span ${name}`);
  return span;
}
