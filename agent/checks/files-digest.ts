import { createHash } from "node:crypto";
import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { contentOf, fail, pass, skip, unreadNote } from "./outcome.ts";

export const filesDigest: Check = {
  id: "files.digest",
  layer: "content",
  question: "Are the bytes of every attachment the ones that were uploaded?",
  needs: "content",
  aspect: "files",
  pitfalls: ["attachment bytes changed", "expired address saved as the file"],
  limits: "Only where the backup states a digest or a size for the attachment.",
  async run(view) {
    const content = contentOf(view);
    const inside = content.files.filter((file) => file.presence === "inside" && (file.declaredDigest !== null || file.bytes !== null));
    const unread = unreadNote(content.files);
    if (inside.length === 0)
      return skip(`${unread === "" ? "the backup holds" : "here is"} no attachment with a stated digest or size${unread}`);
    const wrong = [];
    for (const file of inside) {
      const hash = file.declaredDigest === null ? null : createHash(file.declaredDigest.algorithm);
      let bytes = 0;
      for await (const chunk of content.fileBytes(file.id, view.signal)) {
        bytes += chunk.length;
        hash?.update(chunk);
      }
      if (file.bytes !== null && bytes !== file.bytes)
        wrong.push({ collection: "attachments", item: file.id, note: `${bytes} bytes, ${file.bytes} stated` });
      else if (hash !== null && hash.digest("hex") !== file.declaredDigest?.value.toLowerCase())
        wrong.push({ collection: "attachments", item: file.id, note: "digest differs" });
    }
    if (wrong.length > 0)
      return fail(`${describeCount(wrong.length, "attachment")} of other bytes than stated`, {
        expected: "the stated bytes",
        count: wrong.length,
        examples: wrong.slice(0, 5),
      });
    return pass(`${describeCount(inside.length, "attachment")} as stated${unread}`, inside.length);
  },
};
