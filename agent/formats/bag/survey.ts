/** One reading of every part before anything is believed: its checksum, whether it unpacks within the bounds, how many lines it has. */
import { createHash } from "node:crypto";
import { LIST_TYPES } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import { type FileTree, quoted, type TreeFile } from "../../kit/file-tree.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import { sha256Of } from "./bagit.ts";
import type { BagTable } from "./package.ts";
import { isCompressed, partBytes, type PartLimits } from "./parts.ts";
import { CREATED, UPDATED } from "./rows.ts";
import { lineScanner, type ScanColumn } from "./scan.ts";

export interface SurveyedPart {
  readonly path: string;
  readonly file: TreeFile;
  readonly compressed: boolean;
  readonly sha256: string;
  readonly lines: number;
  /** Bytes of the longest line, where it is native. */
  readonly longest: number;
  /** Whether the sandbox may read it by itself and finds the same. */
  readonly native: boolean;
  /** Why it does not unpack, or null. */
  readonly damage: AgentError | null;
}

export interface SurveyedTable {
  readonly table: BagTable;
  /** Those that are there. */
  readonly parts: readonly SurveyedPart[];
  /** One sentence for each part that is not there or does not unpack. */
  readonly problems: readonly string[];
}

/** Two at a time: one unpacks in a thread of its own while the other is looked through. */
const AT_ONCE = 2;

/** @throws AgentError `limit` beyond a bound (over all tables together), system errors as they are */
export async function surveyTables(
  tree: FileTree,
  tables: readonly BagTable[],
  limits: PartLimits,
  signal: AbortSignal,
): Promise<readonly SurveyedTable[]> {
  const failing = new AbortController();
  const survey: Survey = { limits, signal: AbortSignal.any([signal, failing.signal]), unpacked: 0 };
  const wanted = tables.flatMap((table) => table.parts.map((path) => ({ table, path, file: tree.files.get(path) })));
  const parts = await mapLimit(wanted, AT_ONCE, async ({ table, path, file }) =>
    file === undefined ? null : surveyPart(path, file, table, survey),
  ).catch((thrown: unknown) => {
    failing.abort();
    throw thrown;
  });
  const byTable = Map.groupBy(
    wanted.map((want, index) => ({ ...want, part: parts[index] ?? null })),
    (want) => want.table,
  );
  return tables.map((table) => {
    const own = byTable.get(table) ?? [];
    return {
      table,
      parts: own.map((want) => want.part).filter((part) => part !== null),
      problems: own.flatMap(({ path, part }) => {
        if (part === null) return [`Table ${table.collection.id} is to have the part ${quoted(path)}, which is not in the bag.`];
        return part.damage === null ? [] : [part.damage.message];
      }),
    };
  });
}

interface Survey {
  readonly limits: PartLimits;
  readonly signal: AbortSignal;
  unpacked: number;
}

async function surveyPart(path: string, file: TreeFile, table: BagTable, survey: Survey): Promise<SurveyedPart> {
  const { limits, signal } = survey;
  const compressed = await isCompressed(file);
  const hash = createHash("sha256");
  const scanner = lineScanner(columnsOf(table));
  const tally = { frames: 0, skippable: 0 };
  let damage: AgentError | null = null;
  try {
    for await (const chunk of partBytes(file, quoted(path), compressed, limits, signal, { tally, raw: (piece) => hash.update(piece) })) {
      survey.unpacked += chunk.length;
      if (survey.unpacked > limits.maxBytes) throw new AgentError("limit", "too-large", "The tables unpack to more than what may be read.");
      scanner.feed(chunk);
    }
  } catch (thrown) {
    if (!(thrown instanceof AgentError) || thrown.kind !== "damaged") throw thrown;
    damage = thrown;
  }
  const { lines, strict, longest } = scanner.end();
  const native =
    strict && damage === null && tally.skippable === 0 && compressed === /\.zst$/iu.test(file.place) && isPlainPath(file.place);
  const sha256 = damage === null ? hash.digest("hex") : await sha256Of(file, signal);
  return { path, file, compressed, sha256, lines, longest, native, damage };
}

/** In a path of the sandbox these are patterns, or name columns. */
function isPlainPath(place: string): boolean {
  return !/[*?[\]{}=]/u.test(place);
}

/** In the order in which a line has them where it is written strictly. */
export function columnsOf(table: BagTable): readonly ScanColumn[] {
  const fields = table.shape.sources.map(({ name, field }): ScanColumn => ({ name, kind: LIST_TYPES.has(field.type) ? "list" : "text" }));
  const keyIsField = fields.some((column) => column.name === table.shape.key);
  return [
    ...(keyIsField ? [] : [{ name: table.shape.key, kind: "text" } as const]),
    { name: CREATED, kind: "moment" },
    { name: UPDATED, kind: "moment" },
    ...fields,
  ];
}
