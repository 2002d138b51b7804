/** YAML text with positions: syntax problems as plain sentences that repeat nothing of the text, and where each value stands. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, visit, type Document, type Node, type YAMLError } from "yaml";

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing to say about the configuration. `text` is `what is wrong; mend: how`. */
export interface Problem {
  readonly at: readonly PropertyKey[];
  readonly text: string;
  /** Known for syntax problems; all others are found by `at`. */
  readonly position?: Position;
  /** Stand at the key itself rather than at its value. */
  readonly atKey?: boolean;
}

export interface YamlDocument {
  readonly value: unknown;
  /** Where the value at these keys stands, or the nearest part of the way to it that is written. */
  locate(at: readonly PropertyKey[], atKey: boolean): Position;
}

/** Aliases may repeat this many nodes in all; more is a bomb, not a configuration. */
const MAX_ALIASES = 100;

/** @returns the value, or the problems that kept it from being read */
export function parseYaml(text: string): { readonly document: YamlDocument | null; readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, version: "1.2", merge: false });
  const documents: readonly Document[] = Array.isArray(parsed) ? parsed : [];
  const first = documents[0];
  if (first === undefined || first.contents === null || (isScalar(first.contents) && first.contents.value === null)) {
    const broken = first === undefined ? [] : syntaxProblems(first, lines);
    return {
      document: null,
      problems: broken.length > 0 ? broken : [{ at: [], text: "is empty; mend: run restorewatch init for a starter" }],
    };
  }
  const second = documents[1];
  const problems = documents.flatMap((document) => syntaxProblems(document, lines));
  if (second !== undefined) {
    problems.push({
      at: [],
      text: "holds more than one YAML document; mend: take out the --- between them, or keep one",
      position: positionOf(second.range?.[0] ?? 0, lines),
    });
  }
  problems.push(...danglingAliases(first, lines));
  if (problems.length > 0) return { document: null, problems };
  try {
    const value: unknown = first.toJS({ maxAliasCount: MAX_ALIASES });
    return { document: { value, locate: (at, atKey) => locate(first, lines, at, atKey) }, problems: [] };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return {
      document: null,
      problems: [{ at: [], text: `its aliases (*name) repeat too much (limit ${MAX_ALIASES}); mend: write the values out` }],
    };
  }
}

const SYNTAX: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "an alias (*name) takes no anchor or tag; mend: take them off",
  BAD_ALIAS:
    "an alias is not written well; mend: write *name for an anchor &name defined above, or put quotes around text that begins with * or &",
  BAD_COLLECTION_TYPE: "a tag does not fit its value; mend: take the tag out",
  BAD_DIRECTIVE: "a line that begins with % is not a known directive; mend: take it out",
  BAD_DQ_ESCAPE: "an escape in a double-quoted text is not known; mend: double the backslash, or use single quotes",
  BAD_INDENT: "indentation does not fit; mend: line it up with its siblings, with spaces, or close the bracket or quote above",
  BAD_PROP_ORDER: "an anchor or tag stands in the wrong place; mend: put it before its value",
  BAD_SCALAR_START: "a value begins with a character that has a meaning in YAML; mend: put the value in quotes",
  BLOCK_AS_IMPLICIT_KEY:
    "a key holds a map or list, or a value has a second colon; mend: put text that contains a colon and a space in quotes",
  BLOCK_IN_FLOW: "an indented block stands inside { } or [ ]; mend: write it in one style",
  DUPLICATE_KEY: "this key is written twice in the same map; mend: keep one",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters; mend: look for a missing line break or quote",
  MISSING_CHAR: "a closing quote, bracket, comma or colon is missing; mend: add it before this place",
  MULTILINE_IMPLICIT_KEY: "a key runs over several lines; mend: look for a missing colon, or a missing quote before this place",
  MULTIPLE_ANCHORS: "a value has two anchors; mend: keep one",
  MULTIPLE_DOCS: "holds more than one YAML document; mend: keep one",
  MULTIPLE_TAGS: "a value has two tags; mend: take them out",
  NON_STRING_KEY: "a key is not text; mend: put it in quotes",
  RESOURCE_EXHAUSTION: "is nested too deeply; mend: flatten it",
  TAB_AS_INDENT: "a tab is used to indent; mend: use spaces",
  TAG_RESOLVE_FAILED: "a tag (!name) is not known here; mend: take it out; a secret from the environment is {env: NAME}",
  UNEXPECTED_TOKEN: "something does not belong here; mend: look for a missing quote, bracket or line break just before",
};

/** The library's own messages quote the text, which may hold a secret; so its codes are put into words here. */
function syntaxProblems(document: Document, lines: LineCounter): Problem[] {
  const seen = new Set<number>();
  return [...document.errors, ...document.warnings].flatMap((error: YAMLError) => {
    const position = positionOf(error.pos[0], lines);
    // One slip makes the parser stumble several times on a line; the first is the one to mend.
    if (seen.has(position.line)) return [];
    seen.add(position.line);
    return [{ at: [], text: SYNTAX[error.code] ?? "is not YAML here; mend: look for a missing quote or wrong indentation", position }];
  });
}

function danglingAliases(document: Document, lines: LineCounter): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return;
      const text = "an alias (*name) has no anchor (&name) above it; mend: add the anchor, or put quotes around text that begins with *";
      problems.push({ at: [], text, position: positionOf(startOf(alias) ?? 0, lines) });
    },
  });
  return problems;
}

function positionOf(offset: number, lines: LineCounter): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function locate(document: Document, lines: LineCounter, at: readonly PropertyKey[], atKey: boolean): Position {
  let node: unknown = document.contents;
  let best = startOf(node) ?? 0;
  for (const [index, key] of at.entries()) {
    node = isAlias(node) ? node.resolve(document) : node;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) break;
      node = pair.value;
      const keyStart = startOf(pair.key);
      // A map is found at its key: its own start would be the line of its first entry.
      const wantsKey = isMap(node) || isSeq(node) || node === null || (atKey && index === at.length - 1);
      best = (wantsKey ? keyStart : (startOf(node) ?? keyStart)) ?? best;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      best = startOf(node) ?? best;
    } else break;
  }
  return positionOf(best, lines);
}

function startOf(node: unknown): number | null {
  return (node as Node | null | undefined)?.range?.[0] ?? null;
}
