import type { ArtifactFacts, Check } from "../core/ports.ts";
import { describeBytes, describeCount, describeNumber } from "../core/words-for-people.ts";
import { fail, listed, pass, skip } from "./outcome.ts";

export const artifactChecksum: Check = {
  id: "artifact.checksum",
  layer: "artifact",
  question: "Are the bytes the ones that were written, by every checksum there is?",
  needs: "artifact",
  aspect: null,
  pitfalls: ["flipped byte in data or manifest"],
  limits:
    "Without a checksum from the backup job, a file beside it or a manifest there is nothing to compare with. Attachments that verify.sample.fetchBytes leaves in the vault are not compared.",
  async run({ artifact, content }, { checksum, run }) {
    const claims = [
      ...(checksum === null ? [] : [{ value: checksum.value, from: checksum.from }]),
      ...(run?.checksum == null ? [] : [{ value: run.checksum.value, from: "the run report" }]),
    ];
    // A claim about one file says nothing of a folder, whose digest is of our own making.
    const comparable = artifact.kind === "file" ? claims : [];
    const own = content?.integrity.checksums ?? null;
    const wrong = comparable
      .filter((claim) => artifact.sha256 !== null && claim.value.toLowerCase() !== artifact.sha256)
      .map((claim) => `SHA-256 differs from ${claim.from}`);
    wrong.push(...(own?.mismatched ?? []).map((part) => `checksum of ${part} differs`));
    const compared = (artifact.sha256 === null ? 0 : comparable.length) + (own?.compared ?? 0);
    if (wrong.length > 0) return fail(listed(wrong, 3), { expected: "every checksum agrees", count: wrong.length });
    if (compared === 0) return skip("nothing gives a checksum to compare with");
    const agree = `${describeCount(compared, "checksum")} agree`.replace("1 checksum agree", "1 checksum agrees");
    return pass(`${agree}${shareRead(artifact)}`, compared);
  },
};

/** Empty where every byte was read: what was left in the vault is never vouched for. */
function shareRead({ files, bytes, unread }: ArtifactFacts): string {
  if (unread === undefined) return "";
  const read = `${describeNumber(files - unread.files)} of ${describeCount(files, "file")}`;
  return `; read were ${read}, ${describeBytes(bytes - unread.bytes)} of ${describeBytes(bytes)}, the rest was left in the vault`;
}
