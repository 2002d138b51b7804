/** What every format does with the readers of `kit`: their errors become findings or limits of the agent. */
import { AgentError, asAgentError } from "../core/errors.ts";
import type { FormatContext } from "../core/ports.ts";
import { openRegular } from "../kit/file-tree.ts";
import { InputError } from "../kit/input-error.ts";
import { MAX_JSON_BYTES, parseJson } from "../kit/json.ts";

/** System errors, and anything else, become what `asAgentError` makes of them. */
export function asFormatError(thrown: unknown): AgentError {
  if (thrown instanceof InputError) return new AgentError(thrown.reason, thrown.code, thrown.message, { cause: thrown });
  return asAgentError(thrown);
}

/**
 * @param what the file's name for messages, at the beginning of a sentence
 * @throws AgentError `damaged` or `limit`, as `parseJson` of `kit` says
 */
export function jsonOf(bytes: Uint8Array, what: string, maxDepth: number): unknown {
  try {
    return parseJson(bytes, what, maxDepth);
  } catch (thrown) {
    throw asFormatError(thrown);
  }
}

/**
 * A whole file that is to be parsed at once.
 * @throws AgentError `limit` above the limits, `unsupported` where it is no regular file, `auth`, `not_found` and others as the system says
 */
export async function readWhole(path: string, what: string, context: FormatContext): Promise<Uint8Array> {
  context.signal.throwIfAborted();
  const most = Math.min(MAX_JSON_BYTES, context.limits.maxBytes);
  try {
    const handle = await openRegular(path);
    try {
      const { size } = await handle.stat();
      if (size > most)
        throw new AgentError("limit", "too-large", `${what} is ${size} bytes, more than the ${most} that are parsed at once.`);
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

/** @throws AgentError as `readWhole` and `jsonOf` do */
export async function readJson(path: string, what: string, context: FormatContext): Promise<unknown> {
  return jsonOf(await readWhole(path, what, context), what, context.limits.maxDepth);
}
