import { fileTypeFromBuffer } from "file-type";
import type { FileItem } from "../core/content.ts";
import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { contentOf, fail, pass, skip, unreadNote } from "./outcome.ts";

const HEAD_BYTES = 4100;
const OFFICE = "application/vnd.openxmlformats-officedocument";
/** Types whose beginning always gives them away: a file declared as one that does not begin so is something else. */
const SURE = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["webp", "image/webp"],
  ["pdf", "application/pdf"],
  ["zip", "application/zip"],
  ["docx", `${OFFICE}.wordprocessingml.document`],
  ["xlsx", `${OFFICE}.spreadsheetml.sheet`],
  ["pptx", `${OFFICE}.presentationml.presentation`],
  ["mp4", "video/mp4"],
  ["gz", "application/gzip"],
]);
const SURE_TYPES = new Set(SURE.values());
const ALIASES = new Map([
  ["image/jpg", "image/jpeg"],
  ["image/pjpeg", "image/jpeg"],
  ["application/x-zip-compressed", "application/zip"],
  ["application/x-gzip", "application/gzip"],
]);

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
    const unread = unreadNote(content.files);
    if (inside.length === 0) return skip(`${unread === "" ? "the backup holds" : "here is"} no attachment${unread}`);
    const wrong = [];
    for (const file of inside) {
      const declared = declaredOf(file);
      const problem = declared === null ? null : await mismatch(declared, await headOf(content.fileBytes(file.id, view.signal)));
      if (problem !== null) wrong.push({ collection: "attachments", item: file.id, note: problem });
    }
    if (wrong.length > 0)
      return fail(`${describeCount(wrong.length, "attachment")} not of the stated kind: ${wrong[0]?.note ?? ""}`, {
        expected: "files of the stated kind",
        count: wrong.length,
        examples: wrong.slice(0, 5),
      });
    return pass(`${describeCount(inside.length, "attachment")} of the stated kind${unread}`, inside.length);
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

/** The declared type where it is a sure one, else the one of the name's ending, else null. */
function declaredOf(file: FileItem): string | null {
  const told = file.declaredType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const type = ALIASES.get(told) ?? told;
  if (SURE_TYPES.has(type)) return type;
  const extension = /\.([a-z0-9]{1,5})$/i.exec(file.name)?.[1]?.toLowerCase() ?? "";
  return SURE.get(extension) ?? null;
}

/** @returns what the file is instead, in words, or null where it is what it says */
async function mismatch(declared: string, head: Uint8Array): Promise<string | null> {
  if (head.length === 0) return `0 bytes stored as ${declared}`;
  const found = (await fileTypeFromBuffer(head))?.mime;
  const start = Buffer.from(head).toString("latin1");
  if (found !== undefined && (found === declared || sameContainer(declared, found))) return null;
  // Both are read by every program that reads the kind: a PDF may begin late, a zip is told by two letters.
  if (declared === "application/pdf" && start.slice(0, 1024).includes("%PDF")) return null;
  if (isZip(declared) && start.startsWith("PK")) return null;
  const lower = start.slice(0, 300).trimStart().toLowerCase();
  if (lower.startsWith("<!doctype html") || lower.startsWith("<html")) return `an HTML page stored as ${declared}`;
  return found === undefined ? `does not begin like ${declared}` : `${found} stored as ${declared}`;
}

function isZip(declared: string): boolean {
  return declared === "application/zip" || declared.startsWith(OFFICE);
}

function sameContainer(declared: string, found: string): boolean {
  // An office file with a password, or of the old kind under the new ending, is a compound file.
  if (declared.startsWith(OFFICE) && found === "application/x-cfb") return true;
  // Sound alone lies in the same container as a film.
  if (declared === "video/mp4" && ["audio/mp4", "audio/x-m4a"].includes(found)) return true;
  // A picture saved under another picture's ending still opens; people do that.
  return ["image", "video"].includes(found.split("/")[0] ?? "") && found.split("/")[0] === declared.split("/")[0];
}
