/** The child's way to speak: one line of JSON a message, written at once, so that a crash a moment later loses nothing. */
import { writeSync } from "node:fs";
import { AgentError } from "../core/errors.ts";
import { MAX_LINE_BYTES, MAX_SHORT, MAX_TEXT } from "./bounds.ts";
import type { ChildMessage } from "./protocol.ts";

export interface Channel {
  /** Throws AgentError `limit` for a message too long to be taken, and whatever the system says when nobody listens any more. */
  send(message: ChildMessage): void;
}

/** @param fd a pipe to the agent; when it is full, the child waits */
export function fdChannel(fd: number): Channel {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  return {
    send(message) {
      const line = Buffer.from(`${JSON.stringify(message)}\n`);
      if (line.length > MAX_LINE_BYTES) {
        throw new AgentError("limit", "message-too-long", `What there is to tell (${message.t}) does not fit into one message.`);
      }
      let written = 0;
      while (written < line.length) {
        try {
          written += writeSync(fd, line, written);
        } catch (thrown) {
          if ((thrown as NodeJS.ErrnoException).code !== "EAGAIN") throw thrown;
          Atomics.wait(pause, 0, 0, 2);
        }
      }
    },
  };
}

/** Cut to what a message may hold; the cut shows. */
export function clip(text: string, length: number = MAX_TEXT): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

export function clipName(text: string): string {
  return clip(text, MAX_SHORT);
}
