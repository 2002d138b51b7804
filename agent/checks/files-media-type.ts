import { fileTypeFromBuffer } from "file-type";
import type { FileItem } from "../core/content.ts";
import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { contentOf, fail, pass, skip } from "./outcome.ts";

const HEAD_BYTES = 4100;
/** Types whose beginning always gives them away: a file declared as one that does not begin so is something else. */
const SURE = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["webp", "image/webp"],
  ["pdf", "application/pdf"],
  ["zip", "application/zip"],
  ["mp4", "video/mp4"],
  ["gz", "application/gzip"],
]);
const SURE_TYPES = new Set(SURE.values());

export const filesMediaType: Check = {
  id: "files.media-type",
  layer: "content",
  question: "Is every attachment the kind of file it says it is, and not an error page saved under its name?",
  needs: "content",
  aspect: "files",
  pitfalls: ["HTML error page stored as an image"],
  limits: "Kinds of files without a telling beginning (text, CSV, old office files) are left alone.",
  async run(view) {
    const content = contentOf(view);
    const inside = content.files.filter((file) => file.presence === "inside");
    if (inside.length === 0) return skip("the backup holds no attachment");
    const wrong = [];
    for (const file of inside) {
      const head = await headOf(content.fileBytes(file.id, view.signal));
      const problem = await mismatch(file, head);
      if (problem !== null) wrong.push({ collection: "attachments", item: file.id, note: problem });
    }
    if (wrong.length > 0)
      return fail(`${describeCount(wrong.length, "attachment")} not of the stated kind: ${wrong[0]?.note ?? ""}`, {
        expected: "files of the stated kind",
        count: wrong.length,
        examples: wrong.slice(0, 5),
      });
    return pass(`${describeCount(inside.length, "attachment")} of the stated kind`, inside.length);
  },
};

async function headOf(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of bytes) {
    parts.push(part);
    length += part.length;
    if (length >= HEAD_BYTES) break;
  }
  return Buffer.concat(parts).subarray(0, HEAD_BYTES);
}

async function mismatch(file: FileItem, head: Uint8Array): Promise<string | null> {
  const extension = /\.([a-z0-9]{1,5})$/i.exec(file.name)?.[1]?.toLowerCase() ?? "";
  const declared = file.declaredType !== null && SURE_TYPES.has(file.declaredType) ? file.declaredType : SURE.get(extension);
  if (declared === undefined || head.length === 0) return null;
  const found = await fileTypeFromBuffer(head);
  if (found?.mime === declared) return null;
  const start = Buffer.from(head.subarray(0, 300)).toString("latin1").trimStart().toLowerCase();
  if (start.startsWith("<!doctype html") || start.startsWith("<html")) return `an HTML page stored as ${declared}`;
  if (found === undefined) return `does not begin like ${declared}`;
  // A picture saved under another picture's ending still opens; people do that.
  return found.mime.split("/")[0] === declared.split("/")[0] ? null : `${found.mime} stored as ${declared}`;
}
