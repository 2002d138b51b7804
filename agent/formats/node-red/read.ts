/** Whole files of the artifact, within the limits. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/ports.ts";
import { decodeText, parseJson } from "./json.ts";

/** A flows file is parsed in one piece. */
const MAX_JSON_BYTES = 256 * 1024 * 1024;

/**
 * @param what the file's name for messages
 * @throws AgentError `limit` above the limits, `auth`, `not_found` and others as the system says
 */
export async function readWhole(path: string, what: string, context: FormatContext): Promise<Uint8Array> {
  context.signal.throwIfAborted();
  const most = Math.min(MAX_JSON_BYTES, context.limits.maxBytes);
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new AgentError("unsupported", "not-a-file", `${what} is not a regular file.`);
      if (stats.size > most) throw new AgentError("limit", "too-large", `${what} is ${stats.size} bytes, more than the ${most} allowed.`);
      return await handle.readFile({ signal: context.signal });
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    context.signal.throwIfAborted();
    const error = asAgentError(thrown);
    if (thrown === error) throw error;
    throw new AgentError(error.kind, error.code, `${what} could not be read.`, { cause: thrown });
  }
}

/** @throws AgentError `damaged` when it is no whole JSON, and as `readWhole` */
export async function readJson(path: string, what: string, context: FormatContext): Promise<unknown> {
  return parseJson(decodeText(await readWhole(path, what, context), what), what, context.limits.maxDepth);
}
