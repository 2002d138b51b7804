/** `restorewatch discover`: what there is to protect, what covers it, what is missing; looked up in the vaults and on live products now, agent running or not. */
import { type Catalogue, type CatalogueEntry, catalogueHeadline, type Finding, FINDINGS } from "../core/catalogue.ts";
import { asAgentError } from "../core/errors.ts";
import { describeAge, describeDuration } from "../core/words-for-people.ts";
import type { Output } from "./output.ts";
import { cell, clean, type Style } from "./render.ts";

/** More lines than this of one kind scroll past what matters; `--all` and JSON have every one. */
const MOST_LINES = 10;
const MOST_ROWS = 50;

export interface DiscoverDeps {
  readonly out: Output;
  readonly now: () => number;
  /** Looks at every source, through every vault and at every live product. Their trouble is in `unseen`; throws for a configuration that is not valid. */
  readonly discover: () => Promise<Catalogue>;
}

export interface DiscoverOptions {
  readonly output: "text" | "json";
  readonly all: boolean;
}

/** @returns 0 when nothing is missing, 1 when something is, 2 for a configuration to mend, 3 when a vault or a product could not be looked at, whatever else was found */
export async function discoverCommand(options: DiscoverOptions, deps: DiscoverDeps): Promise<number> {
  try {
    const found = await deps.discover();
    deps.out.clearProgress();
    if (options.output === "json") deps.out.line(JSON.stringify(document(found, deps.now())));
    else for (const line of text(found, options.all, deps)) deps.out.line(line);
    if (found.unseen.length > 0) return 3;
    return found.findings.length > 0 ? 1 : 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), options.output);
  }
}

function document({ entries, findings, unseen, counts }: Catalogue, now: number): unknown {
  const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
  return {
    schema: "restorewatch.catalogue/v1",
    at: iso(now),
    counts,
    findings: findings.map(({ sourceId, vaultId, ...finding }) => ({ source: sourceId, vault: vaultId, ...finding })),
    unseen: unseen.map(({ vaultId, sourceId, problem }) => ({ vault: vaultId, source: sourceId, problem })),
    sources: entries.map(({ sourceId, objectives, backup, newestAt, ...rest }) => ({
      id: sourceId,
      ...rest,
      objectives: { rpoSeconds: seconds(objectives.rpoMs), rtoSeconds: seconds(objectives.rtoMs) },
      backup:
        backup === null
          ? null
          : {
              vault: backup.vaultId,
              path: backup.path,
              pattern: backup.pattern,
              format: backup.format,
              everySeconds: seconds(backup.everyMs),
            },
      newestAt: iso(newestAt),
    })),
  };
}

function text(found: Catalogue, all: boolean, deps: DiscoverDeps): string[] {
  const { style } = deps.out;
  const { entries, findings, unseen } = found;
  return [
    style.bold(`${catalogueHeadline(found)}.`),
    "",
    ...unseenLines(unseen, style, all),
    ...findingLines(findings, unseen.length === 0, style, all),
    ...table(entries, deps, all),
  ];
}

function unseenLines(unseen: Catalogue["unseen"], style: Style, all: boolean): string[] {
  if (unseen.length === 0) return [];
  const shown = all ? unseen : unseen.slice(0, MOST_LINES);
  return [
    style.bold("Could not be looked at: what is missing there is not known"),
    ...shown.map(({ problem }) => `  ${style.warn("?")} ${clean(problem)}`),
    ...more(unseen.length - shown.length, style),
    "",
  ];
}

function findingLines(findings: readonly Finding[], whole: boolean, style: Style, all: boolean): string[] {
  if (findings.length === 0)
    return [whole ? `${style.good("✓")} Nothing is missing.` : "Nothing is missing in what could be looked at.", ""];
  const lines: string[] = [];
  for (const [kind, own] of Map.groupBy(findings, (finding) => finding.kind)) {
    const { severity, title, mend } = FINDINGS[kind];
    const mark = severity === "high" ? style.bad("✗") : severity === "medium" ? style.warn("!") : style.dim("-");
    const shown = all ? own : own.slice(0, MOST_LINES);
    lines.push(
      `${mark} ${style.bold(title)} ${style.dim(`(${own.length})`)}  ${style.dim(`mend: ${mend}`)}`,
      ...shown.map((finding) => `    ${clean(finding.sentence)}`),
      ...more(own.length - shown.length, style),
    );
  }
  return [...lines, ""];
}

function more(count: number, style: Style): string[] {
  return count > 0 ? [style.dim(`    and ${count} more; --all lists them`)] : [];
}

