/** Spans as the child tells them: starts are announced, so that after a crash the agent can close what was open. */
import type { AttributeValue, Clock } from "../core/ports.ts";
import { type Channel, clip, clipName } from "./channel.ts";

export interface ChildSpan {
  readonly id: number;
  /** `error` makes the span an ERROR. */
  end(attributes?: Readonly<Record<string, AttributeValue>>, error?: { readonly type: string; readonly message: string } | null): void;
}

export interface SpanTeller {
  /** @param parent null: directly under the drill */
  start(
    name: string,
    parent: ChildSpan | null,
    attributes?: Readonly<Record<string, AttributeValue>>,
    kind?: "internal" | "client",
  ): ChildSpan;
  /** Milliseconds since the epoch with fractions, never going back. */
  now(): number;
}

export function spanTeller(channel: Channel, clock: Clock): SpanTeller {
  const origin = clock.now() - clock.monotonic();
  const now = (): number => origin + clock.monotonic();
  let last = 0;
  return {
    now,
    start(name, parent, attributes = {}, kind = "internal") {
      last += 1;
      const id = last;
      channel.send({
        t: "span-start",
        id,
        parent: parent?.id ?? null,
        name: clipName(name),
        kind,
        at: now(),
        attributes: clipped(attributes),
      });
      return {
        id,
        end(more = {}, error = null) {
          const told = error === null ? null : { type: clipName(error.type), message: clip(error.message) };
          channel.send({ t: "span-end", id, at: now(), attributes: clipped(more), error: told });
        },
      };
    },
  };
}

function clipped(attributes: Readonly<Record<string, AttributeValue>>): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, typeof value === "string" ? clip(value) : value]));
}
