/** One look over a JSON text without recursion: how deep it goes, where it closes, what is still open, whether a key comes twice. */

export interface JsonMeasure {
  /** Looked at no further than a little beyond what is allowed. */
  readonly deepest: number;
  /** Index of the character that closes the outermost array or object, or null. */
  readonly closedAt: number | null;
  /** Path of the innermost array or object that is not closed, `export[0].tables[3].rows[17]`; null when all are. */
  readonly openAt: string | null;
  /** Index of the first key that its object has already, or null. */
  readonly duplicateAt: number | null;
}

interface Frame {
  readonly list: boolean;
  /** Members begun so far less one. */
  index: number;
  /** Where the text of the last key lies. */
  keyFrom: number;
  keyTo: number;
  /** In an object: whether the next text is a key. */
  wantsKey: boolean;
  keys: Set<string> | null;
}

/** @param maxDepth what is deeper is not looked at any further */
export function measureJson(text: string, maxDepth: number): JsonMeasure {
  const stack: Frame[] = [];
  let deepest = 0;
  let duplicateAt: number | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    const top = stack.at(-1);
    if (char === 0x22) {
      const end = endOfString(text, at);
      if (end < 0) break;
      if (top !== undefined && top.wantsKey) {
        top.keyFrom = at + 1;
        top.keyTo = end;
        top.wantsKey = false;
        if (duplicateAt === null && knownKey(top, text)) duplicateAt = at;
      }
      at = end;
    } else if (char === 0x5b || char === 0x7b) {
      const list = char === 0x5b;
      stack.push({ list, index: 0, keyFrom: 0, keyTo: 0, wantsKey: !list, keys: null });
      deepest = Math.max(deepest, stack.length);
      // The rest does not matter, and the stack must not grow with it.
      if (deepest > maxDepth) return { deepest, closedAt: null, openAt: null, duplicateAt };
    } else if (char === 0x2c && top !== undefined) {
      top.index += 1;
      top.wantsKey = !top.list;
    } else if (char === 0x5d || char === 0x7d) {
      stack.pop();
      if (stack.length === 0) return { deepest, closedAt: at, openAt: null, duplicateAt };
    }
  }
  return { deepest, closedAt: null, openAt: stack.length === 0 ? null : pathOf(text, stack), duplicateAt };
}

function knownKey(frame: Frame, text: string): boolean {
  const raw = text.slice(frame.keyFrom, frame.keyTo);
  const key = raw.includes("\\") ? unescaped(raw) : raw;
  frame.keys ??= new Set();
  const known = frame.keys.has(key);
  frame.keys.add(key);
  return known;
}

function unescaped(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}

const MAX_SHOWN = 8;

/** Keys that no schema would use are people's data and are not shown. */
function pathOf(text: string, stack: readonly Frame[]): string {
  const parts = stack.slice(0, Math.min(stack.length - 1, MAX_SHOWN)).map((frame) => {
    if (frame.list) return `[${frame.index}]`;
    const key = text.slice(frame.keyFrom, Math.min(frame.keyTo, frame.keyFrom + 60));
    return /^[a-z_]\w{0,49}$/u.test(key) ? `.${key}` : ".…";
  });
  const path = parts.join("").replace(/^\./u, "");
  return path === "" ? `the outermost ${stack[0]?.list === true ? "list" : "object"}` : path;
}

/** @returns index of the quote that closes the string opening at `from`, or -1 */
export function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return -1;
}