interface Column {
  readonly name: string;
  readonly most: number;
  /** Left out on a narrow terminal; the highest goes first, 0 never. */
  readonly spare: number;
  readonly of: (entry: CatalogueEntry, now: number) => string;
  readonly paint?: (entry: CatalogueEntry, style: Style) => (text: string) => string;
}

const COVERED = { none: "✗ none", empty: "✗ empty", unknown: "? unknown", covered: "✓ yes" } as const;
const objective = (ms: number | null): string => (ms === null ? "-" : describeDuration(ms));

const COLUMNS: readonly Column[] = [
  { name: "SOURCE", most: 24, spare: 0, of: ({ sourceId }) => sourceId, paint: (_, style) => style.bold },
  {
    name: "COVERED",
    most: 9,
    spare: 0,
    of: ({ coverage }) => COVERED[coverage],
    paint: ({ coverage }, style) => (coverage === "covered" ? style.good : coverage === "unknown" ? style.warn : style.bad),
  },
  { name: "NEWEST", most: 10, spare: 0, of: ({ newestAt }, now) => (newestAt === null ? "-" : describeAge(now - newestAt)) },
  { name: "OWNER", most: 16, spare: 0, of: ({ owner }) => owner?.team ?? "nobody" },
  { name: "CONTACT", most: 18, spare: 6, of: ({ owner }) => owner?.contact ?? "-" },
  { name: "TIER", most: 9, spare: 2, of: ({ tier }) => tier },
  { name: "RPO/RTO", most: 20, spare: 1, of: ({ objectives }) => `${objective(objectives.rpoMs)}/${objective(objectives.rtoMs)}` },
  { name: "PLATFORM", most: 9, spare: 3, of: ({ platform }) => platform },
  { name: "DOMAIN", most: 14, spare: 4, of: ({ domain }) => domain },
  { name: "DATA", most: 14, spare: 5, of: ({ classification }) => classification ?? "-" },
  {
    name: "BACKUPS",
    most: 34,
    spare: 0,
    of: ({ backup }) => (backup === null ? "-" : `${backup.vaultId}:${backup.path === "" ? "" : `${backup.path}/`}${backup.pattern}`),
  },
  { name: "EVERY", most: 8, spare: 7, of: ({ backup }) => objective(backup?.everyMs ?? null) },
  { name: "LAYERS", most: 30, spare: 8, of: ({ layers }) => layers.join(",") || "-" },
];

/** What is still too wide is cut, paths first: the names before them tell more. */
function squeezed<T extends { readonly name: string; readonly width: number }>(columns: readonly T[], room: number): T[] {
  let over = columns.reduce((sum, column) => sum + column.width + 2, -2) - room;
  const cut = new Map<string, number>();
  for (const [name, least] of [
    ["BACKUPS", 12],
    ["SOURCE", 12],
    ["OWNER", 8],
  ] as const) {
    const width = columns.find((column) => column.name === name)?.width ?? 0;
    const less = Math.max(0, Math.min(over, width - least));
    cut.set(name, less);
    over -= less;
  }
  return columns.map((column) => ({ ...column, width: column.width - (cut.get(column.name) ?? 0) }));
}

/** As wide as what is in it, and no wider than the terminal. */
function table(entries: readonly CatalogueEntry[], { out, now }: DiscoverDeps, all: boolean): string[] {
  const at = now();
  const shown = all ? entries : entries.slice(0, MOST_ROWS);
  const filled = COLUMNS.map((column) => {
    const values = shown.map((entry) => clean(column.of(entry, at)));
    const longest = values.reduce((most, value) => Math.max(most, value.length), column.name.length);
    return { ...column, values, width: Math.min(column.most, longest) };
  });
  const spares = filled.map((column) => column.spare).sort((a, b) => b - a);
  const fits = (limit: number): boolean =>
    filled.filter((column) => column.spare <= limit).reduce((sum, column) => sum + column.width + 2, -2) <= out.columns;
  const limit = spares.find(fits) ?? 0;
  const columns = squeezed(
    filled.filter((column) => column.spare <= limit),
    out.columns,
  );
  const lines = shown.map((entry, index) =>
    columns
      .map(({ values, width, paint }) => {
        const text = cell(values[index] ?? "", width);
        // Colour codes have no width: they come after the padding.
        return paint === undefined ? text : paint(entry, out.style)(text);
      })
      .join("  ")
      .trimEnd(),
  );
  const rest = entries.length - shown.length;
  return [
    out.style.dim(
      columns
        .map(({ name, width }) => cell(name, width))
        .join("  ")
        .trimEnd(),
    ),
    ...lines,
    ...(rest > 0 ? [out.style.dim(`and ${rest} more, worst first; --all lists them`)] : []),
  ];
}
