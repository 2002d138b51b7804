/** Which files of a backup a drill leaves in its vault, where it may not fetch them all. */
import { sha256Hex } from "../core/ids.ts";
import type { ArtifactFile, OpenOptions } from "../core/ports.ts";

/** Of the files of a directory, those without which it can still be opened. */
export type Spares = (files: readonly string[]) => readonly string[];

/**
 * @param maxBytes of what can be spared; undefined: everything is fetched
 * @param seed hex; another one draws other files. They are drawn whatever their size; one that does not fit any more is passed over
 */
export function leaveBehind(maxBytes: number | undefined, spares: Spares | undefined, seed: string): Pick<OpenOptions, "leave"> {
  if (maxBytes === undefined || spares === undefined) return {};
  return {
    leave(files) {
      const sparable = new Set(spares(files.map((file) => file.path)));
      const drawn = files
        .filter((file) => sparable.has(file.path))
        .map((file) => ({ file, at: sha256Hex(`${seed} ${file.path}`) }))
        .sort((a, b) => (a.at < b.at ? -1 : 1));
      const left: ArtifactFile[] = [];
      let room = maxBytes;
      for (const { file } of drawn) {
        if (file.bytes > room) left.push(file);
        else room -= file.bytes;
      }
      return left;
    },
  };
}
