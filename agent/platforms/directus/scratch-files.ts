/** Files of a backup under their own ids, in the folders they were in. */
import { z } from "zod";
import type { RestoreSet, Workspace } from "../../core/platform-ports.ts";
import type { Client } from "./client.ts";
import type { Refusals } from "./refusals.ts";
import * as answers from "./schema.ts";

/** @returns ids of the files that are there now */
export async function loadFiles(
  client: Client,
  workspace: Workspace,
  set: RestoreSet,
  folders: ReadonlySet<string>,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const told = z.array(answers.fileSchema).parse(set.originals["directus-files"] ?? []);
  const uploaded = new Set<string>();
  for (const [id, bytes] of set.fileBytes) {
    const file = told.find((one) => one.id === id);
    const type = file?.type ?? "application/octet-stream";
    const form = new FormData();
    form.append("id", id);
    if (file?.title != null) form.append("title", file.title);
    form.append("folder", file?.folder != null && folders.has(file.folder) ? file.folder : workspace.id);
    form.append("type", type);
    form.append("file", new Blob([new Uint8Array(bytes)], { type }), file?.filename_download ?? id);
    if ((await refusals.told("files", "a file", () => client.post("/files", form, answers.createdSchema, signal))) !== null)
      uploaded.add(id);
  }
  return uploaded;
}
