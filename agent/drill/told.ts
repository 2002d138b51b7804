/** Listens to what a drill tells, so that the drill itself can ask whether it told too much. */
import type { Channel } from "./channel.ts";
import type { ChildMessage } from "./protocol.ts";

export interface ListeningChannel extends Channel {
  /** Every distinct text in the messages so far. Left out: the artifact's path, which the user named, and keys shown because the user asked. */
  told(): Iterable<string>;
}

/** @param keysAsked keys of people's making are shown as they are (`--show-keys`) */
export function listeningChannel(channel: Channel, keysAsked: boolean): ListeningChannel {
  const texts = new Set<string>();
  return {
    send(message) {
      if (message.t !== "progress") collect(sparing(message, keysAsked), texts);
      channel.send(message);
    },
    told: () => texts,
  };
}

function sparing(message: ChildMessage, keysAsked: boolean): unknown {
  if (message.t === "opened") return [message.recognised];
  if (message.t !== "check" || !keysAsked) return message;
  return { ...message.result, examples: message.result.examples.map((example) => ({ ...example, item: null })) };
}

function collect(value: unknown, texts: Set<string>): void {
  if (typeof value === "string") texts.add(value);
  else if (typeof value === "object" && value !== null) for (const one of Object.values(value)) collect(one, texts);
}
