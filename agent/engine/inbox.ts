/**
 * The agent's inbox: a directory beside the state where the command line leaves run reports and requests for a running agent.
 * A document is whole or not there (written aside, fsynced, renamed), and is removed only after what it says is recorded;
 * a request is removed first.
 */
import { mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ANSWERS } from "../core/decisions.ts";
import { AgentError, asAgentError } from "../core/errors.ts";

const requestSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("run"), document: z.unknown() }),
  z.strictObject({ kind: z.literal("poll"), document: z.strictObject({ sourceId: z.string().nullable() }) }),
  z.strictObject({
    kind: z.literal("decision"),
    document: z.strictObject({
      about: z.enum(["baseline", "alarm"]),
      subject: z.string().max(200).nullable(),
      sourceId: z.string().max(200),
      answer: z.enum(ANSWERS),
      reason: z.string().max(4000),
      actor: z.string().max(200),
    }),
  }),
  z.strictObject({ kind: z.literal("actor"), document: z.strictObject({ forget: z.string().max(200) }) }),
  z.strictObject({ kind: z.literal("drill"), document: z.strictObject({ sourceId: z.string(), requestId: z.string() }) }),
]);

export type InboxRequest = z.infer<typeof requestSchema>;

const LARGEST = 64 * 1024;

/** Leaves one document; it is on disk when this resolves. `name` must be unique. */
export async function leaveInInbox(
  directory: string,
  name: string,
  request: { readonly kind: InboxRequest["kind"]; readonly document: unknown },
): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const aside = join(directory, `.${name}.tmp`);
    const file = await open(aside, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify(request));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, join(directory, `${name}.json`));
    const folder = await open(directory, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (thrown) {
    const error = asAgentError(thrown);
    throw new AgentError("limit", "inbox-not-writable", `The inbox ${directory} could not be written: ${error.message}`, { cause: thrown });
  }
}

/**
 * Hands every document to `take`, oldest name first, and removes it once `take` resolved. A document that is not understood is
 * handed to `reject` and removed: it would never become better.
 */
export async function emptyInbox(
  directory: string,
  take: (request: InboxRequest) => Promise<void>,
  reject: (name: string, code: string) => void,
): Promise<number> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (thrown) {
    if (asAgentError(thrown).code === "not-found") return 0;
    throw thrown;
  }
  let taken = 0;
  for (const name of names.filter((one) => one.endsWith(".json") && !one.startsWith(".")).sort()) {
    const path = join(directory, name);
    const text = await readFile(path, "utf8");
    const parsed = text.length > LARGEST ? null : requestSchema.safeParse(parseJson(text));
    // A request that cannot be removed would be met again and again: it is only met once it is gone. A report or a decision is kept until it is recorded.
    const report = parsed?.success === true && (parsed.data.kind === "run" || parsed.data.kind === "decision");
    if (!report) await unlink(path);
    if (parsed?.success === true) {
      await take(parsed.data);
      taken += 1;
    } else reject(name, parsed === null ? "too-large" : "not-understood");
    if (report) await unlink(path);
  }
  return taken;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
